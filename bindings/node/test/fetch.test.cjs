// What speaks fetch: handlers with a session, and what becomes of the errors that they throw.
"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { Session, make, bearer, start } = require("./world.cjs");
const custom = require("supertokens-rs/custom");
const nextjs = require("supertokens-rs/nextjs");

const asked = (headers = {}, method = "GET", url = "http://localhost:3001/me") => new Request(url, { method, headers });
const unauthorised = () => new Session.Error({ type: "UNAUTHORISED", message: "log in again" });

for (const [name, { withSession }] of Object.entries({ custom, nextjs })) {
    test(`${name}: an error of ours that the handler throws is answered, and the tokens go`, async () => {
        await start();
        const request = asked(bearer(await make()));
        const answer = await withSession(request, async (error, session) => {
            assert.equal(error, undefined);
            await session.mergeIntoAccessTokenPayload({ a: 1 });
            throw unauthorised();
        });
        assert.deepEqual([answer.status, answer.headers.get("front-token"), answer.headers.get("st-access-token")], [401, "remove", ""]);
        assert.match(answer.headers.get("cache-control"), /no-store/);
        const invalid = new Session.Error({ type: "INVALID_CLAIMS", message: "x", payload: [{ id: "a", reason: { b: 1 } }] });
        const thrown = await withSession(request, () => {
            throw invalid;
        });
        assert.deepEqual([thrown.status, (await thrown.json()).claimValidationErrors], [403, [{ id: "a", reason: { b: 1 } }]]);
    });

    test(`${name}: every other error comes back to the handler, which answers it`, async () => {
        await start();
        const request = asked(bearer(await make()));
        const own = new RangeError("theirs");
        const told = [];
        const answer = await withSession(request, async (error, session) => {
            told.push(error, session?.getUserId());
            if (error === undefined) throw own;
            return new Response("sorry", { status: 503 });
        });
        assert.deepEqual([answer.status, told], [503, [undefined, "anna", own, undefined]]);
        await assert.rejects(
            withSession(request, async () => {
                throw own;
            }),
            (error) => error === own,
        );
        const wrong = await withSession(asked(), () => assert.fail("no session"));
        assert.equal(wrong.status, 401);
    });

    test(`${name}: a handler's route is no endpoint of ours: nothing is refreshed, and no verb goes unchecked`, async () => {
        await start();
        const { refreshToken } = (await make()).getAllSessionTokensDangerously();
        const url = "http://localhost:3001/auth/session/refresh";
        const refused = await withSession(asked({ authorization: `Bearer ${refreshToken}` }, "POST", url), () => assert.fail("no session"));
        assert.deepEqual([refused.status, refused.headers.get("st-access-token")], [401, null]);
        assert.equal((await withSession(asked({}, "OPTIONS"), () => assert.fail("no session"))).status, 401);
    });
}

test("the key set may be kept for as long as it says, and answers with tokens by nobody", async () => {
    await start();
    const { middleware } = require("supertokens-rs/framework/express");
    const { exchange, anna } = require("./world.cjs");
    const answer = await custom.handleAuthAPIRequest()(asked({}, "GET", "http://localhost:3001/auth/jwt/jwks.json"));
    assert.match(answer.headers.get("cache-control"), /^max-age=\d+/);
    const [req, res] = exchange({}, "GET", "/auth/jwt/jwks.json");
    await new Promise((done) => {
        const { end } = res;
        res.end = (body) => done(end(body));
        // What has been answered stays open there.
        void nextjs.superTokensNextWrapper((next) => middleware()(req, res, next), req, res);
    });
    assert.match(String(res.set["cache-control"]), /^max-age=\d+/);
    const made = await custom.withPreParsedRequestResponse(asked({}, "POST"), async (request, response) => {
        await Session.createNewSession(request, response, "public", anna);
        return new Response("{}", { headers: { "cache-control": "public, max-age=60" } });
    });
    assert.match(made.headers.get("cache-control"), /no-store/);
});
