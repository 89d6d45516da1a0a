// node http.mjs NAME=URL: the same people without pages: asks the application what the frontend SDK would ask, with tokens in headers.
// Each step is held against the answer and against what the core itself says.

import assert from "node:assert/strict";

import { annaIsAsBefore, cast, outside, play } from "./play.mjs";

const { WEBSITE } = process.env;
const CALLBACK = `${WEBSITE}/auth/callback/google`;
const ALL_WAYS = ["emailpassword", "passwordless", "thirdparty"];

/** Somebody with a frontend SDK: keeps the tokens that come in headers, and drops them when they come empty. */
class Visitor {
    constructor(api) {
        Object.assign(this, { api, access: "", refresh: "" });
    }

    async ask(method, path, body, token = this.access) {
        const headers = { "content-type": "application/json", "st-auth-mode": "header", "fdi-version": "4.2", origin: WEBSITE };
        if (token) headers.authorization = `Bearer ${token}`;
        const response = await fetch(`${this.api}${path}`, { method, headers, body: body && JSON.stringify(body) });
        this.access = response.headers.get("st-access-token") ?? this.access;
        this.refresh = response.headers.get("st-refresh-token") ?? this.refresh;
        const text = await response.text();
        return { code: response.status, ...(text.startsWith("{") ? JSON.parse(text) : { text }) };
    }

