// Claims and their fetchers: that wait, throw, answer the wrong type, find nothing, call back; and the rules against the known answers.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { setImmediate: turn } = require("node:timers/promises");
const { supertokens, Session, anna, make, bearer, start, exchange } = require("./world.cjs");
const { BooleanClaim, PrimitiveArrayClaim, PrimitiveClaim, SessionClaim } = require("supertokens-rs/recipe/session/claims");

const check = async (session, validators, more = {}) => {
    const [req, res] = exchange(bearer(session));
    const found = await Session.getSession(req, res, { overrideGlobalClaimValidators: () => validators, ...more });
    return [found, res];
};

test("a fetcher that waits is waited for, in the middle of a check", async () => {
    await start();
    const plan = new PrimitiveClaim({
        key: "plan",
        fetchValue: async (userId, recipeUserId, tenantId, payload, userContext) => {
            await turn();
            assert.deepEqual([recipeUserId.getAsString(), tenantId, payload.sub, typeof userContext], ["anna", "public", "anna", "object"]);
            return `plan of ${userId}`;
        },
    });
    const session = await make();
    const [found, res] = await check(session, [plan.validators.hasValue("plan of anna")]);
    assert.equal(found.getAccessTokenPayload().plan.v, "plan of anna");
    assert.equal(await found.getClaimValue(plan), "plan of anna");
    assert.equal(res.set["st-access-token"], found.getAccessToken(), "the browser gets the new token");
    await assert.rejects(check(session, [plan.validators.hasValue("gold", undefined, "wanted")]), (error) => {
        assert.equal(error.type, "INVALID_CLAIMS");
        assert.deepEqual(error.payload[0].id, "wanted");
        assert.equal(error.payload[0].reason.actualValue, "plan of anna");
        return true;
    });
});

test("a fetcher that throws, of the wrong type, or that finds nothing", async () => {
    await start();
    const own = new TypeError("mine");
    let fetched = () => {
        throw own;
    };
    const claim = new PrimitiveClaim({ key: "c", fetchValue: () => fetched() });
    const session = await make();
    await assert.rejects(check(session, [claim.validators.hasValue(1)]), (error) => error === own);
    fetched = () => Promise.reject(own);
    await assert.rejects(session.fetchAndSetClaim(claim), (error) => error === own);
    for (const wrong of [1n, Object.assign([], { toJSON: () => 1n })]) {
        fetched = () => wrong;
        await assert.rejects(check(session, [claim.validators.hasValue(1)]), TypeError);
    }
    for (const wrong of [Symbol("x"), () => 1, { deep: [Number.NaN] }, null]) {
        fetched = () => wrong;
        await assert.rejects(check(session, [claim.validators.hasValue(1)]), { type: "INVALID_CLAIMS" });
    }
    fetched = () => 1;
    await session.fetchAndSetClaim(claim);
    fetched = () => undefined;
    await session.fetchAndSetClaim(claim);
    assert.equal(await session.getClaimValue(claim), undefined, "where there is no value any more, none is kept");
});

test("a fetcher that calls the SDK, and validators that are none", async () => {
    await start();
    const session = await make();
    const claim = new PrimitiveClaim({
        key: "sessions",
        fetchValue: async (userId) => {
            const other = await make();
            await other.revokeSession();
            return (await Session.getAllSessionHandlesForUser(userId)).length > 0;
        },
    });
    const [found] = await check(session, [claim.validators.hasValue(true)]);
    assert.equal(found.getAccessTokenPayload().sessions.v, true);
    for (const wrong of [undefined, "x", [{}], [{ id: 1, validate: () => {} }], [null]]) {
        const [req, res] = exchange(bearer(session));
        await assert.rejects(Session.getSession(req, res, { overrideGlobalClaimValidators: () => wrong }), TypeError);
    }
    for (const validate of [async () => undefined, async () => ({}), async () => ({ isValid: "yes" })]) {
        await assert.rejects(check(session, [{ id: "odd", validate }]), { type: "INVALID_CLAIMS" });
    }
});

test("a check that nobody waits for to its end keeps nothing", async () => {
    await start();
    const session = await make();
    let answer;
    const never = new PrimitiveClaim({ key: "n", fetchValue: () => new Promise((resolve) => (answer = resolve)) });
    const [req, res] = exchange(bearer(session));
    const waiting = Session.getSession(req, res, { overrideGlobalClaimValidators: () => [never.validators.hasValue(1)] });
    while (answer === undefined) await turn();
    // Others go on meanwhile.
    assert.equal((await check(session, []))[0].getUserId(), "anna");
    answer(1);
    assert.equal((await waiting).getAccessTokenPayload().n.v, 1);
});

test("global validators come from the override, and the choice of a route from there", async () => {
    const blocked = { id: "blocked", validate: async (payload) => ({ isValid: payload.blocked !== true, reason: "so" }) };
    await start({
        override: {
            functions: (original) => ({
                ...original,
                getGlobalClaimValidators: (input) => [...input.claimValidatorsAddedByOtherRecipes, blocked],
            }),
        },
    });
    const session = await make({ blocked: true });
    const [req, res] = exchange(bearer(session));
    await assert.rejects(Session.getSession(req, res), { type: "INVALID_CLAIMS", payload: [{ id: "blocked", reason: "so" }] });
    const seen = [];
    const overrideGlobalClaimValidators = (validators, of) => {
        seen.push(validators, of.getHandle());
        return [];
    };
    await Session.getSession(req, res, { overrideGlobalClaimValidators });
    assert.deepEqual([seen[0][0] === blocked, seen[1]], [true, session.getHandle()]);
    await assert.rejects(Session.getSessionWithoutRequestResponse(session.getAccessToken()), { type: "INVALID_CLAIMS" });
    await Session.getSessionWithoutRequestResponse(session.getAccessToken(), undefined, { overrideGlobalClaimValidators });
});

