// What a person sees who uses examples/axum-embedded: each test is a true sentence about it. Nothing sleeps; everything waits for what it wants to see.

import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";

import { LIFE, Tab, pictures, renderOnServer, startBrowser, startExample } from "./devices-page.mjs";

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, colorScheme: "dark" };
const OTHER = { ...DESK, userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };

let example;
let browser;
let contexts;
let tabs;

before(async () => {
    example = await startExample();
    browser = await startBrowser();
});

after(async () => {
    await browser?.close();
    await example?.stop();
    if (process.env.SCREENSHOTS) console.log(`pictures are in ${pictures}`);
});

beforeEach(() => {
    contexts = [];
    tabs = [];
});

afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    assert.deepEqual(tabs.flatMap((tab) => tab.errors), [], "a script of the page failed");
});

/** Another device: a browser with cookies of its own. */
async function device(options = DESK) {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(15_000);
    contexts.push(context);
    return open(context);
}

/** Another tab of a device. */
async function open(context) {
    const tab = await Tab.open(context, example.address);
    tabs.push(tab);
    return tab;
}

/** Each of the tabs, and a page rendered on the server, refreshes with the token that the browser holds now. */
async function allAtOnce(context, refreshing) {
    let go;
    const answers = await renderOnServer(context, example.address, new Promise((resolve) => (go = resolve)));
    const page = await context.newPage();
    let missing = refreshing.length + 1;
    const arrived = new Promise((resolve) => {
        const counted = ["/rendered", "/auth/session/refresh"];
        context.on("request", (request) => {
            if (counted.includes(new URL(request.url()).pathname) && --missing === 0) resolve();
        });
    });
    const loaded = page.goto(`${example.address}/rendered`);
    const statuses = refreshing.map((tab) => tab.refreshWithoutAsking());
    await arrived;
    go();
    const all = [(await loaded).status(), ...(await Promise.all(statuses))];
    await context.unrouteAll();
    await page.close();
    const set = answers[0].headers.getSetCookie().find((line) => line.startsWith("sRefreshToken="));
    const { value } = (await refreshing[0].cookies()).get("sRefreshToken");
    return { statuses: all, rendered: set?.slice("sRefreshToken=".length).split(";")[0], successor: value };
}

const refreshes = () => tabs.reduce((sum, tab) => sum + tab.refreshes, 0);

describe("with cookies", () => {
    test("signing in gives a session whose tokens no script can read", async () => {
        const tab = await device();
        await tab.isSignedOut();
        await tab.page.getByText("demo form").waitFor();
        await tab.page.getByText("Hello, whoever you are.").waitFor();
        await tab.picture("1-signed-out");
        await tab.signIn("anna");
        const cookies = await tab.cookies();
        for (const name of ["sAccessToken", "sRefreshToken"]) {
            assert.equal(cookies.get(name)?.httpOnly, true, name);
            assert.equal(cookies.get(name).sameSite, "Lax", name);
        }
        assert.equal(cookies.get("sRefreshToken").path, "/auth/session/refresh");
        const readable = await tab.readable();
        assert.ok(readable.includes("sFrontToken"), "the front token tells scripts that there is a session");
        assert.deepEqual(readable.filter((name) => /refresh|access-token$|sAccess/i.test(name)), []);
        assert.equal(await tab.page.locator("#travels").textContent(), "cookies");
        await tab.page.getByText("Hello, anna.").waitFor();
        await tab.page.getByText("What the access token says").click();
        await tab.picture("2-signed-in");
    });

    test("five calls with an ended access token make one refresh, and all succeed", async () => {
        const tab = await device();
        await tab.signIn("anna");
        await tab.accessTokenHasEnded();
        await tab.picture("3-access-token-ended");
        const before = tab.refreshes;
        await tab.button("Five calls at once").click();
        await tab.linesReach("GET /api/session: 200", 5);
        await tab.linesReach("Session refreshed", 1);
        assert.equal(tab.refreshes - before, 1);
        assert.equal(await tab.lines(": 401").count(), 0);
        await tab.picture("4-refreshed");
    });

    test("two tabs with an ended access token make one refresh, and stay signed in", async () => {
        const first = await device();
        await first.signIn("anna");
        const second = await open(contexts[0]);
        await second.isSignedInAs("anna");
        await Promise.all([first.accessTokenHasEnded(), second.accessTokenHasEnded()]);
        const before = refreshes();
        await Promise.all(tabs.map((tab) => tab.button("Five calls at once").click()));
        await Promise.all(tabs.map((tab) => tab.linesReach("GET /api/session: 200", 5)));
        assert.equal(refreshes() - before, 1);
        assert.equal((await first.lines("Session refreshed").count()) + (await second.lines("Session refreshed").count()), 1);
    });

    test("two tabs and a page rendered on the server refresh with one token at once, and nobody is signed out", async () => {
        const first = await device();
        await first.signIn("nora");
        const second = await open(contexts[0]);
        await second.isSignedInAs("nora");
        for (let round = 1; round <= 3; round += 1) {
            const before = (await first.cookies()).get("sRefreshToken").value;
            const { rendered, statuses, successor } = await allAtOnce(contexts[0], [first, second]);
            assert.deepEqual(statuses, [200, 200, 200], `round ${round}`);
            assert.notEqual(successor, before);
            assert.equal(rendered, successor, `round ${round}: one token has one successor, whoever asks`);
        }
        await Promise.all([first.accessTokenHasEnded(), second.accessTokenHasEnded()]);
        for (const tab of [first, second]) {
            await tab.button("Call once").click();
            await tab.answer("you are nora");
            await tab.button("Ask the database too").click();
            await tab.answer("nora, your session is in the database.");
        }
    });

    test("a page that calls every second stays signed in through several access tokens", async () => {
        const tab = await device();
        await tab.signIn("anna");
        await tab.page.getByLabel("Call every second").check();
        await tab.linesReach("Session refreshed", 2);
        await tab.page.getByLabel("Call every second").uncheck();
        assert.equal(await tab.lines(": 401").count(), 0);
        await tab.picture("5-calling-every-second");
    });

    test("a page that is loaded again after the access token has ended is still signed in", async () => {
        const tab = await device();
        await tab.signIn("anna");
        await tab.accessTokenHasEnded();
        await tab.page.reload();
        await tab.isSignedInAs("anna");
    });

    test("signing out clears every token, and the other tab notices", async () => {
        const first = await device();
        await first.signIn("anna");
        const second = await open(contexts[0]);
        await second.isSignedInAs("anna");
        await first.page.locator("#sign-out").click();
        await first.isSignedOut();
        const cookies = await first.cookies();
        for (const name of ["sAccessToken", "sRefreshToken", "sFrontToken"]) assert.equal(cookies.has(name), false, name);
        await second.button("Call once").click();
        await second.isSignedOut();
        assert.match(await second.notice(), /another tab has signed out/);
        await second.page.reload();
        await second.isSignedOut();
    });
});

