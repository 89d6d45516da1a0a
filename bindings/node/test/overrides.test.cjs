// Functions of the application around the SDK's own: called in their thread, with their context; their errors come out as they went in.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { supertokens, Session, anna, make, bearer, start, exchange } = require("./world.cjs");

class Own extends Error {}

test("an override of each function is asked, and goes on to the original", async () => {
    const seen = [];
    const functions = (original) =>
        Object.fromEntries(
            Object.entries(original).map(([name, of]) => [
                name,
                async (input) => {
                    seen.push(name);
                    assert.equal(typeof input.userContext, "object", name);
                    return of(input);
                },
            ]),
        );
    await start({ override: { functions } });
    const session = await make();
    const [req, res] = exchange(bearer(session));
    const found = await Session.getSession(req, res);
    await found.mergeIntoAccessTokenPayload({ a: 1 });
    await found.getSessionDataFromDatabase();
    await found.updateSessionDataInDatabase({});
    const claim = new (require("supertokens-rs/recipe/session/claims").PrimitiveClaim)({ key: "k", fetchValue: () => 1 });
    await found.assertClaims([claim.validators.hasValue(1)]);
    const handle = found.getHandle();
    await Session.mergeIntoAccessTokenPayload(handle, { b: 1 });
    await Session.fetchAndSetClaim(handle, claim);
    await Session.setClaimValue(handle, claim, 2);
    await Session.getClaimValue(handle, claim);
    await Session.removeClaim(handle, claim);
    await Session.getAllSessionHandlesForUser("anna");
    await Session.refreshSessionWithoutRequestResponse(session.getAllSessionTokensDangerously().refreshToken, true);
    await Session.revokeMultipleSessions([handle]);
    await found.revokeSession();
    await Session.revokeAllSessionsForUser("anna");
    const all = [
        "createNewSession", "getGlobalClaimValidators", "getSession", "refreshSession", "getSessionInformation", "revokeAllSessionsForUser",
        "getAllSessionHandlesForUser", "revokeSession", "revokeMultipleSessions", "updateSessionDataInDatabase", "mergeIntoAccessTokenPayload",
        "regenerateAccessToken", "validateClaims", "fetchAndSetClaim", "setClaimValue", "getClaimValue", "removeClaim",
    ];
    assert.deepEqual(all.filter((name) => !seen.includes(name)), []);
});

test("the user context is the caller's object, and the session the override's", async () => {
    const contexts = [];
    await start({
        override: {
            functions: (original) => ({
                ...original,
                async createNewSession(input) {
                    contexts.push(input.userContext);
                    const session = await original.createNewSession({ ...input, accessTokenPayload: { ...input.accessTokenPayload, added: 1 } });
                    return Object.assign(session, { mark: "mine" });
                },
            }),
        },
    });
    const context = { from: "here" };
    const session = await make({}, {}, context);
    assert.equal(contexts[0], context);
    assert.equal(session.mark, "mine");
    assert.equal(session.getAccessTokenPayload().added, 1);
    const [req, res] = exchange({ "st-auth-mode": "header" });
    const attached = await Session.createNewSession(req, res, "public", anna);
    assert.equal(supertokens.getRequestFromUserContext(contexts[1]).original, req);
    assert.equal(attached.mark, "mine");
    await attached.mergeIntoAccessTokenPayload({ later: 1 });
    assert.equal(res.set["st-access-token"], attached.getAccessToken());
});

test("errors of the application come out as they are; the SDK's by their kinds", async () => {
    const own = new Own("mine");
    let thrown = own;
    await start({
        override: {
            functions: (original) => ({
                ...original,
                getSessionInformation: () => Promise.reject(thrown),
                createNewSession: async () => {
                    throw thrown;
                },
            }),
        },
    });
    await assert.rejects(make(), (error) => error === own);
    thrown = undefined;
    await assert.rejects(make(), (error) => error === undefined);
    thrown = new Session.Error({ type: "UNAUTHORISED", message: "no", payload: { clearTokens: false } });
    await assert.rejects(make(), (error) => error === thrown);
    thrown = new supertokens.Error({ type: "BAD_INPUT_ERROR", message: "bad" });
    await assert.rejects(make(), (error) => error === thrown);
    thrown = new Session.Error({ type: "INVALID_CLAIMS", message: "x", payload: [{ id: "a", reason: { b: 1 } }] });
    await assert.rejects(make(), { type: "INVALID_CLAIMS", payload: [{ id: "a", reason: { b: 1 } }] });
});

