// node test.mjs NAME=URL…: plays somebody with a browser against each application, in cookie and in header mode. Prints "ok" or "not ok"
// for each step; a mode ends at its first "not ok", because its later steps build on it. Nothing sleeps: the end of an access token is
// what the page's front token says.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

import { address, serve } from "./website.mjs";

const require = createRequire(new URL("../../../examples/browser-test/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const CALLS = 5;
// Chromium as it is, without what it asks of the network by itself.
const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/** A browser with cookies of its own, and what it says on the wire and in its console. */
class Device {
    constructor(context, api, mode) {
        Object.assign(this, { context, api, mode, refreshes: [], authorizations: [], errors: [], tabs: [], asked: false });
        this.refresh = `${api}/auth/session/refresh`;
        context.setDefaultTimeout(20_000);
        context.on("weberror", (error) => this.errors.push(String(error.error())));
        context.on("requestfailed", (request) => this.errors.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
        context.on("console", (message) => this.heard(message));
        context.on("response", (response) => this.seen(response));
    }

    /**
     * Chromium itself notes each 401 in the console. Some belong to how the package works: it is told by a 401 that the access token has
     * ended, and in a new browser it asks for a refresh once, because there may be cookies that scripts do not see.
     */
    heard(message) {
        if (message.type() !== "error") return;
        const { url } = message.location();
        if (message.text().includes("status of 401")) {
            if (url === `${this.api}/session`) return;
            if (url === this.refresh && !this.asked) {
                this.asked = true;
                return;
            }
        }
        this.errors.push(`${message.text()} (${url})`);
    }

    seen(response) {
        const request = response.request();
        if (request.method() === "OPTIONS") return;
        if (request.url() === this.refresh) this.refreshes.push(response.status());
        if (request.url() === `${this.api}/session`) this.authorizations.push(request.headers().authorization);
    }

    async open() {
        const page = await this.context.newPage();
        this.tabs.push(page);
        await page.goto(`${address}/?${new URLSearchParams({ api: this.api, mode: this.mode })}`);
        return page;
    }

    /** The names of cookies with a value: what the package does not want any more, it leaves empty. */
    async cookies() {
        return (await this.context.cookies()).filter(({ value }) => value !== "");
    }
}

const says = (page, text) => page.locator("#state").getByText(text, { exact: true }).waitFor();
const exists = (page) => page.evaluate(() => window.Session.doesSessionExist());
const calls = (page, count) => page.evaluate((count) => Promise.all(Array.from({ length: count }, () => window.call())), count);

/** Waits until the page's front token says that the access token has ended. */
async function accessTokenHasEnded(page) {
    await page.waitForFunction(
        () => {
            const token = document.cookie.split("; ").find((pair) => pair.startsWith("sFrontToken="));
            return token !== undefined && JSON.parse(atob(decodeURIComponent(token.slice("sFrontToken=".length)))).ate <= Date.now();
        },
        undefined,
        { polling: 50 },
    );
}

/** All these tabs call at once with an ended access token: every call succeeds, and there is one refresh for all of them. */
async function oneRefreshFor(device, tabs, user) {
    await accessTokenHasEnded(tabs[0]);
    const before = device.refreshes.length;
    const answers = (await Promise.all(tabs.map((tab) => calls(tab, CALLS)))).flat();
    assert.deepEqual(answers.map(({ status, body }) => `${status} ${body.userId}`), Array(CALLS * tabs.length).fill(`200 ${user}`));
    assert.deepEqual(device.refreshes.slice(before), [200], "the answers to refreshes");
}

const TOKENS = { cookie: ["sAccessToken", "sRefreshToken"], header: ["st-access-token", "st-refresh-token"] };

/** The tokens are where this mode has them, and not where the other mode has them. */
async function tokensAreInTheirPlace(device, page) {
    const cookies = await device.cookies();
    const named = (names) => cookies.filter(({ name }) => names.includes(name));
    const other = device.mode === "cookie" ? "header" : "cookie";
    assert.deepEqual(named(TOKENS[device.mode]).map(({ name }) => name).sort(), TOKENS[device.mode]);
    assert.deepEqual(named(TOKENS[other]), []);
    for (const { name, httpOnly } of named(TOKENS[device.mode])) assert.equal(httpOnly, device.mode === "cookie", `${name}: httpOnly`);
    const readable = await page.evaluate(() => document.cookie.split("; ").map((pair) => pair.split("=")[0]));
    assert.ok(readable.includes("sFrontToken"), "scripts can read the front token");
}

const STEPS = {
    "a page without a session says so": async (device) => {
        const page = await device.open();
        await says(page, "signed out");
        assert.equal(await exists(page), false);
        assert.deepEqual(device.refreshes, [401], "a new browser asks once");
    },
    "signs in through the page": async (device, user) => {
        const [page] = device.tabs;
        await page.getByLabel("Name").fill(user);
        await page.getByRole("button", { name: "Sign in" }).click();
        await says(page, `signed in as ${user}`);
        assert.equal(await exists(page), true);
        await tokensAreInTheirPlace(device, page);
    },
    "reads the protected route": async (device, user) => {
        const [page] = device.tabs;
        const [{ status, body }] = await calls(page, 1);
        assert.equal(status, 200);
        assert.equal(body.userId, user);
        assert.equal(body.payload.from, "the page");
        const known = await page.evaluate(() => window.Session.getAccessTokenPayloadSecurely());
        assert.deepEqual([known.sub, known.sessionHandle, known.from], [user, body.handle, "the page"]);
        const carries = device.authorizations.map((value) => value?.startsWith("Bearer ") ?? false);
        const asWanted = carries.every((carried) => carried === (device.mode === "header"));
        assert.ok(carries.length > 0 && asWanted, "the token's way in the request");
    },
    "calls at once after expiry: one refresh": (device, user) => oneRefreshFor(device, device.tabs, user),
    "calls at once after expiry in two tabs: one refresh": async (device, user) => {
        await says(await device.open(), `signed in as ${user}`);
        await oneRefreshFor(device, device.tabs, user);
        await tokensAreInTheirPlace(device, device.tabs[1]);
    },
    "signs out, in both tabs": async (device) => {
        const [page, other] = device.tabs;
        await page.getByRole("button", { name: "Sign out" }).click();
        await says(page, "signed out");
        assert.deepEqual([await exists(page), await exists(other)], [false, false]);
        const left = (await device.cookies()).map(({ name }) => name);
        assert.deepEqual(left.filter((name) => [...TOKENS.cookie, ...TOKENS.header, "sFrontToken"].includes(name)), []);
        const [{ status }] = await calls(other, 1);
        assert.equal(status, 401);
        await other.reload();
        await says(other, "signed out");
    },
    "no errors in the console": async (device) => assert.deepEqual(device.errors, []),
};

/** Gives whether all steps were right. */
async function play(browser, name, api, mode) {
    const device = new Device(await browser.newContext(), api, mode);
    const user = `anna-${mode}`;
    try {
        for (const [step, does] of Object.entries(STEPS)) {
            try {
                await does(device, user);
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
assert.ok(applications.length > 0 && applications.every(([, api]) => api), "usage: node test.mjs NAME=URL…");

let stop;
try {
    stop = await serve();
} catch (error) {
    console.log(`not ok the page is served: ${error.message}`);
    process.exit(1);
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", ...QUIET] });
let right = true;
for (const [name, api] of applications) {
    for (const mode of ["cookie", "header"]) right = (await play(browser, name, api, mode)) && right;
}
await browser.close();
stop();
process.exitCode = right ? 0 : 1;
