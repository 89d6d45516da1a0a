// The whole life of a session, with a core in this process, and with a program (CORE=remote).
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { supertokens, Session, anna, make, bearer, start, exchange } = require("./world.cjs");
const { PrimitiveClaim } = require("supertokens-rs/recipe/session/claims");

test("created, checked, changed, refreshed, stolen, revoked", async () => {
    await start();
    const session = await make({ role: "admin", iss: "somebody else" }, { seen: 1 });
    const payload = session.getAccessTokenPayload();
    assert.equal(payload.role, "admin");
    assert.equal(payload.iss, "http://localhost:3001/auth", "who issues is not the caller's to say");
    assert.equal(session.getUserId(), "anna");
    assert.equal(session.getRecipeUserId().getAsString(), "anna");
    assert.equal(session.getTenantId(), "public");
    assert.equal(session.getAccessTokenPayload(), payload, "parsed once");

    const [req, res] = exchange(bearer(session));
    const found = await Session.getSession(req, res);
    assert.equal(found.getHandle(), session.getHandle());
    assert.equal(found.getAccessToken(), session.getAccessToken());
    const all = found.getAllSessionTokensDangerously();
    assert.deepEqual([all.refreshToken, all.accessAndFrontTokenUpdated], [undefined, false]);
    assert.deepEqual(res.set, {}, "a check changes nothing");

    await found.mergeIntoAccessTokenPayload({ plan: "gold", role: null });
    assert.deepEqual([found.getAccessTokenPayload().plan, found.getAccessTokenPayload().role], ["gold", undefined]);
    assert.equal(res.set["st-access-token"], found.getAccessToken(), "the browser gets the new token");
    assert.match(res.set["access-control-expose-headers"], /front-token/);
    assert.match(res.set["cache-control"], /no-store/);

    assert.deepEqual(await found.getSessionDataFromDatabase(), { seen: 1 });
    await found.updateSessionDataInDatabase({ seen: 2 });
    assert.deepEqual(await found.getSessionDataFromDatabase(), { seen: 2 });
    assert.ok((await found.getExpiry()) > (await found.getTimeCreated()));

    const { refreshToken } = session.getAllSessionTokensDangerously();
    const renewed = await Session.refreshSessionWithoutRequestResponse(refreshToken, true);
    assert.equal(renewed.getHandle(), session.getHandle());
    assert.equal(renewed.getAccessTokenPayload().plan, "gold");
    const [again, answer] = exchange(bearer(renewed));
    await Session.getSession(again, answer, { checkDatabase: true });
    await Session.refreshSessionWithoutRequestResponse(renewed.getAllSessionTokensDangerously().refreshToken, true);
    await assert.rejects(Session.refreshSessionWithoutRequestResponse(refreshToken, true), (error) => {
        assert.equal(error.type, Session.Error.TOKEN_THEFT_DETECTED);
        assert.equal(error.payload.sessionHandle, session.getHandle());
        assert.equal(error.payload.recipeUserId.getAsString(), "anna");
        return supertokens.Error.isErrorFromSuperTokens(error) && error instanceof supertokens.Error;
    });

    await renewed.revokeSession();
    await assert.rejects(Session.getSession(again, answer, { checkDatabase: true }), { type: "UNAUTHORISED" });
    await assert.rejects(renewed.updateSessionDataInDatabase({}), { type: "UNAUTHORISED" });
});

test("by handle and by user", async () => {
    await start();
    const id = supertokens.convertToRecipeUserId(`bert-${Math.random()}`);
    const [one, two] = [await make({}, {}, undefined, id), await make({ a: 1 }, {}, undefined, id)];
    const handle = one.getHandle();
    const found = await Session.getSessionInformation(handle);
    assert.equal(found.recipeUserId.getAsString(), id.getAsString());
    assert.deepEqual(found.sessionDataInDatabase, {});
    assert.deepEqual((await Session.getAllSessionHandlesForUser(id.getAsString())).sort(), [handle, two.getHandle()].sort());
    assert.equal(await Session.updateSessionDataInDatabase(handle, { x: 1 }), true);
    assert.equal(await Session.mergeIntoAccessTokenPayload(handle, { y: [1, "é", null] }), true);
    const after = await Session.getSessionInformation(handle);
    assert.deepEqual([after.sessionDataInDatabase, after.customClaimsInAccessTokenPayload.y], [{ x: 1 }, [1, "é", null]]);

    const claim = new PrimitiveClaim({ key: "c", fetchValue: async (userId) => `of ${userId}` });
    assert.equal(await Session.fetchAndSetClaim(handle, claim), true);
    assert.deepEqual(await Session.getClaimValue(handle, claim), { status: "OK", value: `of ${id.getAsString()}` });
    assert.equal(await Session.setClaimValue(handle, claim, "set"), true);
    const wants = () => [claim.validators.hasValue("set"), claim.validators.hasValue("other", undefined, "second")];
    const judged = await Session.validateClaimsForSessionHandle(handle, wants);
    assert.equal(judged.status, "OK");
    assert.deepEqual(judged.invalidClaims.map(({ id: of }) => of), ["second"]);
    assert.equal(await Session.removeClaim(handle, claim), true);
    assert.deepEqual(await Session.getClaimValue(handle, claim), { status: "OK", value: undefined });

    assert.equal(await Session.revokeSession(handle), true);
    assert.equal(await Session.revokeSession(handle), false);
    assert.deepEqual(await Session.revokeMultipleSessions([handle, two.getHandle()]), [two.getHandle()]);
    assert.deepEqual(await Session.revokeAllSessionsForUser(id.getAsString()), []);
    for (const gone of [handle, "no such", "x_-y"]) {
        assert.equal(await Session.getSessionInformation(gone), undefined, gone);
        assert.equal(await Session.mergeIntoAccessTokenPayload(gone, {}), false);
        assert.deepEqual(await Session.getClaimValue(gone, claim), { status: "SESSION_DOES_NOT_EXIST_ERROR" });
        assert.deepEqual(await Session.validateClaimsForSessionHandle(gone), { status: "SESSION_DOES_NOT_EXIST_ERROR" });
    }
});

