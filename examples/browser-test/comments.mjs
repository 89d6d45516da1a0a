// node comments.mjs NAME=URL…: plays somebody with a browser on the small examples' page, which is of another origin than the API, in cookie
// and in header mode. Prints "ok" or "not ok" for each step; a mode ends at its first "not ok", because its later steps build on it.
// Nothing sleeps: the end of an access token is what the page's front token says.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

const { serve } = createRequire(import.meta.url)("../website/serve");

const website = "http://localhost:3000";
const CALLS = 5;
const AT_ONCE = 2;
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const TOKENS = { cookie: ["sAccessToken", "sRefreshToken"], header: ["st-access-token", "st-refresh-token"] };

/** A browser with cookies of its own, and what is heard of it. */
class Device {
    constructor(context, api, mode) {
        Object.assign(this, { context, api, mode, refreshes: [], carried: [], errors: [], tabs: [] });
        context.setDefaultTimeout(20_000);
        context.on("weberror", (error) => this.errors.push(String(error.error())));
        context.on("requestfailed", (request) => this.errors.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
        // Chromium notes each 401 by itself; the package works by them.
        context.on("console", (message) => {
            if (message.type() === "error" && !message.text().includes("status of 401")) this.errors.push(message.text());
        });
        context.on("response", (response) => {
            const request = response.request();
            if (request.method() === "OPTIONS") return;
            if (request.url() === `${api}/auth/session/refresh`) this.refreshes.push(response.status());
            if (request.url() === `${api}/like-comment`) this.carried.push(request.headers().authorization);
        });
    }

    async open() {
        const page = await this.context.newPage();
        this.tabs.push(page);
        await page.goto(`${website}/?${new URLSearchParams({ api: this.api, mode: this.mode })}`);
        return page;
    }

    async cookies() {
        return new Map((await this.context.cookies()).filter(({ value }) => value !== "").map((cookie) => [cookie.name, cookie]));
    }

    /** As nobody but a thief does: with the token alone, from outside the browser. */
    refreshElsewhere(token) {
        const headers = { authorization: `Bearer ${token}`, "st-auth-mode": "header", rid: "session" };
        return fetch(`${this.api}/auth/session/refresh`, { method: "POST", headers });
    }
}

const says = (page, text) => page.locator("#state").getByText(text, { exact: true }).waitFor();
const answers = (page, text) => page.locator("#answer").getByText(text).waitFor();
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

/** Likes at once, as scripts of the page would; gives the statuses and names. */
function likes(page, api, count) {
    const like = async ([url, count]) => {
        const one = async () => {
            const response = await fetch(url, { method: "POST" });
            return `${response.status} ${(await response.json()).likedBy}`;
        };
        return Promise.all(Array.from({ length: count }, one));
    };
    return page.evaluate(like, [`${api}/like-comment`, count]);
}

async function signIn(page, user) {
    await page.getByLabel("Name").fill(user);
    await press(page, "Sign in");
    await says(page, `signed in as ${user}`);
}

/** Waits until the page's front token says that the access token has ended. */
async function accessTokenHasEnded(page) {
    const hasEnded = () => {
        const token = document.cookie.split("; ").find((pair) => pair.startsWith("sFrontToken="));
        return token !== undefined && JSON.parse(atob(decodeURIComponent(token.slice("sFrontToken=".length)))).ate <= Date.now();
    };
    await page.waitForFunction(hasEnded, undefined, { polling: 50 });
}

/** The tokens are where this mode has them, and not where the other mode has them. */
async function tokensAreInTheirPlace(device, page) {
    const cookies = await device.cookies();
    for (const [mode, names] of Object.entries(TOKENS)) {
        for (const name of names) {
            assert.equal(cookies.has(name), mode === device.mode, name);
            if (mode === device.mode) assert.equal(cookies.get(name).httpOnly, mode === "cookie", `${name}: httpOnly`);
        }
    }
    const readable = await page.evaluate(() => document.cookie);
    assert.match(readable, /sFrontToken=/, "scripts can read the front token");
}

/** All tabs like at once with an ended access token: all succeed, and there is one refresh for all of them. */
async function oneRefresh(device, user) {
    await accessTokenHasEnded(device.tabs[0]);
    const before = device.refreshes.length;
    const done = (await Promise.all(device.tabs.map((tab) => likes(tab, device.api, CALLS)))).flat();
    assert.deepEqual(done, Array(CALLS * device.tabs.length).fill(`200 ${user}`));
    assert.deepEqual(device.refreshes.slice(before), [200], "the answers to refreshes");
}

const STEPS = {
    "a page without a session says so": async (device) => {
        const page = await device.open();
        await says(page, "signed out");
        await page.getByText("Hello.", { exact: true }).waitFor();
        assert.deepEqual(await likes(page, device.api, 1), ["401 undefined"]);
    },
    "signing in puts the tokens where the mode has them": async (device, user) => {
        const [page] = device.tabs;
        await signIn(page, user);
        await page.getByText(`Hello, ${user}.`).waitFor();
        await tokensAreInTheirPlace(device, page);
    },
    "a comment is liked, and the session is shown": async (device, user) => {
        const [page] = device.tabs;
        await press(page, "Like");
        await answers(page, `liked by ${user}`);
        await press(page, "Session info");
        await answers(page, new RegExp(`^session \\S+ of ${user}$`));
        assert.equal(JSON.parse(await page.locator("#payload").textContent()).sub, user);
        assert.ok(device.carried.slice(1).every((header) => (header?.startsWith("Bearer ") ?? false) === (device.mode === "header")));
        if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `comments-${device.mode}.png`) });
    },
    "many likes after the access token has ended make one refresh": oneRefresh,
    "so they do from two tabs": async (device, user) => {
        const other = await device.open();
        await says(other, `signed in as ${user}`);
        // The page's own call is done: what is counted next is asked for by the test.
        await other.getByText(`Hello, ${user}.`).waitFor();
        await oneRefresh(device, user);
        await tokensAreInTheirPlace(device, device.tabs[1]);
    },
    "a page that is loaded again after the access token has ended is still signed in": async (device, user) => {
        const [, other] = device.tabs;
        await accessTokenHasEnded(other);
        await other.reload();
        await other.getByText(`Hello, ${user}.`).waitFor();
    },
    "signing out is noticed by the other tab": async (device) => {
        const [page, other] = device.tabs;
        await press(page, "Sign out");
        await says(page, "signed out");
        assert.deepEqual(await likes(other, device.api, 1), ["401 undefined"]);
        await says(other, "signed out");
        const left = [...(await device.cookies()).keys()];
        assert.deepEqual(left.filter((name) => [...TOKENS.cookie, ...TOKENS.header, "sFrontToken"].includes(name)), []);
    },
    "a stolen token that comes back late ends the session for both": async (device, user) => {
        const [page] = device.tabs;
        await signIn(page, user);
        const held = async () => decodeURIComponent((await device.cookies()).get(TOKENS[device.mode][1]).value);
        const stolen = await held();
        for (let round = 0; round < 2; round += 1) await page.evaluate(() => window.Session.attemptRefreshingSession());
        assert.notEqual(await held(), stolen);
        const thief = await device.refreshElsewhere(stolen);
        assert.deepEqual([thief.status, await thief.json()], [401, { message: "token theft detected" }]);
        await press(page, "Session info");
        await says(page, "signed out");
    },
    "who is signed out elsewhere is refused at once where the database is asked": async (device, user) => {
        const [page] = device.tabs;
        await signIn(page, user);
        const elsewhere = { method: "POST", headers: { rid: "anti-csrf", "st-auth-mode": device.mode } };
        const token = decodeURIComponent((await device.cookies()).get(TOKENS[device.mode][0]).value);
        if (device.mode === "cookie") elsewhere.headers.cookie = `sAccessToken=${token}`;
        else elsewhere.headers.authorization = `Bearer ${token}`;
        assert.equal((await fetch(`${device.api}/logout`, elsewhere)).status, 200);
        assert.deepEqual(await likes(page, device.api, 1), [`200 ${user}`], "the token itself is good until it ends");
        await press(page, "Session info");
        await says(page, "signed out");
    },
    "no script of the page has failed": async (device) => assert.deepEqual(device.errors, []),
};

