// node browser.mjs NAME=URL: plays people with a browser, on the prebuilt pages, against an application. Each step is held against what
// the browser shows and against what the core itself says. Nothing sleeps. SCREENSHOTS: a folder for a picture of whatever is looked for.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { website } from "./outside/website.mjs";
import { annaIsAsBefore, cast, outside, play } from "./play.mjs";

const { chromium } = createRequire(new URL("../../examples/browser-test/package.json", import.meta.url))("playwright-core");

// Chromium as it is, without what it asks of the network by itself.
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
// The only thing that the prebuilt pages want of another machine; the package that they take it from is installed here.
const FLAGS = /^https:.*\/intl-tel-input\/.*\/flags\.png$/;
const INSTALLED_FLAGS = fileURLToPath(new URL("website/node_modules/intl-tel-input/build/img/flags.png", import.meta.url));

const { WEBSITE, SCREENSHOTS } = process.env;
const ALL_WAYS = ["emailpassword", "passwordless", "thirdparty"];

/** A browser with cookies of its own, what it complains of, and the prebuilt pages in words of a person. */
class Browser {
    static async open(chromium, api) {
        const browser = new Browser();
        const context = await chromium.newContext({ viewport: { width: 900, height: 700 } });
        context.setDefaultTimeout(20_000);
        Object.assign(browser, { context, api, errors: [], asked: false, page: await context.newPage() });
        context.on("weberror", (error) => browser.errors.push(String(error.error())));
        context.on("console", (message) => browser.heard(message));
        await context.route((url) => url.hostname !== "localhost", (route) => browser.elsewhere(route));
        return browser;
    }

    /** Chromium notes each 401 in the console: in a new browser the package asks for a refresh once, as there may be cookies unseen. */
    heard(message) {
        if (message.type() !== "error") return;
        const { url } = message.location();
        if (message.text().includes("status of 401") && url === `${this.api}/auth/session/refresh` && !this.asked) {
            this.asked = true;
            return;
        }
        this.errors.push(`${message.text()} (${url})`);
    }

    elsewhere(route) {
        const url = route.request().url();
        if (FLAGS.test(url)) return route.fulfill({ path: INSTALLED_FLAGS });
        this.errors.push(`asked another machine: ${url}`);
        return route.abort();
    }

    go(path) {
        return this.page.goto(new URL(path, WEBSITE).href);
    }

    press(name) {
        return this.page.getByRole("button", { name, exact: true }).click();
    }

    link(text) {
        return this.page.getByText(text, { exact: true }).click();
    }

    fill(name, value) {
        return this.page.locator(`input[name="${name}"]`).fill(value);
    }

    async shows(text) {
        await this.page.getByText(text).first().waitFor();
        await this.picture();
    }

    async picture() {
        this.pictures += 1;
        if (SCREENSHOTS) await this.page.screenshot({ path: `${SCREENSHOTS}/${this.step}, ${this.pictures}.png` });
    }

    /** The page of somebody who is signed in, and of nobody else. */
    async isHome(person, ways) {
        await this.page.locator("#ways").getByText([...ways].sort().join(", "), { exact: true }).waitFor();
        assert.equal(await this.page.locator("#person").innerText(), person.id, "the person that the page shows");
        await this.picture();
    }

    /** Waits for the page of somebody new, and gives who it is by the core's word. */
    async becomes(core, by, ways) {
        await this.page.locator("#ways").waitFor();
        const person = await core.onePerson(by, ways);
        await this.isHome(person, ways);
        return person;
    }

    async signOut() {
        await this.press("Sign out");
        await this.shows("Not registered yet?");
    }

    async asksForPassword(email) {
        await this.go("/auth");
        await this.fill("email", email);
        await this.press("CONTINUE");
        await this.page.locator('input[name="password"]').waitFor();
    }

    async signsInWith(email, password) {
        await this.asksForPassword(email);
        await this.fill("password", password);
        await this.press("CONTINUE");
    }

    async signsUpWith(email, password) {
        await this.go("/auth?show=signup");
        await this.fill("email", email);
        await this.fill("password", password);
        await this.press("SIGN UP");
    }

    /** On the page for those who forgot their password: asks for the mail, and sets another by the link in it. */
    async setsPassword(messages, email, password) {
        await this.fill("email", email);
        await this.press("Email me");
        await this.shows("A password reset email has been sent");
        await this.page.goto((await messages.next(email, "PASSWORD_RESET")).link);
        await this.fill("password", password);
        await this.fill("confirm-password", password);
        await this.press("CHANGE PASSWORD");
        await this.shows("Your password has been updated successfully");
    }

