// What comes from outside: garbage in tokens, cookies, headers, addresses. Every answer is an answer, and the session beside is unharmed.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const express = require("express");
const { Session, anna, make, bearer, start, exchange, served } = require("./world.cjs");
const { errorHandler, middleware } = require("supertokens-rs/framework/express");
const { verifySession } = require("supertokens-rs/recipe/session/framework/express");

function application() {
    const app = express();
    app.use(middleware());
    app.get("/me", verifySession(), (req, res) => res.json({ userId: req.session.getUserId() }));
    app.post("/me", verifySession(), (req, res) => res.json({ userId: req.session.getUserId() }));
    app.get("/optional", verifySession({ sessionRequired: false }), (req, res) => res.json({ userId: req.session?.getUserId() ?? null }));
    app.use(errorHandler());
    return app;
}

test("tokens, cookies and headers that are none", async () => {
    await start();
    await served(application(), async (ask) => {
        const session = await make();
        const token = session.getAccessToken();
        const { refreshToken } = session.getAllSessionTokensDangerously();
        const middle = token.lastIndexOf(".") - 20;
        const tampered = token.slice(0, middle) + (token[middle] === "A" ? "B" : "A") + token.slice(middle + 1);
        const nonsense = ["x", ".", "..", "a.b.c", "%", "%00", "null", "{}", "é", "A".repeat(9000), "eyJhbGciOiJub25lIn0.e30.", tampered, token.slice(0, -9), refreshToken];
        for (const wrong of nonsense) {
            for (const headers of [{ authorization: `Bearer ${wrong}` }, { cookie: `sAccessToken=${wrong}` }, { cookie: `sAccessToken=${encodeURIComponent(wrong)}` }]) {
                const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]));
                assert.equal((await ask("/me", { headers: sent })).status, 401, wrong.slice(0, 20));
                const optional = await ask("/optional", { headers: sent });
                assert.ok(optional.status === 401 || optional.json().userId === null, wrong.slice(0, 20));
                if (wrong !== refreshToken) assert.equal((await ask("/auth/session/refresh", { method: "POST", headers: sent })).status, 401);
                assert.ok([200, 401].includes((await ask("/auth/signout", { method: "POST", headers: sent })).status));
            }
        }
        for (const cookie of ["=", ";;;", "sAccessToken", "sAccessToken=;sAccessToken==", "a=%E0%A4%A", `sAccessToken=${token}; sAccessToken=${tampered}`, "sIdRefreshToken=x"]) {
            const { status } = await ask("/me", { headers: { cookie } });
            assert.ok([200, 401].includes(status), cookie.slice(0, 30));
        }
        for (const authorization of ["Bearer", "Bearer ", "Bearer  x y", "Basic eDp5", "bearer\tx"]) {
            assert.equal((await ask("/me", { headers: { authorization } })).status, 401);
        }
        assert.equal((await ask("/me", { headers: bearer(session) })).json().userId, "anna", "the session beside is unharmed");
        assert.equal((await ask("/auth/session/refresh", { method: "POST", headers: { authorization: `Bearer ${refreshToken}` } })).status, 200);
    });
});

test("addresses that no path is", async () => {
    await start();
    await served(application(), async (ask) => {
        for (const path of ["/auth/session/refresh/../refresh", "/auth/%73ignout", "//auth/signout", "/auth/signout?x=%00", "/auth/signout/", "/%E0%A4%A/refresh", "/auth/{}/signout", "/AUTH/signout"]) {
            const { status } = await ask(path, { method: "POST" });
            assert.ok([400, 401, 404].includes(status), `${path}: ${status}`);
        }
    });
    for (const url of ["/é", "/\u0000", "", "/a b", "http://", "/" + "x".repeat(70_000)]) {
        const [req, res] = exchange(bearer(await make()), "GET", url);
        const outcome = await Session.getSession(req, res).then((found) => found.getUserId(), (error) => error.type);
        assert.ok(["anna", "BAD_INPUT_ERROR"].includes(outcome), `${url.slice(0, 10)}: ${outcome}`);
    }
});

test("a path with dots in it is no way around a route's check", async () => {
    await start();
    const app = express();
    let ran = 0;
    app.use("/data", verifySession({ overrideGlobalClaimValidators: () => [{ id: "never", validate: async () => ({ isValid: false }) }] }), (_req, res) => {
        ran += 1;
        res.json({});
    });
    app.use(errorHandler());
    await served(app, async (ask) => {
        for (const path of ["/data/../auth/session/refresh", "/data/%2e%2e/auth/session/refresh", "/data/..\\auth\\session\\refresh"]) {
            const { refreshToken } = (await make()).getAllSessionTokensDangerously();
            const answer = await ask(path, { method: "POST", headers: { authorization: `Bearer ${refreshToken}` } });
            assert.deepEqual([answer.status, answer.headers["st-access-token"], ran], [401, undefined, 0], path);
        }
    });
});

