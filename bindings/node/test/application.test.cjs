// What applications do beside the rules: odd errors, other libraries' promises, contexts that are used again, half-wrapped requests, answers of
// their own. Where the core is makes no difference to any of it.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const express = require("express");
const { supertokens, Session, anna, make, bearer, start, exchange, served } = require("./world.cjs");
const { errorHandler } = require("supertokens-rs/framework/express");
const { verifySession } = require("supertokens-rs/recipe/session/framework/express");

test("whatever an application puts beside an error, the error is answered and the process lives", async () => {
    const loop = { on: 1n };
    loop.self = loop;
    let thrown;
    const refuses = async () => {
        throw thrown;
    };
    await start({ override: { functions: (original) => ({ ...original, getSession: refuses, createNewSession: refuses }) } });
    const app = express();
    app.get("/me", verifySession(), (_req, res) => res.json({}));
    app.use(errorHandler());
    await served(app, async (ask) => {
        const clears = (answer) => answer.headers["front-token"] === "remove";
        thrown = new Session.Error({ type: "UNAUTHORISED", message: "no", payload: { clearTokens: false, cause: loop } });
        await assert.rejects(make(), (error) => error === thrown);
        let answer = await ask("/me");
        assert.deepEqual([answer.status, clears(answer)], [401, false]);
        thrown = new Session.Error({ type: "UNAUTHORISED", message: "no", payload: loop });
        await assert.rejects(make(), (error) => error === thrown);
        answer = await ask("/me");
        assert.deepEqual([answer.status, clears(answer)], [401, true]);
        thrown = new Session.Error({ type: "INVALID_CLAIMS", message: "no", payload: [{ id: "a", reason: loop }, { id: 1n }, { id: "b", reason: { b: 1 } }] });
        answer = await ask("/me");
        assert.deepEqual([answer.status, answer.json().claimValidationErrors[2]], [403, { id: "b", reason: { b: 1 } }]);
        thrown = new Session.Error({ type: "TRY_REFRESH_TOKEN", message: "no", payload: loop });
        assert.equal((await ask("/me")).status, 401);
        const payload = { sessionHandle: "h", userId: "u", recipeUserId: anna, loop };
        thrown = new Session.Error({ type: "TOKEN_THEFT_DETECTED", message: "no", payload });
        answer = await ask("/me");
        assert.deepEqual([answer.status, clears(answer)], [401, true]);
    });
    // One that cannot even be read is the application's affair.
    thrown = new Session.Error({ type: "UNAUTHORISED", message: "no" });
    Object.defineProperty(thrown, "payload", { get: () => assert.fail("not to be read") });
    await assert.rejects(make(), (error) => error === thrown);
});

test("halves of characters in an error do not keep a user logged in", async () => {
    const half = "a\ud83d", whole = "a\ufffd";
    let thrown;
    const refuses = async () => {
        throw thrown;
    };
    await start({ override: { functions: (original) => ({ ...original, createNewSession: refuses }) } });
    const app = express();
    app.get("/thrown", (_req, _res, next) => next(thrown));
    app.get("/asked", (_req, _res, next) => make().catch(next));
    app.use(errorHandler());
    await served(app, async (ask) => {
        for (const path of ["/thrown", "/asked"]) {
            thrown = new Session.Error({ type: "UNAUTHORISED", message: half });
            const gone = await ask(path);
            assert.deepEqual([gone.status, gone.headers["front-token"]], [401, "remove"], path);
            thrown = new Session.Error({ type: "INVALID_CLAIMS", message: half, payload: [{ id: half, reason: { [half]: `${half}\\ud83d😀` } }] });
            const invalid = await ask(path);
            assert.deepEqual([invalid.status, invalid.json().claimValidationErrors], [403, [{ id: whole, reason: { [whole]: `${whole}\\ud83d😀` } }]], path);
        }
    });
    thrown = new Session.Error({ type: "UNAUTHORISED", message: half });
    await assert.rejects(make(), (error) => error === thrown);
});