test("an answer of the wrong type is refused by the function's name", async () => {
    let given;
    const giving = (name) => ({ override: { functions: (original) => ({ ...original, [name]: async () => given }) } });
    await start(giving("createNewSession"));
    for (given of [undefined, null, {}, 7, { getUserId: () => "x" }]) await assert.rejects(make(), /createNewSession/);
    for (const [name, call, wrong] of [
        ["revokeSession", (session) => session.revokeSession(), [undefined, "yes", 1]],
        ["getSessionInformation", (session) => session.getExpiry(), [7, { recipeUserId: anna }, "x"]],
        ["regenerateAccessToken", (session) => session.mergeIntoAccessTokenPayload({ a: 1 }), [7, { session: {} }, { session: { userDataInJWT: {} }, accessToken: 1 }]],
    ]) {
        await start(giving(name));
        const session = await make();
        for (given of wrong) await assert.rejects(call(session), (error) => error instanceof Error && error.type === undefined, `${name} ${given}`);
        given = 1n;
        await assert.rejects(call(session), Error);
    }
    await start(giving("getSession"));
    const [req, res] = exchange(bearer(await make()));
    for (given of [{}, "x"]) await assert.rejects(Session.getSession(req, res), /getSession/);
    given = undefined;
    assert.equal(await Session.getSession(req, res), undefined);
});

test("an override that gives another session than the token's is heard", async () => {
    let other;
    await start({ override: { functions: (original) => ({ ...original, getSession: async () => other }) } });
    const [one, two] = [await make({ is: "one" }), await make({ is: "two" })];
    other = two;
    const [req, res] = exchange(bearer(one));
    const found = await Session.getSession(req, res);
    assert.equal(found.getHandle(), two.getHandle());
    await found.mergeIntoAccessTokenPayload({ a: 1 });
    assert.equal((await Session.getSessionInformation(one.getHandle())).customClaimsInAccessTokenPayload.a, undefined);
});

test("calls back into the SDK, from wherever it asks, as often as one likes", async () => {
    let depth = 0;
    await start({
        override: {
            functions: (original) => ({
                ...original,
                async createNewSession(input) {
                    if (input.userContext.inner) return original.createNewSession(input);
                    depth += 1;
                    const inner = await make({}, {}, { inner: true });
                    await inner.mergeIntoAccessTokenPayload({ inner: true });
                    assert.equal(await Session.revokeSession(inner.getHandle()), true);
                    return original.createNewSession(input);
                },
            }),
        },
    });
    const all = await Promise.all(Array.from({ length: 50 }, () => make()));
    assert.equal(new Set(all.map((session) => session.getHandle())).size, 50);
    assert.equal(depth, 50);
});

test("endpoints: overridden, switched off, and answered by the application", async () => {
    const express = require("express");
    const { middleware, errorHandler } = require("supertokens-rs/framework/express");
    const { served } = require("./world.cjs");
    let behave = "original";
    await start({
        override: {
            apis: (original) => ({
                ...original,
                async refreshPOST(input) {
                    const session = await original.refreshPOST(input);
                    assert.equal(input.options.req.getMethod(), "post");
                    if (behave === "revoke") await session.revokeSession();
                    if (behave === "throw") throw new Session.Error({ type: "UNAUTHORISED", message: "no" });
                    if (behave === "own") throw new Own("mine");
                    if (behave === "send") {
                        input.options.res.setStatusCode(418);
                        input.options.res.sendJSONResponse({ own: true });
                    }
                    return session;
                },
                signOutPOST: undefined,
            }),
        },
    });
    const app = express();
    app.use(middleware());
    app.post("/auth/signout", (_req, res) => res.json({ theirs: true }));
    app.use(errorHandler());
    let last;
    app.use((error, _req, res, _next) => {
        last = error;
        res.status(500).json({ theirs: true });
    });
    await served(app, async (ask) => {
        const refresh = async () => {
            const { refreshToken } = (await make()).getAllSessionTokensDangerously();
            const headers = { authorization: `Bearer ${refreshToken}`, rid: "session", "st-auth-mode": "header" };
            return ask("/auth/session/refresh", { method: "POST", headers });
        };
        const good = await refresh();
        assert.deepEqual([good.status, good.text], [200, "{}"]);
        assert.ok(good.headers["st-refresh-token"]);
        behave = "revoke";
        const revoked = await refresh();
        assert.deepEqual([revoked.status, revoked.headers["front-token"], revoked.headers["st-access-token"]], [200, "remove", ""]);
        behave = "throw";
        const refused = await refresh();
        assert.deepEqual([refused.status, refused.json().message, refused.headers["front-token"]], [401, "unauthorised", "remove"]);
        behave = "send";
        const own = await refresh();
        assert.deepEqual([own.status, own.json()], [418, { own: true }]);
        assert.notEqual(own.headers["front-token"], "remove", "the new tokens are set all the same");
        behave = "own";
        assert.equal((await refresh()).status, 500);
        assert.ok(last instanceof Own);
        assert.deepEqual((await ask("/auth/signout", { method: "POST" })).json(), { theirs: true });
    });
});