/** Gives whether all steps were right. */
async function play(browser, name, api, mode) {
    const device = new Device(await browser.newContext(), api, mode);
    try {
        for (const [step, does] of Object.entries(STEPS)) {
            try {
                await does(device, `anna-${mode}`);
                console.log(`ok ${name} ${mode}: ${step}`);
            } catch (error) {
                console.log(`not ok ${name} ${mode}: ${step}: ${error.message}`);
                device.errors.forEach((line) => console.log(`    the browser said: ${line}`));
                return false;
            }
        }
        return true;
    } finally {
        await device.context.close();
    }
}

const applications = process.argv.slice(2).map((argument) => argument.split("="));
assert.ok(applications.length > 0 && applications.every(([, api]) => api), "usage: node comments.mjs NAME=URL…");

const stop = await serve();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", ...QUIET] });
// Mostly they wait for access tokens to end: several at once.
const waiting = applications.flatMap(([name, api]) => ["cookie", "header"].map((mode) => () => play(browser, name, api, mode)));
let right = true;
async function next() {
    for (let one = waiting.shift(); one; one = waiting.shift()) right = (await one()) && right;
}
await Promise.all(Array.from({ length: AT_ONCE }, next));
await browser.close();
stop();
process.exitCode = right ? 0 : 1;