test("an override of getSession is told what is left to check against other sites", async () => {
    const seen = [];
    await start({
        antiCsrf: "VIA_CUSTOM_HEADER",
        override: {
            functions: (original) => ({
                ...original,
                async getSession(input) {
                    seen.push([input.options.antiCsrfCheck, input.options.sessionRequired, input.options.checkDatabase, "antiCsrfCheck" in input.options]);
                    return original.getSession(input);
                },
            }),
        },
    });
    const [req, res] = exchange({ "st-auth-mode": "cookie" }, "POST");
    await Session.createNewSession(req, res, "public", anna);
    const cookie = res.set["set-cookie"].map((line) => line.split(";")[0]).join("; ");
    for (const options of [undefined, {}, { antiCsrfCheck: undefined }, { antiCsrfCheck: true }]) {
        const [post, answer] = exchange({ cookie, rid: "anti-csrf" }, "POST");
        assert.equal((await Session.getSession(post, answer, options)).getUserId(), "anna");
        assert.deepEqual(seen.splice(0), [[false, true, false, true]], JSON.stringify(options));
    }
    const [post, answer] = exchange({ cookie }, "POST");
    await assert.rejects(Session.getSession(post, answer, { antiCsrfCheck: undefined }), { type: "TRY_REFRESH_TOKEN" });
    const [get, fine] = exchange({ cookie });
    await Session.getSession(get, fine, { antiCsrfCheck: undefined });
    assert.deepEqual(seen, [[false, true, false, true]]);
});

test("a context that is used again has the request that it is used for", async () => {
    const context = {};
    const seen = [];
    await start({
        override: {
            functions: (original) => ({
                ...original,
                getGlobalClaimValidators: async (input) => {
                    seen.push([supertokens.getRequestFromUserContext(input.userContext)?.getOriginalURL(), input.userContext._default.keepCacheAlive]);
                    return original.getGlobalClaimValidators(input);
                },
            }),
        },
    });
    const session = await make();
    for (const url of ["/one", "/two"]) {
        const [req, res] = exchange(bearer(session), "GET", url);
        await Session.getSession(req, res, undefined, context);
    }
    assert.deepEqual(seen.splice(0), [["/one", true], ["/two", true]]);
    for (const odd of [7, "x", null]) {
        const [req, res] = exchange(bearer(session));
        await Session.getSession(req, res, { overrideGlobalClaimValidators: () => [] }, { _default: odd });
    }
});

test("one of a request and its response may be wrapped", async () => {
    await start();
    const { PreParsedRequest, CollectingResponse } = require("supertokens-rs/framework/custom");
    const parsed = (headers) =>
        new PreParsedRequest({ url: "/x", method: "post", headers: new Headers(headers), cookies: {}, query: {}, getJSONBody: async () => ({}), getFormBody: async () => ({}) });
    const [req, res] = exchange({ "st-auth-mode": "header" }, "POST");
    const raw = await Session.createNewSession(parsed({ "st-auth-mode": "header" }), res, "public", anna);
    assert.equal(res.set["st-access-token"], raw.getAccessToken());
    const collected = new CollectingResponse();
    const wrapped = await Session.createNewSession(req, collected, "public", anna);
    assert.equal(collected.headers.get("st-access-token"), wrapped.getAccessToken());
});

test("an answer that the application has given stays, where the response does not say so yet", async () => {
    const fastify = require("fastify");
    const { plugin, errorHandler: onError } = require("supertokens-rs/framework/fastify");
    const { verifySession: check } = require("supertokens-rs/recipe/session/framework/fastify");
    const { BaseResponse, middleware, PreParsedRequest } = require("supertokens-rs/framework/custom");
    await start(
        {
            errorHandlers: {
                onUnauthorised: async (_message, _req, res) => {
                    res.setStatusCode(418);
                    res.sendJSONResponse({ own: true });
                },
            },
        },
        { framework: "fastify" },
    );
    const app = fastify();
    app.setErrorHandler(onError());
    app.addHook("onSend", async (_req, _reply, payload) => {
        await new Promise(setImmediate);
        return payload;
    });
    await app.register(plugin);
    app.get("/me", { preHandler: check() }, async () => ({}));
    const answer = await app.inject({ url: "/me" });
    assert.deepEqual([answer.statusCode, answer.json()], [418, { own: true }]);
    await app.close();

    // A class of the application's, as the types ask for it: nothing says whether it has answered.
    class Own extends BaseResponse {
        sent = [];
        setHeader() {}
        removeHeader() {}
        setCookie() {}
        setStatusCode() {}
        sendHTMLResponse() {}
        sendJSONResponse(content) {
            this.sent.push(content);
        }
    }
    const own = new Own();
    const request = new PreParsedRequest({ url: "/auth/signout", method: "post", headers: new Headers(), cookies: {}, query: {}, getJSONBody: async () => ({}), getFormBody: async () => ({}) });
    const { handled } = await middleware()(request, own);
    assert.deepEqual([handled, own.sent], [true, [{ own: true }]]);
});