test("a claim with a layout of its own", async () => {
    class Bare extends SessionClaim {
        fetchValue = () => 7;
        addToPayload_internal = (payload, value) => ({ ...payload, bare: value });
        removeFromPayloadByMerge_internal = (payload) => ({ ...payload, bare: null });
        removeFromPayload = ({ bare: _, ...rest }) => rest;
        getValueFromPayload = (payload) => payload.bare;
    }
    await start();
    const claim = new Bare("bare");
    const session = await make();
    const wants = { id: "bare", claim, shouldRefetch: (payload) => payload.bare === undefined, validate: async (payload) => ({ isValid: payload.bare === 7 }) };
    const [found] = await check(session, [wants]);
    assert.equal(found.getAccessTokenPayload().bare, 7);
    await found.removeClaim(claim);
    assert.equal(found.getAccessTokenPayload().bare, undefined);
    assert.deepEqual(await claim.build("u", anna, "public", {}, {}), { bare: 7 });
});

test("the rules, one by one", async () => {
    const at = Date.now();
    const stored = (v, age = 0) => ({ k: { v, t: at - age * 1000 } });
    const fetchValue = () => undefined;
    const primitive = new PrimitiveClaim({ key: "k", fetchValue });
    const list = new PrimitiveArrayClaim({ key: "k", fetchValue });
    const bool = new BooleanClaim({ key: "k", fetchValue, defaultMaxAgeInSeconds: 300 });
    const verdict = async (validator, payload) => {
        const result = await validator.validate(payload, {});
        return result.isValid ? "valid" : result.reason.message;
    };
    const reason = async (validator, payload) => (await validator.validate(payload, {})).reason;
    const v = { ...primitive.validators, ...list.validators, ...bool.validators };
    for (const [validator, payload, expected] of [
        [primitive.validators.hasValue(1), stored(1), "valid"],
        [primitive.validators.hasValue(1), stored("1"), "wrong value"],
        [primitive.validators.hasValue(1), {}, "value does not exist"],
        [primitive.validators.hasValue(null), stored(null), "value does not exist"],
        [primitive.validators.hasValue(1, 10), stored(1, 11), "expired"],
        [primitive.validators.hasValue(1, 10), { k: { v: 1 } }, "expired"],
        [primitive.validators.hasValue(1, 10), stored(1, 5), "valid"],
        [primitive.validators.hasValue(1, 0), stored(1, 1), "expired"],
        [v.isTrue(), stored(true), "valid"],
        [v.isTrue(), stored(true, 301), "expired"],
        [v.isTrue(1000), stored(true, 301), "valid"],
        [v.isFalse(), stored(true), "wrong value"],
        [v.includes("a"), stored(["a"]), "valid"],
        [v.includes("a"), stored("a"), "wrong value"],
        [v.excludes("a"), stored(["a"]), "wrong value"],
        [v.excludes("a"), stored([]), "valid"],
        [v.includesAll([]), stored([]), "valid"],
        [v.includesAll(["a", "b"]), stored(["b"]), "wrong value"],
        [v.includesAny([]), stored(["a"]), "wrong value"],
        [v.includesAny(["a", "b"]), stored(["b"]), "valid"],
        [v.excludesAll([]), stored(["a"]), "valid"],
        [v.excludesAll(["a"]), stored(["a"]), "wrong value"],
    ]) {
        assert.equal(await verdict(validator, payload), expected, JSON.stringify(payload));
    }
    assert.deepEqual(await reason(primitive.validators.hasValue(1), {}), { message: "value does not exist", expectedValue: 1 });
    assert.deepEqual(await reason(v.includesAny(["a"]), {}), { message: "value does not exist", expectedToIncludeAtLeastOneOf: ["a"] });
    assert.deepEqual(await reason(v.includesAll(["a"]), stored([])), { message: "wrong value", expectedToInclude: ["a"], actualValue: [] });
    const { ageInSeconds, ...rest } = await reason(primitive.validators.hasValue(1, 10), stored(1, 20));
    assert.ok(ageInSeconds >= 20 && ageInSeconds < 60);
    assert.deepEqual(rest, { message: "expired", maxAgeInSeconds: 10 });
    const refetch = (validator, payload) => validator.shouldRefetch(payload, {});
    assert.deepEqual(
        [refetch(v.isTrue(), {}), refetch(v.isTrue(), stored(true)), refetch(v.isTrue(), stored(true, 400)), refetch(primitive.validators.hasValue(1), stored(1, 9e9))],
        [true, false, true, false],
    );
    assert.equal(primitive.validators.hasValue(1).id, "k");
    assert.equal(primitive.validators.hasValue(1, undefined, "other").id, "other");
    assert.deepEqual(primitive.removeFromPayloadByMerge_internal({ a: 1 }), { a: 1, k: null });
    assert.deepEqual(primitive.removeFromPayload({ a: 1, k: 2 }), { a: 1 });
    assert.equal(primitive.getLastRefetchTime(stored(1)), at);
});
