// One life of a session through supertokens-node, as an application would write it: express in front, the SDK in the
// middle, our core behind. Usage: node session.mjs VERSION CORE_URL MODE, where MODE is cookie or header.
// Prints "ok STEP" lines; the first deviation is printed as "not ok STEP: …" and ends the program with exit code 1.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { once } from "node:events";

const [version, coreUrl, mode] = process.argv.slice(2);
const major = Number(version.split(".")[0]);
const require = createRequire(new URL(`./${version}/package.json`, import.meta.url));
const SuperTokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { middleware, errorHandler } = require("supertokens-node/framework/express");
const express = require("express");

// What changed between the releases, from the application's side.
const headerModeExists = major >= 13;
const tenantsExist = major >= 15;
const payloadIsMerged = major >= 13;
const userId = `compat-${version}-${mode}-${process.pid}`;

function initialise() {
    const session = { antiCsrf: mode === "cookie" ? "VIA_TOKEN" : "NONE" };
    if (headerModeExists) session.getTokenTransferMethod = () => mode;
    SuperTokens.init({
        framework: "express",
        telemetry: false,
        supertokens: { connectionURI: coreUrl },
        appInfo: { appName: "compat", apiDomain: "http://localhost", websiteDomain: "http://localhost", apiBasePath: "/auth" },
        recipeList: [Session.init(session)],
    });
}

function createSession(req, res) {
    const args = [{ role: "reader", nested: { number: 1.5, none: null } }, { seen: 1 }];
    if (tenantsExist) return Session.createNewSession(req, res, "public", SuperTokens.convertToRecipeUserId(userId), ...args);
    if (headerModeExists) return Session.createNewSession(req, res, userId, ...args);
    return Session.createNewSession(res, userId, ...args);
}

const describe = async (session) => ({
    handle: session.getHandle(),
    userId: session.getUserId(),
    payload: session.getAccessTokenPayload(),
    accessToken: session.getAccessToken(),
});

// What each version calls the two kinds of stored data.
const readStored = (session) => (session.getSessionDataFromDatabase ?? session.getSessionData).call(session);
const writeStored = (session, data) => (session.updateSessionDataInDatabase ?? session.updateSessionData).call(session, data);
const changeOwnPayload = (session, change) => (payloadIsMerged ? session.mergeIntoAccessTokenPayload(change) : session.updateAccessTokenPayload(change));
const changePayloadOf = (handle, change) => (payloadIsMerged ? Session.mergeIntoAccessTokenPayload(handle, change) : Session.updateAccessTokenPayload(handle, change));

function application() {
    const app = express();
    const route = (path, answer, options) =>
        app.post(path, async (req, res, next) => {
            try {
                const session = options === "none" ? undefined : await Session.getSession(req, res, options);
                res.json(await answer(session, req, res));
            } catch (error) {
                next(error);
            }
        });
    app.use(middleware());
    app.use(express.json());
    route("/login", async (_, req, res) => describe(await createSession(req, res)), "none");
    route("/me", describe);
    route("/me-from-database", describe, { checkDatabase: true });
    route("/stored", readStored);
    route("/store", async (session, req) => (await writeStored(session, req.body)) ?? {});
    route("/payload", async (session, req) => (await changeOwnPayload(session, req.body)) ?? {});
    route("/logout", async (session) => (await session.revokeSession()) ?? {});
    app.use(errorHandler());
    app.use((error, _req, res, _next) => res.status(500).json({ unexpected: String(error?.stack ?? error) }));
    return app;
}

// A browser, as small as it can be: it keeps what it is given and sends it back.
class Client {
    constructor(origin, kept = {}) {
        Object.assign(this, { origin, kept: { ...kept } });
    }
    copy() {
        return new Client(this.origin, this.kept);
    }
    headers(path) {
        const refreshing = path === "/auth/session/refresh";
        const own = { "content-type": "application/json", rid: refreshing ? "session" : "anti-csrf" };
        if (mode === "header") {
            const token = refreshing ? this.kept["st-refresh-token"] : this.kept["st-access-token"];
            return { ...own, "st-auth-mode": "header", ...(token ? { authorization: `Bearer ${token}` } : {}) };
        }
        const sent = Object.entries(this.kept).filter(([name]) => name.startsWith("s") && !name.startsWith("st-"));
        const cookie = sent.filter(([name]) => name !== "sRefreshToken" || refreshing).map(([name, value]) => `${name}=${value}`);
        const csrf = this.kept["anti-csrf"];
        return { ...own, ...(cookie.length ? { cookie: cookie.join("; ") } : {}), ...(csrf ? { "anti-csrf": csrf } : {}) };
    }
    async post(path, body = {}) {
        const init = { method: "POST", headers: this.headers(path), body: JSON.stringify(body) };
        const response = await fetch(this.origin + path, init);
        for (const line of response.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
            this.keep(name, /expires=Thu, 01 Jan 1970/i.test(line) ? "" : value);
        }
        for (const name of ["st-access-token", "st-refresh-token", "anti-csrf", "front-token"]) {
            if (response.headers.has(name)) this.keep(name, response.headers.get(name));
        }
        const text = await response.text();
        let json;
        try {
            json = JSON.parse(text);
        } catch {
            json = { text };
        }
        return { status: response.status, body: json };
    }
    keep(name, value) {
        if (value === "" || value === "remove") delete this.kept[name];
        else this.kept[name] = value;
    }
}