    async continuesWithoutPassword(email) {
        await this.go("/auth?show=signup");
        await this.press("CONTINUE WITH PASSWORDLESS");
        await this.fill("email", email);
        await this.press("CONTINUE");
        await this.shows("An OTP and a magic link was sent to you");
    }

    async continuesWithGoogle(person) {
        await this.go("/auth");
        await this.press("Continue with Google");
        await this.shows("Choose an account");
        await this.page.locator(`button[value="${person.sub}"]`).click();
    }
}

const STEPS = {
    "who signs up is asked to look into the mailbox": async ({ core, browser, messages, who: { anna, password } }) => {
        await browser.go("/");
        await browser.shows("Not registered yet?");
        await browser.link("Sign Up");
        await browser.fill("email", anna.email);
        await browser.fill("password", password);
        await browser.press("SIGN UP");
        await browser.shows("Verify your email");
        const { id } = await core.onePerson({ email: anna.email }, ["emailpassword unverified"]);
        assert.equal((await core.sessions(id)).length, 1, "sessions");
        await messages.next(anna.email, "EMAIL_VERIFICATION");
        // The page sends another mail whenever somebody comes to it.
        await browser.go("/");
        await browser.shows("Verify your email");
    },
    "the link in the mail verifies the address": async (story) => {
        const { core, browser, messages, who } = story;
        await browser.page.goto((await messages.next(who.anna.email, "EMAIL_VERIFICATION")).link);
        await browser.shows("Email verification successful!");
        story.anna = await core.onePerson({ email: who.anna.email }, ["emailpassword"]);
        await browser.press("CONTINUE");
        await browser.isHome(story.anna, ["emailpassword"]);
    },
    "the page for admins is closed": async ({ core, browser, anna }) => {
        await browser.link("For admins");
        await browser.shows("Access denied");
        assert.deepEqual(await core.roles(anna.id), []);
        const answer = await browser.page.evaluate((url) => fetch(url).then((response) => response.status), `${browser.api}/admins-only`);
        assert.equal(answer, 403);
        assert.equal(browser.errors.splice(0).length, 1, "Chromium notes the 403");
    },
    "who signs out is out": async ({ core, browser, anna }) => {
        await browser.go("/");
        await browser.signOut();
        assert.deepEqual(await core.sessions(anna.id), []);
        await browser.go("/");
        await browser.shows("Not registered yet?");
    },
    "a wrong password is refused": async ({ core, browser, anna, who }) => {
        await browser.signsInWith(who.anna.email, who.newPassword);
        await browser.shows("Incorrect email and password combination");
        assert.deepEqual(await core.sessions(anna.id), []);
    },
    "the link in the mail sets another password": async ({ core, browser, messages, who }) => {
        await browser.asksForPassword(who.anna.email);
        await browser.link("Forgot password?");
        await browser.setsPassword(messages, who.anna.email, who.newPassword);
        assert.equal(await core.signIn(who.anna.email, who.password), "WRONG_CREDENTIALS_ERROR");
        assert.equal(await core.signIn(who.anna.email, who.newPassword), "OK");
    },
    "the new password signs in": async ({ core, browser, anna, who }) => {
        await browser.signsInWith(who.anna.email, who.newPassword);
        await browser.isHome(anna, ["emailpassword"]);
        assert.equal((await core.sessions(anna.id)).length, 1, "sessions");
        await browser.signOut();
    },
    "a magic link signs in the same person": async ({ core, browser, messages, anna, who }) => {
        await browser.continuesWithoutPassword(who.anna.email);
        const { link } = await messages.next(who.anna.email, "PASSWORDLESS_LOGIN");
        assert.equal((await core.devices({ email: who.anna.email })).length, 1, "devices");
        await browser.page.goto(link);
        await browser.isHome(anna, ["emailpassword", "passwordless"]);
        assert.equal((await core.onePerson({ email: who.anna.email }, ["emailpassword", "passwordless"])).id, anna.id);
        assert.deepEqual(await core.devices({ email: who.anna.email }), []);
        await browser.signOut();
    },
    "a one-time code signs in the same person; a wrong one does not": async ({ core, browser, messages, anna, who }) => {
        await browser.continuesWithoutPassword(who.anna.email);
        const { code } = await messages.next(who.anna.email, "PASSWORDLESS_LOGIN");
        await browser.fill("userInputCode", "not this");
        await browser.press("CONTINUE");
        await browser.shows("Invalid OTP");
        assert.equal((await core.devices({ email: who.anna.email }))[0].failedCodeInputAttemptCount, 1);
        assert.deepEqual(await core.sessions(anna.id), []);
        await browser.fill("userInputCode", code);
        await browser.press("CONTINUE");
        await browser.isHome(anna, ["emailpassword", "passwordless"]);
        await browser.signOut();
    },
    "Google signs in the same person": async ({ core, browser, anna, who }) => {
        await browser.continuesWithGoogle(who.anna);
        await browser.isHome(anna, ALL_WAYS);
        const person = await core.onePerson({ email: who.anna.email }, ALL_WAYS);
        assert.equal(person.id, anna.id);
        assert.deepEqual(person.thirdParty, [{ id: "google", userId: who.anna.sub }]);
        await browser.signOut();
        await browser.continuesWithGoogle(who.anna);
        await browser.isHome(anna, ALL_WAYS);
        await browser.signOut();
    },
    "what Google has not verified makes nobody Anna": async (story) => {
        const { browser, who } = story;
        await browser.continuesWithGoogle(who.mallory);
        await browser.shows("Cannot sign in / up due to security reasons");
        await annaIsAsBefore(story);
    },
    "an admin sees the page for admins": async ({ core, browser, anna, who }) => {
        const made = await fetch(`${browser.api}/office/admins`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ userId: anna.id }),
        });
        assert.equal(made.status, 200);
        assert.deepEqual(await core.roles(anna.id), ["admin"]);
        await browser.continuesWithGoogle(who.anna);
        await browser.isHome(anna, ALL_WAYS);
        assert.equal(await browser.page.locator("#roles").innerText(), "admin");
        await browser.link("For admins");
        await browser.page.locator("#secret").getByText("for admins", { exact: true }).waitFor();
        await browser.picture();
        await browser.go("/");
        await browser.signOut();
    },
    "a code in a text message makes another person": async ({ core, browser, messages, who }) => {
        await browser.go("/auth");
        await browser.link("Use a Phone number");
        await browser.page.locator('input[type="tel"]').fill(who.bert);
        await browser.press("CONTINUE");
        const { code } = await messages.next(who.bert, "SMS");
        await browser.fill("userInputCode", code);
        await browser.press("CONTINUE");
        const bert = await browser.becomes(core, { phoneNumber: who.bert }, ["passwordless"]);
        assert.equal(await browser.page.locator("#reached-at").innerText(), who.bert);
        assert.equal((await core.sessions(bert.id)).length, 1, "sessions");
        await browser.signOut();
    },
    "nobody signs up with the address of somebody who came by Google": async ({ core, browser, who }) => {
        await browser.continuesWithGoogle(who.carl);
        const { id } = await browser.becomes(core, { email: who.carl.email }, ["thirdparty"]);
        await browser.signOut();
        await browser.signsUpWith(who.carl.email, who.password);
        await browser.shows("Cannot sign up due to security reasons");
        assert.equal((await core.onePerson({ email: who.carl.email }, ["thirdparty"])).id, id);
    },
    "who came by Google sets a password by the link in the mail": async ({ core, browser, messages, who }) => {
        const carl = await core.person({ email: who.carl.email });
        await browser.go("/auth/reset-password");
        await browser.setsPassword(messages, who.carl.email, who.password);
        assert.equal((await core.onePerson({ email: who.carl.email }, ["emailpassword", "thirdparty"])).id, carl.id);
        await browser.signsInWith(who.carl.email, who.password);
        await browser.isHome(carl, ["emailpassword", "thirdparty"]);
        await browser.signOut();
    },
    "nobody was sent what nobody asked for": async ({ messages }) => messages.noneLeft(),
    "no errors in the console": async ({ browser }) => assert.deepEqual(browser.errors, []),
};

const [name, api] = process.argv[2]?.split("=") ?? [];
assert.ok(api, "usage: node browser.mjs NAME=URL");

const { stop, ...world } = await outside([[await website(api), WEBSITE]]);
const running = await chromium.launch({ executablePath: process.env.CHROMIUM, args: QUIET });
const browser = await Browser.open(running, api);
const right = await play(`${name}, in Chromium`, STEPS, { ...world, browser, who: cast("browser", world.openid) }, {
    before: (step) => Object.assign(browser, { step, pictures: 0 }),
    failed: () => browser.picture(),
});
if (!right) browser.errors.forEach((line) => console.log(`    the browser said: ${line}`));
await running.close();
stop();
process.exitCode = right ? 0 : 1;