test("error handlers answer in their own way, and see the tokens gone", async () => {
    const express = require("express");
    const { verifySession } = require("supertokens-rs/recipe/session/framework/express");
    const { errorHandler } = require("supertokens-rs/framework/express");
    const { served } = require("./world.cjs");
    const told = [];
    await start({
        errorHandlers: {
            onUnauthorised: async (message, req, res) => {
                told.push(message, req.getHeaderValue("X-Mark"));
                res.setStatusCode(499);
                res.sendJSONResponse({ own: true });
            },
            onInvalidClaim: async (errors, _req, res, userContext) => {
                told.push(errors, typeof userContext);
                res.sendHTMLResponse("<b>no</b>");
            },
            onTokenTheftDetected: async (handle, userId, recipeUserId) => {
                told.push(handle, userId, recipeUserId.getAsString());
            },
        },
    });
    const app = express();
    const never = { id: "never", validate: async () => ({ isValid: false, reason: "so" }) };
    app.get("/me", verifySession(), (_req, res) => res.json({}));
    app.get("/never", verifySession({ overrideGlobalClaimValidators: () => [never] }), (_req, res) => res.json({}));
    app.get("/theft", (_req, _res, next) => {
        const payload = { sessionHandle: "h", userId: "u", recipeUserId: supertokens.convertToRecipeUserId("r") };
        next(new Session.Error({ type: "TOKEN_THEFT_DETECTED", message: "x", payload }));
    });
    app.use(errorHandler());
    await served(app, async (ask) => {
        const refused = await ask("/me", { headers: { "x-mark": "m" } });
        assert.deepEqual([refused.status, refused.json(), told.splice(0)[1]], [499, { own: true }, "m"]);
        const invalid = await ask("/never", { headers: bearer(await make()) });
        assert.deepEqual([invalid.status, invalid.text], [200, "<b>no</b>"]);
        assert.deepEqual(told.splice(0), [[{ id: "never", reason: "so" }], "object"]);
        const theft = await ask("/theft");
        assert.deepEqual([theft.status, theft.headers["front-token"]], [401, "remove"]);
        assert.deepEqual(told.splice(0), ["h", "u", "r"]);
    });
});

test("functions that answer at once: where tokens travel, what they are called, which website it is", async () => {
    const asked = [];
    await start(
        {
            getTokenTransferMethod: ({ req, forCreateNewSession }) => {
                asked.push(forCreateNewSession);
                return req.getHeaderValue("x-mode") ?? "cookie";
            },
            getCookieNameForTokenType: (_req, type) => `my-${type}`,
            getResponseHeaderNameForTokenType: (_req, type) => `x-my-${type}`,
            antiCsrf: "NONE",
        },
        { appInfo: { websiteDomain: undefined, origin: ({ request }) => request?.getHeaderValue("origin") ?? "http://localhost:3000" } },
    );
    const [req, res] = exchange({ origin: "http://localhost:3000" });
    await Session.createNewSession(req, res, "public", anna);
    assert.ok(asked.includes(true));
    const cookies = res.set["set-cookie"].map((line) => line.split(";")[0]);
    assert.deepEqual(cookies.map((pair) => pair.split("=")[0]), ["my-access", "my-refresh"]);
    asked.length = 0;
    const [get, answer] = exchange({ cookie: cookies.join("; "), origin: "http://localhost:3000" });
    assert.equal((await Session.getSession(get, answer)).getUserId(), "anna");
    assert.deepEqual(asked, [false], "a check does not ask how a new session would travel");
    const [byHeader, headers] = exchange({ "x-mode": "header" });
    await Session.createNewSession(byHeader, headers, "public", anna);
    assert.ok(headers.set["x-my-access"]);
    const [wrong, none] = exchange({ "x-mode": "pigeon" });
    await assert.rejects(Session.createNewSession(wrong, none, "public", anna), /getTokenTransferMethod/);
});

test("the network interceptor sees and changes every call to the core", async () => {
    if (process.env.CORE !== "remote") return;
    const { program } = require("./world.cjs");
    const core = await program();
    const seen = [];
    const networkInterceptor = (request, userContext) => {
        seen.push(`${request.method} ${new URL(request.url).pathname}`);
        assert.equal(typeof userContext, "object");
        assert.ok(request.headers["api-key"]);
        if (userContext.fail) throw new Own("no");
        return { ...request, headers: { ...request.headers, "x-mine": 1 } };
    };
    await start({}, { core: { ...core, networkInterceptor } });
    await make();
    assert.ok(seen.includes("post /public/recipe/session"), String(seen));
    await assert.rejects(make({}, {}, { fail: true }), Own);
});