test("functions of the application keep their objects", async () => {
    const { PrimitiveClaim } = require("supertokens-rs/recipe/session/claims");
    class Validator {
        constructor(claim) {
            Object.assign(this, { claim, id: "mine", ready: true });
        }
        shouldRefetch() {
            return this.ready && false;
        }
        async validate() {
            return { isValid: this.ready };
        }
    }
    class Functions {
        constructor(original) {
            Object.assign(this, original, { original });
        }
        getSessionInformation(input) {
            return this.original.getSessionInformation(input);
        }
    }
    const config = {
        getTokenTransferMethod() {
            return this === config ? "header" : assert.fail("without its object");
        },
        override: { functions: (original) => new Functions(original) },
    };
    await start(config);
    const validator = new Validator(new PrimitiveClaim({ key: "k", fetchValue: () => 1 }));
    const session = await make();
    const judged = await Session.validateClaimsForSessionHandle(session.getHandle(), () => [validator]);
    assert.deepEqual(judged, { status: "OK", invalidClaims: [] });
    const [req, res] = exchange(bearer(session));
    await Session.getSession(req, res, { overrideGlobalClaimValidators: () => [validator] });
});

test("where the website is, is asked with the request that caused a call, and missed only where it is needed", async () => {
    const asked = [];
    const own = new RangeError("no request");
    const origin = ({ request }) => {
        asked.push(request?.getOriginalURL());
        if (request === undefined || request.getOriginalURL() === "/lost") throw own;
        return "http://localhost:3000";
    };
    await start(
        {
            override: {
                functions: (original) => ({
                    ...original,
                    async createNewSession(input) {
                        await original.getAllSessionHandlesForUser({ userId: "anna", fetchSessionsForAllLinkedAccounts: true, fetchAcrossAllTenants: true, userContext: input.userContext });
                        return original.createNewSession(input);
                    },
                }),
            },
        },
        { appInfo: { websiteDomain: undefined, origin } },
    );
    asked.length = 0;
    const [req, res] = exchange({ "st-auth-mode": "header" }, "POST", "/login");
    await Session.createNewSession(req, res, "public", anna);
    assert.deepEqual([...new Set(asked)], ["/login"]);
    assert.equal(await Session.revokeSession("no such"), false);
    const [lost, none] = exchange({ "st-auth-mode": "cookie" }, "POST", "/lost");
    await assert.rejects(Session.createNewSession(lost, none, "public", anna), (error) => error === own);
});

test("a step that the engine cannot give ends its call, and nothing else", async () => {
    const { current } = require("../lib/state.js");
    await start({ override: { functions: (original) => ({ ...original, createNewSession: async (input) => original.createNewSession(input) }) } });
    const { engine } = current();
    const { native } = engine;
    for (const name of ["resume", "step"]) {
        engine.native = new Proxy(native, {
            get: (of, member) => (member === name ? () => assert.fail("no step") : of[member].bind(of)),
        });
        await assert.rejects(make(), /no step/, name);
        engine.native = native;
        assert.equal(engine.rows.size, 0);
    }
    assert.equal((await make()).getUserId(), "anna");
});

test("a check of another library's promise is waited for", async () => {
    // As Bluebird's and zone.js's are: no instance of the global class.
    const foreign = (of) => ({ then: (...told) => void of.then(...told) });
    await start({
        override: {
            apis: (original) => ({ ...original, verifySession: (input) => foreign(original.verifySession(input)) }),
        },
    });
    const app = express();
    let ran = 0;
    app.get("/me", verifySession(), (req, res) => {
        ran += 1;
        res.json({ userId: req.session.getUserId() });
    });
    app.use(errorHandler());
    await served(app, async (ask) => {
        assert.deepEqual([(await ask("/me")).status, ran], [401, 0]);
        const answer = await ask("/me", { headers: bearer(await make()) });
        assert.deepEqual([answer.status, answer.json(), ran], [200, { userId: "anna" }, 1]);
    });
});

test("what happens to a session after an application's own route has refreshed it reaches the browser", async () => {
    await start({ override: { apis: (original) => ({ ...original, refreshPOST: async (input) => original.refreshPOST(input) }) } });
    const app = express();
    app.post("/auth/session/refresh", verifySession(), async (req, res) => {
        await req.session.mergeIntoAccessTokenPayload({ later: 1 });
        res.json({ token: req.session.getAccessToken() });
    });
    app.use(errorHandler());
    await served(app, async (ask) => {
        const { refreshToken } = (await make()).getAllSessionTokensDangerously();
        const answer = await ask("/auth/session/refresh", { method: "POST", headers: { authorization: `Bearer ${refreshToken}`, "st-auth-mode": "header" } });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["st-access-token"], answer.json().token);
        assert.ok(answer.headers["st-refresh-token"]);
    });
});