    /** What an address of the SDK answers, its status being `status`. */
    async gets(status, method, path, body) {
        const answer = await this.ask(method, `/auth${path}`, body);
        assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer)}`);
        return answer;
    }

    withPassword(status, path, email, password) {
        return this.gets(status, "POST", path, { formFields: [{ id: "email", value: email }, { id: "password", value: password }] });
    }

    async signOut() {
        await this.gets("OK", "POST", "/signout");
        assert.deepEqual([this.access, this.refresh], ["", ""], "the tokens after signing out");
    }

    /** Follows the link in the mail that verifies an address. */
    async follows({ link }, status = "OK") {
        return this.gets(status, "POST", "/user/email/verify", { method: "token", token: new URL(link).searchParams.get("token") });
    }

    /** Asks for the mail by which another password is set, and gives the link in it. */
    async forgets(messages, email) {
        await this.gets("OK", "POST", "/user/password/reset/token", { formFields: [{ id: "email", value: email }] });
        return (await messages.next(email, "PASSWORD_RESET")).link;
    }

    setsPassword(link, password, status = "OK") {
        const token = new URL(link).searchParams.get("token");
        return this.gets(status, "POST", "/user/password/reset", { method: "token", token, formFields: [{ id: "password", value: password }] });
    }

    /** Goes to the provider, says who it is, and comes back. */
    async withGoogle(status, person) {
        const query = new URLSearchParams({ thirdPartyId: "google", redirectURIOnProviderDashboard: CALLBACK });
        const { urlWithQueryParams, pkceCodeVerifier } = await this.gets("OK", "GET", `/authorisationurl?${query}`);
        const asked = new URL(urlWithQueryParams);
        asked.searchParams.set("state", "of the page");
        const chosen = await fetch(asked, { method: "POST", body: new URLSearchParams({ sub: person.sub }), redirect: "manual" });
        assert.equal(chosen.status, 303, await chosen.text());
        const back = new URL(chosen.headers.get("location"));
        assert.equal(back.origin + back.pathname, CALLBACK);
        return this.gets(status, "POST", "/signinup", {
            thirdPartyId: "google",
            redirectURIInfo: {
                redirectURIOnProviderDashboard: CALLBACK,
                redirectURIQueryParams: Object.fromEntries(back.searchParams),
                pkceCodeVerifier,
            },
        });
    }

    async isHome(person, ways) {
        const me = await this.ask("GET", "/me");
        assert.deepEqual([me.code, me.id, me.ways], [200, person.id, [...ways].sort()], JSON.stringify(me));
        return me;
    }
}

const STEPS = {
    "who signs up is not let in before the address is verified": async (story) => {
        const { core, visitor, messages, who } = story;
        assert.equal((await visitor.gets("OK", "GET", `/emailpassword/email/exists?email=${encodeURIComponent(who.anna.email)}`)).exists, false);
        const { user } = await visitor.withPassword("OK", "/signup", who.anna.email, who.password);
        const { id } = await core.onePerson({ email: who.anna.email }, ["emailpassword unverified"]);
        assert.equal(user.id, id);
        assert.equal((await core.sessions(id)).length, 1, "sessions");
        assert.equal((await visitor.ask("GET", "/me")).code, 403);
        assert.equal((await visitor.gets("OK", "GET", "/user/email/verify")).isVerified, false);
        await visitor.gets("OK", "POST", "/user/email/verify/token", {});
        story.older = await messages.next(who.anna.email, "EMAIL_VERIFICATION");
        await visitor.gets("OK", "POST", "/user/email/verify/token", {});
    },
    "the link in the mail verifies the address": async (story) => {
        const { core, visitor, messages, who } = story;
        await visitor.follows(await messages.next(who.anna.email, "EMAIL_VERIFICATION"));
        await visitor.follows(story.older, "EMAIL_VERIFICATION_INVALID_TOKEN_ERROR");
        story.anna = await core.onePerson({ email: who.anna.email }, ["emailpassword"]);
        await visitor.isHome(story.anna, ["emailpassword"]);
    },
    "the page for admins is closed": async ({ core, visitor, anna }) => {
        assert.equal((await visitor.ask("GET", "/admins-only")).code, 403);
        assert.deepEqual(await core.roles(anna.id), []);
    },
    "who signs out is out": async ({ core, visitor, anna }) => {
        await visitor.signOut();
        assert.deepEqual(await core.sessions(anna.id), []);
        assert.equal((await visitor.ask("GET", "/me")).code, 401);
    },
    "an address that is taken signs nobody up": async ({ core, visitor, anna, who }) => {
        await visitor.withPassword("FIELD_ERROR", "/signup", who.anna.email, who.newPassword);
        assert.deepEqual(await core.sessions(anna.id), []);
    },
    "a wrong password is refused": async ({ core, visitor, anna, who }) => {
        await visitor.withPassword("WRONG_CREDENTIALS_ERROR", "/signin", who.anna.email, who.newPassword);
        assert.deepEqual(await core.sessions(anna.id), []);
    },
    "the link in the mail sets another password, once": async ({ core, visitor, messages, who }) => {
        const link = await visitor.forgets(messages, who.anna.email);
        await visitor.setsPassword(link, who.newPassword);
        await visitor.setsPassword(link, who.password, "RESET_PASSWORD_INVALID_TOKEN_ERROR");
        assert.equal(await core.signIn(who.anna.email, who.password), "WRONG_CREDENTIALS_ERROR");
        assert.equal(await core.signIn(who.anna.email, who.newPassword), "OK");
    },
    "the new password signs in, and the session is refreshed": async ({ core, visitor, anna, who }) => {
        await visitor.withPassword("OK", "/signin", who.anna.email, who.newPassword);
        await visitor.isHome(anna, ["emailpassword"]);
        assert.equal((await core.sessions(anna.id)).length, 1, "sessions");
        const before = visitor.refresh;
        assert.equal((await visitor.ask("POST", "/auth/session/refresh", {}, visitor.refresh)).code, 200);
        assert.notEqual(visitor.refresh, before);
        await visitor.isHome(anna, ["emailpassword"]);
        await visitor.signOut();
    },
    "a magic link signs in the same person, once": async ({ core, visitor, messages, anna, who }) => {
        await visitor.gets("OK", "POST", "/signinup/code", { email: who.anna.email });
        const link = new URL((await messages.next(who.anna.email, "PASSWORDLESS_LOGIN")).link);
        const consume = { linkCode: link.hash.slice(1), preAuthSessionId: link.searchParams.get("preAuthSessionId") };
        assert.equal((await core.devices({ email: who.anna.email })).length, 1, "devices");
        assert.equal((await visitor.gets("OK", "POST", "/signinup/code/consume", consume)).createdNewRecipeUser, true);
        await visitor.isHome(anna, ["emailpassword", "passwordless"]);
        assert.equal((await core.onePerson({ email: who.anna.email }, ["emailpassword", "passwordless"])).id, anna.id);
        assert.deepEqual(await core.devices({ email: who.anna.email }), []);
        await visitor.signOut();
        await visitor.gets("RESTART_FLOW_ERROR", "POST", "/signinup/code/consume", consume);
    },
    "a one-time code signs in the same person; a wrong one does not": async ({ core, visitor, messages, anna, who }) => {
        const { deviceId, preAuthSessionId } = await visitor.gets("OK", "POST", "/signinup/code", { email: who.anna.email });
        const { code } = await messages.next(who.anna.email, "PASSWORDLESS_LOGIN");
        const consume = (userInputCode) => ({ userInputCode, deviceId, preAuthSessionId });
        const wrong = await visitor.gets("INCORRECT_USER_INPUT_CODE_ERROR", "POST", "/signinup/code/consume", consume("not this"));
        assert.equal(wrong.failedCodeInputAttemptCount, 1);
        assert.equal((await core.devices({ email: who.anna.email }))[0].failedCodeInputAttemptCount, 1);
        assert.equal((await visitor.gets("OK", "POST", "/signinup/code/consume", consume(code))).createdNewRecipeUser, false);
        await visitor.isHome(anna, ["emailpassword", "passwordless"]);
        await visitor.signOut();
    },
    "Google signs in the same person": async ({ core, visitor, anna, who }) => {
        assert.equal((await visitor.withGoogle("OK", who.anna)).createdNewRecipeUser, true);
        await visitor.isHome(anna, ALL_WAYS);
        const person = await core.onePerson({ email: who.anna.email }, ALL_WAYS);
        assert.equal(person.id, anna.id);
        assert.deepEqual(person.thirdParty, [{ id: "google", userId: who.anna.sub }]);
        await visitor.signOut();
        assert.equal((await visitor.withGoogle("OK", who.anna)).createdNewRecipeUser, false);
        await visitor.isHome(anna, ALL_WAYS);
        await visitor.signOut();
    },
    "what Google has not verified makes nobody Anna": async (story) => {
        await story.visitor.withGoogle("SIGN_IN_UP_NOT_ALLOWED", story.who.mallory);
        await annaIsAsBefore(story);
    },
    "an admin sees the page for admins": async ({ core, visitor, anna, who }) => {
        assert.equal((await visitor.ask("POST", "/office/admins", { userId: anna.id })).code, 200);
        assert.deepEqual(await core.roles(anna.id), ["admin"]);
        await visitor.withGoogle("OK", who.anna);
        assert.deepEqual((await visitor.isHome(anna, ALL_WAYS)).roles, ["admin"]);
        assert.equal((await visitor.ask("GET", "/admins-only")).secret, "for admins");
        await visitor.signOut();
    },
    "a code in a text message makes another person": async ({ core, visitor, messages, who }) => {
        const { deviceId, preAuthSessionId } = await visitor.gets("OK", "POST", "/signinup/code", { phoneNumber: who.bert });
        const { code: userInputCode } = await messages.next(who.bert, "SMS");
        await visitor.gets("OK", "POST", "/signinup/code/consume", { userInputCode, deviceId, preAuthSessionId });
        const bert = await core.onePerson({ phoneNumber: who.bert }, ["passwordless"]);
        assert.deepEqual((await visitor.isHome(bert, ["passwordless"])).phoneNumbers, [who.bert]);
        await visitor.signOut();
    },
    "nobody signs up with the address of somebody who came by Google": async ({ core, visitor, who }) => {
        await visitor.withGoogle("OK", who.carl);
        const { id } = await core.onePerson({ email: who.carl.email }, ["thirdparty"]);
        await visitor.signOut();
        await visitor.withPassword("SIGN_UP_NOT_ALLOWED", "/signup", who.carl.email, who.password);
        assert.equal((await core.onePerson({ email: who.carl.email }, ["thirdparty"])).id, id);
    },
    "who came by Google sets a password by the link in the mail": async ({ core, visitor, messages, who }) => {
        const carl = await core.person({ email: who.carl.email });
        await visitor.setsPassword(await visitor.forgets(messages, who.carl.email), who.password);
        assert.equal((await core.onePerson({ email: who.carl.email }, ["emailpassword", "thirdparty"])).id, carl.id);
        await visitor.withPassword("OK", "/signin", who.carl.email, who.password);
        await visitor.isHome(carl, ["emailpassword", "thirdparty"]);
        await visitor.signOut();
    },
    "nobody was sent what nobody asked for": async ({ messages }) => messages.noneLeft(),
};

const [name, api] = process.argv[2]?.split("=") ?? [];
assert.ok(api, "usage: node http.mjs NAME=URL");

const { stop, ...world } = await outside();
const right = await play(`${name}, without pages`, STEPS, { ...world, visitor: new Visitor(api), who: cast(name, world.openid) });
stop();
process.exitCode = right ? 0 : 1;
