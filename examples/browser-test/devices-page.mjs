// Starts the example and a browser, and knows the page's parts by the names that people see.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const folder = mkdtempSync(join(tmpdir(), "axum-embedded-"));
export const pictures = process.env.SCREENSHOTS ?? join(folder, "pictures");
mkdirSync(pictures, { recursive: true });

/** Seconds that an access token lives: so long that a refresh and its retries fit into it, so short that waiting is cheap. */
export const LIFE = 3;

/** The example, by its own command, on a free port, with a new database. */
export async function startExample() {
    const run = fileURLToPath(new URL("../axum-embedded/run", import.meta.url));
    const options = ["--port", "0", "--database", join(folder, "auth.db"), "--access-token-seconds", String(LIFE)];
    const child = spawn(run, options, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const address = await new Promise((resolve, reject) => {
        createInterface({ input: child.stdout }).on("line", (line) => {
            const found = line.match(/http:\/\/localhost:\d+/);
            if (found) resolve(found[0]);
        });
        ended.then((code) => reject(new Error(`the example ended with ${code} before it listened`)));
    });
    const stop = async () => {
        child.kill("SIGTERM");
        await ended;
        if (!process.env.SCREENSHOTS) rmSync(folder, { recursive: true, force: true });
    };
    return { address, stop };
}

/**
 * A server between the browser and the example, which renders `/rendered`: it refreshes with the cookies of the browser first, and passes
 * the new ones on with the page. Until `isOpen`, requests for the page and for refreshing wait: then they go out together.
 */
export async function renderOnServer(context, address, isOpen) {
    const answers = [];
    await context.route("**/auth/session/refresh", async (route) => {
        await isOpen;
        await route.continue();
    });
    await context.route("**/rendered", async (route) => {
        const jar = await context.cookies(`${address}/auth/session/refresh`);
        await isOpen;
        const cookie = jar.map(({ name, value }) => `${name}=${value}`).join("; ");
        const response = await fetch(`${address}/auth/session/refresh`, { method: "POST", headers: { cookie, rid: "session" } });
        answers.push(response);
        const passed = response.headers.getSetCookie().join("\n");
        const headers = { "content-type": "text/html", ...(passed && { "set-cookie": passed }) };
        await route.fulfill({ status: response.status, headers, body: "<!doctype html><p>rendered" });
    });
    return answers;
}

const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function startBrowser() {
    return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", ...QUIET] });
}

/** One tab, and the page in it. */
export class Tab {
    constructor(page) {
        this.page = page;
        this.errors = [];
        this.refreshes = 0;
        page.on("pageerror", (error) => this.errors.push(String(error)));
        page.on("request", (request) => {
            if (new URL(request.url()).pathname === "/auth/session/refresh") this.refreshes += 1;
        });
    }

    static async open(context, address) {
        const tab = new Tab(await context.newPage());
        await tab.page.goto(address);
        await tab.page.locator("#loading").waitFor({ state: "hidden" });
        return tab;
    }

    button(name) {
        return this.page.getByRole("button", { name, exact: true });
    }

    async signIn(name, transfer = "Cookies") {
        await this.page.getByLabel("Name").fill(name);
        await this.page.getByRole("radio", { name: new RegExp(`^${transfer}`) }).check();
        await this.button("Sign in").click();
        await this.isSignedInAs(name);
    }

    async isSignedInAs(name) {
        await this.page.locator("#user", { hasText: name }).waitFor();
    }

    /** Waits until the login form is back. */
    async isSignedOut() {
        await this.page.locator("#signed-out").waitFor();
        await this.page.locator("#signed-in").waitFor({ state: "hidden" });
    }

    accessTokenHasEnded() {
        return this.page.locator("#life-text", { hasText: "has ended" }).waitFor();
    }

    /** Lines of "What happened" with this text. */
    lines(text) {
        return this.page.locator("#log li", { hasText: text });
    }

    /** Waits until there are this many such lines. */
    linesReach(text, count) {
        return this.lines(text).nth(count - 1).waitFor();
    }

    async answer(text) {
        await this.page.locator("#answer", { hasText: text }).waitFor();
    }

    notice() {
        return this.page.locator("#notice").textContent();
    }

    devices() {
        return this.page.locator("#devices li");
    }

    /**
     * Refreshes as a page does whose library knows nothing of other tabs: with a fetch that nobody has wrapped, and without a lock. Gives
     * the status of the answer.
     */
    refreshWithoutAsking() {
        return this.page.evaluate(async () => {
            const frame = document.body.appendChild(document.createElement("iframe"));
            const headers = { rid: "session", "st-auth-mode": "cookie" };
            const response = await frame.contentWindow.fetch(`${location.origin}/auth/session/refresh`, { method: "POST", headers });
            frame.remove();
            return response.status;
        });
    }

    /** The names of cookies that scripts can read. */
    async readable() {
        const all = await this.page.evaluate(() => document.cookie);
        return all.split("; ").filter((pair) => !/^[^=]*=?$/.test(pair)).map((pair) => pair.split("=")[0]);
    }

    /** All cookies of the browser, scripts or not. */
    async cookies() {
        const all = await this.page.context().cookies();
        return new Map(all.filter(({ value }) => value !== "").map((cookie) => [cookie.name, cookie]));
    }

    /** A picture for people to look at: of the whole page, or of what the screen shows. */
    picture(name, fullPage = true) {
        return this.page.screenshot({ path: join(pictures, `${name}.png`), fullPage });
    }
}
