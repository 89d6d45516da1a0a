// A browser, as small as it can be, played against one application (contract.md) in cookie or header mode. Every step logs
// in for itself, so one that fails does not hide the next. Ends with 1 when any step is not ok.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const { values: given } = parseArgs({
    options: Object.fromEntries(["app", "core", "mode", "name", "wrong-key-app", "did-not-start"].map((name) => [name, { type: "string" }])),
});
// Without `core` there is none but the application's own.
const { app, core, mode, name: applicationName } = given;
// Where the application's routes begin: "" or "/api".
const base = new URL(app ?? "http://nowhere").pathname.replace(/\/$/, "");
const apiKey = process.env.API_KEY ?? "";
const website = "http://localhost:3000";
const REFRESH = "/auth/session/refresh";
const SIGN_OUT = "/auth/signout";
// What is asked of every answer, whatever is wrong: it comes.
const TIME_LIMIT = 10_000;

async function answerOf(url, init) {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIME_LIMIT) });
    const text = await response.text();
    let body;
    try {
        body = JSON.parse(text);
    } catch {
        body = { text };
    }
    return { status: response.status, headers: response.headers, body, url };
}

// Keeps what it is given, as a browser and the SDK's browser package would, and sends it back.
class Client {
    constructor(from) {
        this.cookies = new Map(from?.cookies);
        this.tokens = new Map(from?.tokens);
    }
    copy() {
        return new Client(this);
    }
    get refreshToken() {
        return mode === "header" ? this.tokens.get("st-refresh-token") : this.cookies.get("sRefreshToken")?.value;
    }
    get accessToken() {
        return mode === "header" ? this.tokens.get("st-access-token") : this.cookies.get("sAccessToken")?.value;
    }
    set refreshToken(value) {
        if (mode === "header") this.tokens.set("st-refresh-token", value);
        else this.cookies.set("sRefreshToken", { value, path: base + REFRESH });
    }
    set accessToken(value) {
        if (mode === "header") this.tokens.set("st-access-token", value);
        else this.cookies.set("sAccessToken", { value, path: "/" });
    }
    headers(path) {
        const headers = { origin: website, rid: path === REFRESH || path === SIGN_OUT ? "session" : "anti-csrf", "st-auth-mode": mode };
        if (path.startsWith("/auth/")) headers["fdi-version"] = "1.16";
        const csrf = this.tokens.get("anti-csrf");
        if (csrf) headers["anti-csrf"] = csrf;
        const token = path === REFRESH ? this.refreshToken : this.accessToken;
        if (mode === "header" && token) headers.authorization = `Bearer ${token}`;
        const sent = [...this.cookies].filter(([, cookie]) => `${base}${path}`.startsWith(cookie.path));
        if (sent.length) headers.cookie = sent.map(([name, cookie]) => `${name}=${cookie.value}`).join("; ");
        return headers;
    }
    // One request, and nothing done about its answer.
    async once(method, path, body, origin = app) {
        const headers = this.headers(path);
        if (body !== undefined) headers["content-type"] = "application/json";
        const answer = await answerOf(origin + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
        for (const line of answer.headers.getSetCookie()) this.keepCookie(line);
        for (const name of ["st-access-token", "st-refresh-token", "anti-csrf", "front-token"]) {
            const value = answer.headers.get(name);
            if (value === "" || value === "remove") this.tokens.delete(name);
            else if (value !== null) this.tokens.set(name, value);
        }
        if (answer.headers.get("front-token") === "remove") this.tokens.clear();
        return answer;
    }
    // A request as the browser package makes it: on 401 it refreshes once and asks again.
    async call(method, path, body) {
        const answer = await this.once(method, path, body);
        if (answer.status !== 401 || !this.refreshToken) return answer;
        const refreshed = await this.once("POST", REFRESH);
        return refreshed.status === 200 ? this.once(method, path, body) : answer;
    }
    keepCookie(line) {
        const [pair, ...attributes] = line.split(/; */);
        const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
        const attribute = (wanted) => attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
        const expires = attribute("expires");
        const gone = value === "" || attribute("max-age") === "0" || (expires && Date.parse(expires) <= Date.now());
        if (gone) this.cookies.delete(name);
        else this.cookies.set(name, { value, path: attribute("path") ?? "/" });
    }
}

const told = (answer) => `${answer.url.replace(/^https?:\/\/[^/]+/, "")} was answered ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`;
function succeeded(answer) {
    assert.equal(answer.status, 200, told(answer));
    return answer.body;
}
function refused(answer, message) {
    assert.equal(answer.status, 401, told(answer));
    if (message) assert.equal(answer.body.message, message, told(answer));
}
// 502 is what API Gateway says for a function that threw.
const unhandled = (answer) => assert.ok([500, 502].includes(answer.status), told(answer));

let users = 0;
async function loggedIn(payload = { plan: "free", nested: { number: 1.5 } }) {
    const client = new Client();
    const userId = `${applicationName}-${mode}-${process.pid}-${(users += 1)}`;
    const answer = await client.once("POST", "/login", { userId, payload });
    const { userId: seen, handle } = succeeded(answer);
    assert.equal(seen, userId);
    assert.ok(handle, "no handle");
    assert.ok(client.accessToken && client.refreshToken, `tokens missing in ${mode} mode: ${[...answer.headers].map(([name]) => name)}`);
    return { client, userId, handle, answer };
}

const asked = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
async function ask(word) {
    console.log(word);
    const { done } = await asked.next();
    if (done) throw Object.assign(new Error(`nobody answers "${word}"`), { cannot: true });
}

const withoutCore = () => Object.assign(new Error("the core is inside of the application, and nobody else reaches it"), { cannot: true });
async function toTheCore(path, body) {
    if (core === undefined) throw withoutCore();
    const headers = { "content-type": "application/json", "api-key": apiKey, "cdi-version": "2.21" };
    return answerOf(core + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
}
const coreLives = async () => core === undefined || assert.equal((await toTheCore("/hello")).status, 200, "the core does not answer");

const steps = {
    async login() {
        const { answer, client } = await loggedIn();
        assert.equal(answer.headers.get("access-control-allow-origin"), website);
        assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
        assert.match(answer.headers.get("access-control-expose-headers") ?? "", /front-token/i);
        assert.ok(client.tokens.get("front-token"), "no front-token");
        if (mode === "header") assert.equal(client.cookies.size, 0, "cookies in header mode");
        else assert.equal(client.tokens.has("st-access-token"), false, "tokens in headers in cookie mode");
    },
    async protected() {
        const { client, userId, handle } = await loggedIn();
        for (const path of ["/session", "/session-checked"]) {
            const seen = succeeded(await client.call("GET", path));
            assert.deepEqual([seen.userId, seen.handle], [userId, handle]);
            assert.equal(seen.payload.plan, "free");
            assert.deepEqual(seen.payload.nested, { number: 1.5 });
            refused(await new Client().once("GET", path), "unauthorised");
        }
        assert.equal(succeeded(await client.call("GET", "/optional")).userId, userId);
        assert.equal(succeeded(await new Client().once("GET", "/optional")).userId, null);
        succeeded(await client.call("POST", "/merge", { plan: "paid", nested: null }));
        const { payload } = succeeded(await client.call("GET", "/session"));
        assert.deepEqual([payload.plan, payload.nested ?? null], ["paid", null]);
    },
    async expiry() {
        const { client, handle } = await loggedIn();
        const old = client.accessToken;
        const deadline = Date.now() + 2 * TIME_LIMIT;
        let answer;
        do answer = await client.copy().once("GET", "/session");
        while (answer.status === 200 && Date.now() < deadline);
        refused(answer, "try refresh token");
        refused(await client.copy().once("GET", "/optional"), "try refresh token");
        assert.equal(succeeded(await client.call("GET", "/session")).handle, handle);
        assert.notEqual(client.accessToken, old);
    },
    async refresh() {
        const { client, handle } = await loggedIn();
        const before = client.copy();
        const born = Date.now();
        succeeded(await client.once("POST", REFRESH));
        assert.notEqual(client.accessToken, before.accessToken, "the access token is the same");
        assert.notEqual(client.refreshToken, before.refreshToken, "the refresh token is the same");
        assert.equal(succeeded(await client.copy().call("GET", "/session")).handle, handle);
        // Until it ends, the old access token is good; the core gives it 3 seconds, less a little.
        const old = await before.copy().once("GET", "/session");
        if (Date.now() - born < 2000) assert.equal(succeeded(old).handle, handle);
        // The answer may have been lost on its way: the refresh token that it replaced still works.
        const second = await loggedIn();
        const lost = second.client.copy();
        succeeded(await lost.once("POST", REFRESH));
        succeeded(await second.client.once("POST", REFRESH));
        assert.equal(succeeded(await second.client.call("GET", "/session")).handle, second.handle);
        refused(await new Client().once("POST", REFRESH));
    },
    async "sign-out"() {
        const { client } = await loggedIn();
        const before = client.copy();
        const answer = await client.call("POST", SIGN_OUT);
        assert.equal(succeeded(answer).status, "OK");
        assert.deepEqual([client.accessToken, client.refreshToken], [undefined, undefined], "the tokens were not cleared");
        refused(await client.once("GET", "/session"), "unauthorised");
        refused(await before.copy().once("POST", REFRESH), "unauthorised");
        refused(await before.copy().once("GET", "/session-checked"));
    },
    async theft() {
        const { client } = await loggedIn();
        const stolen = client.copy();
        succeeded(await client.once("POST", REFRESH));
        succeeded(await client.call("GET", "/session"));
        succeeded(await client.once("POST", REFRESH));
        refused(await stolen.once("POST", REFRESH), "token theft detected");
        assert.equal(stolen.refreshToken, undefined, "the thief's tokens were not cleared");
        refused(await client.copy().once("GET", "/session-checked"));
        refused(await client.once("POST", REFRESH), "unauthorised");
    },
    async "revoked elsewhere"() {
        const { client, handle } = await loggedIn();
        succeeded(await client.call("GET", "/session-checked"));
        const answer = await toTheCore("/recipe/session/remove", { sessionHandles: [handle] });
        assert.deepEqual(succeeded(answer).sessionHandlesRevoked, [handle]);
        refused(await client.copy().once("GET", "/session-checked"));
        refused(await client.once("POST", REFRESH), "unauthorised");
    },
    async CORS() {
        const wanted = ["content-type", "rid", "fdi-version", "anti-csrf", "st-auth-mode", "authorization"].filter(
            // Releases that know only cookies do not list the two of header mode, and do not need them.
            (header) => mode === "header" || !["st-auth-mode", "authorization"].includes(header),
        );
        for (const [method, path] of [["POST", REFRESH], ["POST", SIGN_OUT], ["GET", "/session"], ["POST", "/login"]]) {
            const headers = { origin: website, "access-control-request-method": method, "access-control-request-headers": wanted.join(",") };
            const answer = await answerOf(app + path, { method: "OPTIONS", headers });
            assert.ok([200, 204].includes(answer.status), told(answer));
            assert.equal(answer.headers.get("access-control-allow-origin"), website, `${path}: origin`);
            assert.equal(answer.headers.get("access-control-allow-credentials"), "true", `${path}: credentials`);
            const allowed = (answer.headers.get("access-control-allow-headers") ?? "").toLowerCase().split(/\s*,\s*/);
            assert.deepEqual(wanted.filter((header) => !allowed.includes(header)), [], `${path}: headers that are not allowed`);
        }
    },
    async claim() {
        const { client, userId } = await loggedIn({});
        const answer = await client.call("GET", "/claim");
        assert.equal(answer.status, 403, told(answer));
        assert.equal(answer.body.message, "invalid claim", told(answer));
        assert.equal(answer.body.claimValidationErrors?.length, 1, told(answer));
        assert.equal(answer.body.claimValidationErrors[0].id, "role", told(answer));
        succeeded(await client.call("POST", "/merge", { role: { v: "admin", t: Date.now() } }));
        assert.equal(succeeded(await client.call("GET", "/claim")).userId, userId);
        succeeded(await client.call("POST", "/merge", { role: { v: "reader", t: Date.now() } }));
        assert.equal((await client.call("GET", "/claim")).status, 403);
        refused(await new Client().once("GET", "/claim"), "unauthorised");
    },
    async garbage() {
        const { client } = await loggedIn();
        const [access, refresh] = [client.accessToken, client.refreshToken];
        // A letter in the middle of the payload: at the end of a signature there are letters that mean nothing.
        const middle = access.lastIndexOf(".") - 40;
        const tampered = access.slice(0, middle) + (access[middle] === "A" ? "B" : "A") + access.slice(middle + 1);
        const nonsense = ["x", ".", "..", "a.b.c", "%", "%00", "null", "{}", "\u00e9\u00ff", "A".repeat(3000), "eyJhbGciOiJub25lIn0.e30.", tampered, access.slice(0, -9), refresh];
        const wrong = [];
        // A framework may refuse a malformed cookie by itself, with 400.
        const expect = (what, answer, ...statuses) => statuses.includes(answer.status) || wrong.push(`${what.slice(0, 30)}: ${told(answer)}`);
        for (const token of nonsense) {
            const browser = client.copy();
            browser.accessToken = token;
            const bad = `access token ${token}`;
            for (const path of ["/session", "/session-checked"]) expect(bad, await browser.copy().once("GET", path), 401);
            const optional = await browser.copy().once("GET", "/optional");
            if (optional.body.userId !== null) expect(bad, optional, 401);
            expect(bad, await browser.copy().once("POST", SIGN_OUT), 200, 401);
        }
        for (const token of [...nonsense.slice(0, -3), `${refresh}x`, refresh.slice(0, -9), access]) {
            const browser = client.copy();
            browser.refreshToken = token;
            expect(`refresh token ${token}`, await browser.once("POST", REFRESH), 401);
        }
        for (const cookie of ["=", ";;;", "sAccessToken", "sAccessToken=;sAccessToken==", "\u00e9=\u00ff; a=%E0%A4%A"]) {
            expect(`cookie ${cookie}`, await answerOf(`${app}/session`, { headers: { cookie, origin: website } }), 400, 401);
        }
        for (const authorization of ["Bearer", "Bearer ", "Bearer  x y", "Basic eDp5", "bearer\tx"]) {
            const headers = { authorization, "st-auth-mode": "header", origin: website };
            expect(`authorization ${authorization}`, await answerOf(`${app}/session`, { headers }), 401);
        }
        if (wrong.length) throw Object.assign(new Error(wrong.join("; ")), { wrong });
        // None of it harmed the session that it was near to.
        await coreLives();
        succeeded(await client.call("GET", "/session-checked"));
    },
    async "core restarted"() {
        const { client, handle } = await loggedIn();
        await ask("restart-core");
        await coreLives();
        assert.equal(succeeded(await client.call("GET", "/session-checked")).handle, handle);
        succeeded(await client.once("POST", REFRESH));
        assert.equal(succeeded(await client.call("GET", "/session")).handle, handle);
        await loggedIn();
    },
    async "wrong API key"() {
        const wrong = given["wrong-key-app"];
        if (!wrong) throw Object.assign(new Error("no instance with a wrong key was given"), { cannot: true });
        const { client } = await loggedIn();
        unhandled(await new Client().once("POST", "/login", { userId: "nobody", payload: {} }, wrong));
        const kept = client.copy();
        unhandled(await kept.once("POST", REFRESH, undefined, wrong));
        assert.equal(kept.refreshToken, client.refreshToken, "the refresh token was cleared");
        refused(await new Client().once("GET", "/session", undefined, wrong), "unauthorised");
        await coreLives();
        succeeded(await client.once("POST", REFRESH));
    },
    async "core stopped"() {
        if (core === undefined) throw withoutCore();
        const { client, handle } = await loggedIn();
        const before = client.copy();
        await ask("stop-core");
        try {
            unhandled(await new Client().once("POST", "/login", { userId: "nobody", payload: {} }));
            unhandled(await client.once("POST", REFRESH));
            assert.equal(client.refreshToken, before.refreshToken, "the refresh token was cleared");
            refused(await new Client().once("GET", "/session"), "unauthorised");
            // With what the SDK has in its memory it may still verify a token by itself.
            const { status } = await client.copy().once("GET", "/session");
            assert.ok([200, 401, 500, 502].includes(status), `a session without a core: ${status}`);
        } finally {
            await ask("start-core");
        }
        succeeded(await client.once("POST", REFRESH));
        assert.equal(succeeded(await client.call("GET", "/session-checked")).handle, handle);
    },
};

// What the SDK itself cannot do at this step, if anything is listed: a pattern for the error, and the reason.
function limitOf(step) {
    const lines = readFileSync(new URL("limits.txt", import.meta.url), "utf8").split("\n");
    for (const line of lines.filter((text) => text && !text.startsWith("#"))) {
        const [names, modes, of, error, reason] = line.split(" | ");
        if (of === step && (modes === "*" || modes === mode) && new RegExp(`^(${names})$`).test(applicationName)) return { error, reason };
    }
}

// One step, and what it comes to: "ok", "not ok" or "cannot", and why.
async function played(step) {
    const limit = limitOf(step);
    try {
        await steps[step]();
        return limit ? ["not ok", `limits.txt has "${limit.error}", but the step works`] : ["ok"];
    } catch (error) {
        const cause = error?.cause ? ` (${error.cause.message ?? error.cause.code})` : "";
        const why = (String(error?.message ?? error) + cause).replace(/\s+/g, " ").slice(0, 500);
        if (limit && (error.wrong ?? [why]).every((text) => new RegExp(limit.error).test(text))) return ["cannot", `${limit.reason}: ${error.wrong?.[0] ?? why}`];
        return [error?.cannot ? "cannot" : "not ok", why];
    }
}

// An application that did not even start is a step of its own.
if (given["did-not-start"] !== undefined) {
    for (const name of Object.keys(steps)) delete steps[name];
    steps.start = async () => assert.fail(given["did-not-start"]);
}

let failed = false;
for (const step of Object.keys(steps)) {
    const [result, why] = await played(step);
    if (result === "not ok") failed = true;
    console.log(why ? `${result} ${step}: ${why}` : `${result} ${step}`);
}
process.exit(failed ? 1 : 0);