test("requests whose parts have other types than Node gives them", async () => {
    await start();
    const session = await make();
    for (const headers of [{ authorization: [`Bearer ${session.getAccessToken()}`] }, { cookie: 7 }, { cookie: null }, { cookie: {} }, { authorization: Symbol("x") }]) {
        const [req, res] = exchange(headers);
        const outcome = await Session.getSession(req, res).then((found) => found.getUserId(), (error) => error.type);
        assert.ok(["anna", "UNAUTHORISED"].includes(outcome), String(outcome));
    }
    const [req, res] = exchange(bearer(session), "NO VERB");
    await assert.rejects(Session.getSession(req, res), { type: "BAD_INPUT_ERROR" });
});

test("payloads, data and names that cannot be", async () => {
    await start();
    const loop = {};
    loop.self = loop;
    for (const [payload, data] of [["text", {}], [[], {}], [7, {}], [{}, "text"], [{}, []], [{ a: 1n }, {}], [loop, {}]]) {
        await assert.rejects(make(payload, data), Error);
    }
    await assert.rejects(make({ large: "x".repeat(100_000) }), { type: "BAD_INPUT_ERROR" });
    await assert.rejects(make({ large: "x".repeat(17 * 1024 * 1024) }), { code: "TOO_LARGE" });
    await assert.rejects(make({ half: "\ud83d" }), { type: "BAD_INPUT_ERROR" });
    let deep = 1;
    for (let at = 0; at < 2000; at += 1) deep = [deep];
    await assert.rejects(make({ deep }), Error);
    for (const id of [undefined, null, "anna", {}, { getAsString: () => 7 }]) {
        await assert.rejects(Session.createNewSessionWithoutRequestResponse("public", id), TypeError);
    }
    for (const tenant of ["../x", "a/b", "", undefined, 7, "appid-x"]) {
        await assert.rejects(Session.createNewSessionWithoutRequestResponse(tenant, anna), Error);
    }
    for (const call of [
        () => Session.revokeSession(7),
        () => Session.revokeMultipleSessions("x"),
        () => Session.refreshSessionWithoutRequestResponse(undefined),
        () => Session.getSessionWithoutRequestResponse(7),
        () => Session.createJWT("x"),
        () => Session.createJWT({}, 1.5),
        () => Session.createJWT({}, 0),
    ]) {
        await assert.rejects(call(), Error);
    }
    for (const missing of [undefined, null]) {
        await assert.rejects(Session.getSessionWithoutRequestResponse(missing), { type: "UNAUTHORISED", payload: { clearTokens: false } });
        assert.equal(await Session.getSessionWithoutRequestResponse(missing, undefined, { sessionRequired: false }), undefined);
        await assert.rejects(Session.getSession(missing, {}), /getSessionWithoutRequestResponse/);
        await assert.rejects(Session.refreshSession(missing, {}), /refreshSessionWithoutRequestResponse/);
    }
    const odd = { emoji: "😀", nul: "a\0b", proto: { __proto__: null, x: 1 }, big: 2 ** 53, tiny: 1e-300 };
    const kept = (await make(odd, odd)).getAccessTokenPayload();
    assert.deepEqual([kept.emoji, kept.nul, kept.big, kept.tiny, kept.proto.x], ["😀", "a\0b", 2 ** 53, 1e-300, 1]);
});

test("cross-site requests with cookies", async () => {
    await start({ antiCsrf: "VIA_CUSTOM_HEADER" });
    const [req, res] = exchange({ "st-auth-mode": "cookie" }, "POST");
    await Session.createNewSession(req, res, "public", anna);
    const cookie = res.set["set-cookie"].map((line) => line.split(";")[0]).join("; ");
    await served(application(), async (ask) => {
        assert.equal((await ask("/me", { method: "POST", headers: { cookie } })).status, 401);
        assert.equal((await ask("/me", { method: "POST", headers: { cookie, rid: "anti-csrf" } })).status, 200);
        assert.equal((await ask("/me", { headers: { cookie } })).status, 200);
        assert.equal((await ask("/auth/session/refresh", { method: "POST", headers: { cookie } })).status, 401);
    });
});