describe("devices", () => {
    test("a device that is signed out elsewhere is refused at once where the database is asked", async () => {
        const mine = await device();
        await mine.signIn("dora");
        const other = await device(OTHER);
        await other.signIn("dora");
        await mine.button("Look again").click();
        await mine.devices().nth(1).waitFor();
        const row = mine.devices().filter({ hasText: "Firefox on Linux" });
        assert.equal(await row.count(), 1);
        assert.match(await mine.devices().filter({ hasText: "this one" }).textContent(), /Chrome on Linux/);
        await mine.picture("6-two-devices");
        await row.getByRole("button").click();
        await mine.devices().nth(1).waitFor({ state: "detached" });
        await other.button("Ask the database too").click();
        await other.isSignedOut();
        assert.match(await other.notice(), /revoked/);
        await other.picture("7-signed-out-elsewhere");
        await mine.isSignedInAs("dora");
    });

    test("a device that is signed out elsewhere is out at its next refresh", async () => {
        const mine = await device();
        await mine.signIn("emil");
        const other = await device(OTHER);
        await other.signIn("emil");
        await mine.button("Look again").click();
        await mine.devices().filter({ hasText: "Firefox" }).getByRole("button").click();
        await mine.devices().nth(1).waitFor({ state: "detached" });
        await other.accessTokenHasEnded();
        await other.button("Call once").click();
        await other.isSignedOut();
        assert.match(await other.notice(), /revoked/);
        assert.equal((await other.cookies()).has("sFrontToken"), false);
    });

    test("the time of last use follows the refreshes", async () => {
        const tab = await device();
        await tab.signIn("fred");
        const list = () => tab.page.evaluate(async () => (await fetch("/api/devices")).json());
        const [before] = await list();
        await tab.accessTokenHasEnded();
        const [later] = await list();
        assert.equal(later.handle, before.handle);
        assert.equal(later.signedIn, before.signedIn);
        assert.ok(later.lastUse >= before.lastUse + LIFE * 1000 - 1000, `${before.lastUse} then ${later.lastUse}`);
    });

    test("nobody can sign out somebody else's device", async () => {
        const victim = await device();
        await victim.signIn("gina");
        const handle = await victim.page.locator("#handle").textContent();
        const attacker = await device(OTHER);
        await attacker.signIn("mallory");
        const status = await attacker.page.evaluate(
            async (handle) => (await fetch(`/api/devices/${handle}`, { method: "DELETE" })).status,
            handle,
        );
        assert.equal(status, 404);
        await victim.button("Ask the database too").click();
        await victim.answer("gina, your session is in the database.");
    });
});

describe("claims", () => {
    test("who has not the role is refused, and told which claim it is", async () => {
        const tab = await device();
        await tab.signIn("anna");
        await tab.button("Admins only").click();
        await tab.answer("refused with 403 (role: expected admin, found visitor)");
        await tab.isSignedInAs("anna");
    });

    test("who has the role is let in", async () => {
        const tab = await device();
        await tab.signIn("admin");
        await tab.button("Admins only").click();
        await tab.answer("Welcome to the engine room, admin.");
    });
});