let current = "init";
async function step(name, body) {
    current = name;
    await body();
    console.log(`ok ${name}`);
}
const succeeded = (answer) => {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
};
const refused = (answer, message) => {
    assert.equal(answer.status, 401, JSON.stringify(answer.body));
    if (message) assert.equal(answer.body.message, message);
};
const tokenOf = (client) => (mode === "header" ? client.kept["st-refresh-token"] : client.kept.sRefreshToken);

async function life(client) {
    let first, second, third, handle, stolen;
    await step("create", async () => {
        const made = succeeded(await client.post("/login"));
        handle = made.handle;
        assert.equal(made.userId, userId);
        assert.equal(made.payload.role, "reader");
        first = tokenOf(client);
        assert.ok(first, "no refresh token was given");
        stolen = client.copy();
    });
    await step("verify", async () => {
        const seen = succeeded(await client.post("/me"));
        assert.deepEqual([seen.handle, seen.userId, seen.payload.role], [handle, userId, "reader"]);
        assert.deepEqual(seen.payload.nested, { number: 1.5, none: null });
        assert.equal(succeeded(await client.post("/me-from-database")).handle, handle);
    });
    await step("stored data", async () => {
        assert.deepEqual(succeeded(await client.post("/stored")), { seen: 1 });
        succeeded(await client.post("/store", { seen: 2, list: [1, "two", null] }));
        assert.deepEqual(succeeded(await client.post("/stored")), { seen: 2, list: [1, "two", null] });
    });
    await step("refresh", async () => {
        succeeded(await client.post("/auth/session/refresh"));
        second = tokenOf(client);
        assert.notEqual(second, first);
        assert.equal(succeeded(await client.post("/me")).handle, handle);
    });
    await step("refresh again", async () => {
        succeeded(await client.post("/auth/session/refresh"));
        third = tokenOf(client);
        assert.ok(third !== second && third !== first);
        assert.equal(succeeded(await client.post("/me")).handle, handle);
    });
    await step("payload update by the session", async () => {
        const change = payloadIsMerged ? { role: "writer", nested: null } : { role: "writer" };
        succeeded(await client.post("/payload", change));
        const seen = succeeded(await client.post("/me")).payload;
        assert.equal(seen.role, "writer");
        assert.equal(seen.nested, undefined);
    });
    await step("payload update by handle", async () => {
        await changePayloadOf(handle, { role: "editor" });
        assert.equal(succeeded(await client.post("/me")).payload.role, "writer");
        succeeded(await client.post("/auth/session/refresh"));
        assert.equal(succeeded(await client.post("/me")).payload.role, "editor");
    });
    await step("session information and listing", async () => {
        const information = await Session.getSessionInformation(handle);
        assert.deepEqual([information.sessionHandle, information.userId], [handle, userId]);
        assert.ok(information.expiry > Date.now());
        assert.deepEqual(await Session.getAllSessionHandlesForUser(userId), [handle]);
    });
    await step("reuse of the first refresh token is theft", async () => {
        refused(await stolen.post("/auth/session/refresh"), "token theft detected");
        // The SDK answers theft by revoking the session: the honest browser is out too.
        refused(await client.post("/auth/session/refresh"));
        assert.deepEqual(await Session.getAllSessionHandlesForUser(userId), []);
    });
}

async function endings(origin) {
    await step("revoke by the session", async () => {
        const client = new Client(origin);
        const { handle } = succeeded(await client.post("/login"));
        const before = client.copy();
        succeeded(await client.post("/logout"));
        assert.equal(tokenOf(client), undefined, "the cookies or headers were not cleared");
        refused(await before.post("/auth/session/refresh"));
        assert.equal(await Session.revokeSession(handle), false);
    });
    await step("revoke by user", async () => {
        const clients = [new Client(origin), new Client(origin)];
        const made = [];
        for (const client of clients) made.push(succeeded(await client.post("/login")).handle);
        assert.deepEqual((await Session.revokeAllSessionsForUser(userId)).sort(), made.sort());
        for (const client of clients) refused(await client.post("/auth/session/refresh"));
    });
    await step("nonsense is refused", async () => {
        refused(await new Client(origin).post("/me"));
        const client = new Client(origin);
        succeeded(await client.post("/login"));
        const [name] = mode === "header" ? ["st-refresh-token"] : ["sRefreshToken"];
        client.kept[name] = `${client.kept[name]}x`;
        refused(await client.post("/auth/session/refresh"));
    });
    await step("keys and tokens of other kinds", async () => {
        // Before 14 the SDK refuses this unless its own JWT feature is switched on, which changes the payload.
        if (major >= 14) {
            const jwt = await Session.createJWT({ scope: "x" }, 60);
            assert.equal(jwt.status, "OK");
            assert.equal(jwt.jwt.split(".").length, 3);
            assert.ok((await Session.getJWKS()).keys.length >= 1);
        }
    });
}

let failed = false;
try {
    initialise();
    const server = application().listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${server.address().port}`;
    await life(new Client(origin));
    await endings(origin);
} catch (error) {
    console.log(`not ok ${current}: ${String(error?.message ?? error).replace(/\s+/g, " ")}`);
    failed = true;
}
process.exit(failed ? 1 : 0);