test("JWTs, keys and the discovery document", async () => {
    await start();
    const { status, jwt } = await Session.createJWT({ a: 1 }, 60);
    assert.equal(status, "OK");
    const [, body] = jwt.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url"));
    assert.deepEqual([claims.a, claims.iss, claims.exp - claims.iat], [1, "http://localhost:3001/auth", 60]);
    const plain = await require("supertokens-rs/recipe/jwt").createJWT({ a: 1 }, 60);
    assert.equal(JSON.parse(Buffer.from(plain.jwt.split(".")[1], "base64url")).iss, "http://localhost:3001", "the core's own");
    const { keys, validityInSeconds } = await Session.getJWKS();
    assert.ok(keys.length > 0 && keys[0].kty === "RSA" && validityInSeconds > 0);
    const document = await Session.getOpenIdDiscoveryConfiguration();
    assert.deepEqual([document.status, document.issuer], ["OK", "http://localhost:3001/auth"]);
});

test("cookies and headers of a request, clearing, and attaching by hand", async () => {
    await start();
    const [req, res] = exchange({ "st-auth-mode": "cookie" }, "POST", "/login");
    res.setHeader("set-cookie", ["theirs=1; Path=/", "sAccessToken=old; Path=/"]);
    res.setHeader("access-control-expose-headers", "x-theirs");
    const made = await Session.createNewSession(req, res, "public", anna, { a: 1 });
    const cookies = res.set["set-cookie"];
    assert.deepEqual(cookies.map((line) => line.split("=")[0]), ["theirs", "sAccessToken", "sRefreshToken"]);
    assert.match(res.set["access-control-expose-headers"], /^x-theirs, .*front-token/);
    const cookie = cookies.map((line) => line.split(";")[0]).join("; ");

    const [get, answer] = exchange({ cookie });
    const found = await Session.getSession(get, answer);
    assert.equal(found.getHandle(), made.getHandle());
    await found.revokeSession();
    assert.equal(answer.set["front-token"], "remove");
    assert.match(answer.set["set-cookie"][0], /^sAccessToken=;/);

    const loose = await make();
    const { PreParsedRequest, CollectingResponse } = require("supertokens-rs/framework/custom");
    const wrapped = new PreParsedRequest({ url: "/x", method: "get", headers: new Headers(), cookies: {}, query: {}, getJSONBody: async () => ({}), getFormBody: async () => ({}) });
    const collected = new CollectingResponse();
    await loose.attachToRequestResponse({ req: wrapped, res: collected, transferMethod: "header" });
    assert.equal(collected.headers.get("st-access-token"), loose.getAccessToken());
    await loose.mergeIntoAccessTokenPayload({ later: true });
    assert.equal(collected.headers.get("st-access-token"), loose.getAccessToken(), "later changes too");
    const byCookie = new CollectingResponse();
    await loose.attachToRequestResponse({ req: wrapped, res: byCookie, transferMethod: "cookie" });
    assert.deepEqual(byCookie.cookies.map(({ key, httpOnly }) => [key, httpOnly]), [["sAccessToken", true], ["sRefreshToken", true]]);
});

test("what a check has found is still there when its request has changed", async () => {
    await start({ verifiedTokensKept: 0 });
    const [req, res] = exchange(bearer(await make()));
    const found = await Session.getSession(req, res);
    req.headers = {};
    await found.mergeIntoAccessTokenPayload({ a: 1 });
    assert.equal(found.getAccessTokenPayload().a, 1);
    const [several, answer] = exchange(bearer(found));
    const same = await Session.getSession(several, answer);
    await Promise.all([same.mergeIntoAccessTokenPayload({ b: 1 }), same.mergeIntoAccessTokenPayload({ c: 1 })]);
    const stored = (await Session.getSessionInformation(same.getHandle())).customClaimsInAccessTokenPayload;
    assert.deepEqual([stored.a, stored.b, stored.c], [1, 1, 1], "two changes at once both count");
});