describe("theft", () => {
    test("a stolen cookie that comes back late ends the session for both", async () => {
        const tab = await device();
        await tab.signIn("hugo");
        const { value } = (await tab.cookies()).get("sRefreshToken");
        await tab.page.getByLabel("The stolen refresh token").fill(value);
        await tab.button("Keep it").click();
        await tab.button("Refresh twice").click();
        await tab.linesReach("Session refreshed", 2);
        await tab.button("Use the stolen token").click();
        await tab.page.locator("#theft-result", { hasText: "The thief is refused" }).waitFor();
        await tab.picture("8-theft");
        await tab.button("Ask the database too").click();
        await tab.isSignedOut();
        assert.match(await tab.notice(), /revoked/);
        await tab.picture("9-after-theft");
    });

    test("a token that three refreshed with at once is a stolen one after its successor was used", async () => {
        const first = await device();
        await first.signIn("olga");
        const second = await open(contexts[0]);
        await second.isSignedInAs("olga");
        const { value } = (await first.cookies()).get("sRefreshToken");
        const { statuses } = await allAtOnce(contexts[0], [first, second]);
        assert.deepEqual(statuses, [200, 200, 200]);
        assert.equal(await second.refreshWithoutAsking(), 200);
        const cookie = `sRefreshToken=${value}`;
        const thief = await fetch(`${example.address}/auth/session/refresh`, { method: "POST", headers: { cookie, rid: "session" } });
        assert.deepEqual([thief.status, await thief.json()], [401, { message: "token theft detected" }]);
        await first.button("Ask the database too").click();
        await first.isSignedOut();
        assert.match(await first.notice(), /revoked/);
    });

    test("where scripts hold the tokens, a script can steal them; it comes out all the same", async () => {
        const tab = await device();
        await tab.signIn("ida", "Headers");
        await tab.button("Copy the refresh token").click();
        await tab.button("Refresh twice").click();
        await tab.linesReach("Session refreshed", 2);
        await tab.button("Use the stolen token").click();
        await tab.page.locator("#theft-result", { hasText: "The thief is refused" }).waitFor();
        await tab.accessTokenHasEnded();
        await tab.button("Call once").click();
        await tab.isSignedOut();
        assert.deepEqual((await tab.readable()).filter((name) => /^st-(access|refresh)-token$/.test(name)), []);
    });
});

describe("with headers", () => {
    test("tokens travel in headers, are refreshed, and go when the user signs out", async () => {
        const tab = await device();
        const carried = [];
        tab.page.on("request", (request) => {
            if (new URL(request.url()).pathname === "/api/session") carried.push(request.headers().authorization);
        });
        await tab.signIn("karl", "Headers");
        assert.equal(await tab.page.locator("#travels").textContent(), "headers");
        const cookies = await tab.cookies();
        for (const name of ["sAccessToken", "sRefreshToken"]) assert.equal(cookies.has(name), false, name);
        assert.ok(cookies.has("sFrontToken"));
        await tab.accessTokenHasEnded();
        await tab.button("Five calls at once").click();
        await tab.linesReach("GET /api/session: 200", 5);
        await tab.linesReach("Session refreshed", 1);
        assert.ok(carried.length >= 5 && carried.every((value) => value?.startsWith("Bearer ")), "every call carries its token");
        await tab.picture("10-headers");
        await tab.page.locator("#sign-out").click();
        await tab.isSignedOut();
        assert.deepEqual((await tab.readable()).filter((name) => /^(st-(access|refresh)-token|sFrontToken)$/.test(name)), []);
    });
});

describe("on a phone", () => {
    test("nothing is wider than the screen", async () => {
        const tab = await device(PHONE);
        const fits = () => tab.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
        await tab.picture("11-phone-signed-out");
        assert.ok(await fits());
        await tab.signIn("lena");
        await tab.page.getByText("What the access token says").click();
        assert.ok(await fits());
        await tab.picture("12-phone-signed-in", false);
        await tab.button("Five calls at once").tap();
        await tab.linesReach("GET /api/session: 200", 5);
        await tab.picture("13-phone-calls", false);
        await tab.page.getByRole("heading", { name: "If somebody steals" }).scrollIntoViewIfNeeded();
        await tab.picture("14-phone-theft", false);
    });

    test("everything that can be used has a name", async () => {
        const tab = await device(PHONE);
        await tab.signIn("lena");
        const nameless = await tab.page.evaluate(() =>
            [...document.querySelectorAll("button, input")]
                .filter((part) => !(part.textContent.trim() || part.getAttribute("aria-label") || part.labels?.length))
                .map((part) => part.outerHTML),
        );
        assert.deepEqual(nameless, []);
    });
});

describe("without a server", () => {
    test("a call that gets no answer is told, and the page goes on when there is one again", async () => {
        const tab = await device();
        await tab.signIn("mona");
        await contexts[0].setOffline(true);
        await tab.button("Call once").click();
        await tab.linesReach("A call failed", 1);
        await contexts[0].setOffline(false);
        await tab.button("Call once").click();
        await tab.answer("you are mona");
    });
});
