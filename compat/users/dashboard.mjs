// node dashboard.mjs NAME=URL: every route of the dashboard that the SDK has, in the order in which somebody comes by them who uses its
// pages. The pages' script comes from a public CDN; what it asks is asked here. Who may sign in was named by `supertokens dashboard-user`.

import assert from "node:assert/strict";

import { outside, play } from "./play.mjs";

const { ADMIN, VIEWER, DASHBOARD_PASSWORD } = process.env;

/** Somebody with the dashboard's page. */
class Operator {
    constructor(api) {
        Object.assign(this, { api, session: undefined, asked: new Set() });
    }

    async ask(method, path, body, tenant = "") {
        this.asked.add(`${method} ${path.split("?")[0]}`);
        const headers = { "content-type": "application/json", rid: "dashboard" };
        if (this.session) headers.authorization = `Bearer ${this.session}`;
        const response = await fetch(`${this.api}/auth${tenant}/dashboard/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
        const text = await response.text();
        return { code: response.status, ...(text.startsWith("{") ? JSON.parse(text) : { text }) };
    }

    /** What a route answers, its status being `status`. */
    async gets(status, method, path, body, tenant) {
        const answer = await this.ask(method, path, body, tenant);
        assert.deepEqual([answer.code, answer.status], [200, status], `${method} ${path}: ${JSON.stringify(answer)}`);
        return answer;
    }

    async signIn(email, password = DASHBOARD_PASSWORD) {
        this.session = undefined;
        this.session = (await this.gets("OK", "POST", "signin", { email, password })).sessionId;
    }
}

const PASSWORD = "a horse of 1906";
const query = (values) => new URLSearchParams(values);

const STEPS = {
    "the page is there, and looks for users": async ({ operator }) => {
        for (const path of ["", "/roles", "/tenants"]) {
            const response = await fetch(`${operator.api}/auth/dashboard${path}`);
            const page = await response.text();
            assert.equal(response.status, 200, page);
            assert.match(page, /window\.isSearchEnabled = "true"/);
            assert.match(page, /window\.authMode = "email-password"/);
        }
    },
    "nobody gets in without signing in": async ({ operator, core }) => {
        const before = await core.count();
        operator.session = undefined;
        const without = await operator.ask("POST", "user/emailpassword", { email: "x@dashboard.example", password: PASSWORD });
        assert.ok(without.code >= 400, JSON.stringify(without));
        for (const session of ["00000000-0000-4000-8000-000000000000", "x", "' or '1'='1"]) {
            operator.session = session;
            assert.equal((await operator.ask("GET", "users?limit=10")).code, 401);
            assert.equal((await operator.ask("POST", "user/emailpassword", { email: "x@dashboard.example", password: PASSWORD })).code, 401);
        }
        operator.session = undefined;
        assert.equal(await core.count(), before);
    },
    "a wrong password is refused, and too many are told to wait": async ({ operator }) => {
        for (let n = 0; n < 10; n += 1) {
            await operator.gets("INVALID_CREDENTIALS_ERROR", "POST", "signin", { email: "mallory@dashboard.example", password: "wrong1234" });
        }
        const { message } = await operator.gets("USER_SUSPENDED_ERROR", "POST", "signin", { email: "mallory@dashboard.example", password: "wrong1234" });
        assert.match(message, /^Too many wrong passwords were tried for this email\. Please wait for \d+ s and try again\.$/);
        await operator.gets("INVALID_CREDENTIALS_ERROR", "POST", "signin", { email: ADMIN, password: "wrong1234" });
    },
    "who only looks may look and change nothing": async ({ operator, core }) => {
        await operator.signIn(VIEWER);
        await operator.gets("OK", "GET", "users?limit=10");
        const before = await core.count();
        const refused = await operator.ask("POST", "user/emailpassword", { email: "x@dashboard.example", password: PASSWORD });
        assert.deepEqual([refused.code, refused.message], [403, "You are not permitted to perform this operation"]);
        assert.equal(await core.count(), before);
        await operator.gets("OK", "POST", "signout");
        assert.equal((await operator.ask("GET", "users?limit=10")).code, 401, "the session is over");
    },
    "an admin signs in, however the address is written": async ({ operator }) => {
        await operator.signIn(` ${ADMIN.toUpperCase()} `);
        // This is for the other kind of dashboard, which has one key and no people.
        assert.equal((await operator.ask("POST", "key/validate")).code, 401);
        await operator.gets("OK", "POST", "analytics", { email: ADMIN, dashboardVersion: "0.15" });
    },
    "people are made": async (story) => {
        const { operator, core } = story;
        const anna = await operator.gets("OK", "POST", "user/emailpassword", { email: "anna@dashboard.example", password: PASSWORD });
        story.anna = anna.user.id;
        await operator.gets("EMAIL_ALREADY_EXISTS_ERROR", "POST", "user/emailpassword", { email: "anna@dashboard.example", password: PASSWORD });
        await operator.gets("PASSWORD_VALIDATION_ERROR", "POST", "user/emailpassword", { email: "c@dashboard.example", password: "x" });
        await operator.gets("EMAIL_VALIDATION_ERROR", "POST", "user/emailpassword", { email: "c", password: PASSWORD });
        const bert = await operator.gets("OK", "POST", "user/passwordless", { phoneNumber: "+493012345678" });
        story.bert = bert.user.id;
        await operator.gets("PHONE_VALIDATION_ERROR", "POST", "user/passwordless", { phoneNumber: "1" });
        const carl = await operator.gets("OK", "POST", "user/passwordless", { email: "carl@dashboard.example" });
        story.carl = carl.user.id;
        assert.equal((await core.person({ email: "anna@dashboard.example" })).id, story.anna);
        assert.equal((await core.person({ phoneNumber: "+493012345678" })).id, story.bert);
    },
    "they are listed page by page, counted and searched": async ({ operator, anna, bert, carl }) => {
        const seen = [];
        for (let page = "", more = true; more; ) {
            const { users, nextPaginationToken } = await operator.gets("OK", "GET", `users?${query({ limit: 1, ...(page && { paginationToken: page }) })}`);
            seen.push(...users.map(({ id }) => id));
            [page, more] = [nextPaginationToken, nextPaginationToken !== undefined];
        }
        assert.deepEqual([seen.length, [...seen].sort()], [new Set(seen).size, [anna, bert, carl].sort()]);
        assert.equal((await operator.gets("OK", "GET", "users/count")).count, 3);
        assert.deepEqual((await operator.gets("OK", "GET", "search/tags")).tags, ["email", "phone", "provider"]);
        for (const [tag, id] of [[{ email: "anna" }, anna], [{ phone: "+4930" }, bert], [{ email: "carl@dashboard.example" }, carl]]) {
            const { users } = await operator.gets("OK", "GET", `users?${query({ limit: 1000, ...tag })}`);
            assert.deepEqual(users.map(({ id }) => id), [id], JSON.stringify(tag));
        }
        assert.deepEqual((await operator.gets("OK", "GET", `users?${query({ limit: 1000, provider: "google" })}`)).users, []);
    },
    "somebody is shown and changed": async ({ operator, core, anna, bert }) => {
        await operator.gets("NO_USER_FOUND_ERROR", "GET", "user?userId=nobody");
        const change = (recipeId, recipeUserId, more) => ({ recipeId, recipeUserId, firstName: "", lastName: "", email: "", phone: "", ...more });
        await operator.gets("OK", "PUT", "user", change("emailpassword", anna, { firstName: "Anna", lastName: "Ä", email: "anna2@dashboard.example" }));
        await operator.gets("OK", "PUT", "user", change("passwordless", bert, { phone: "+493012345679" }));
        await operator.gets("EMAIL_CHANGE_NOT_ALLOWED_ERROR", "PUT", "user", change("passwordless", bert, { email: "carl@dashboard.example" }));
        await operator.gets("INVALID_EMAIL_ERROR", "PUT", "user", change("emailpassword", anna, { email: "x" }));
        const { user } = await operator.gets("OK", "GET", `user?userId=${anna}`);
        assert.deepEqual([user.firstName, user.lastName, user.emails], ["Anna", "Ä", ["anna2@dashboard.example"]]);
        assert.equal((await core.person({ phoneNumber: "+493012345679" })).id, bert);
    },
    "an address is verified, and is not": async ({ operator, messages, anna }) => {
        const isVerified = async () => (await operator.gets("OK", "GET", `user/email/verify?recipeUserId=${anna}`)).isVerified;
        assert.equal(await isVerified(), false);
        await operator.gets("OK", "POST", "user/email/verify/token", { recipeUserId: anna });
        await messages.next("anna2@dashboard.example", "EMAIL_VERIFICATION");
        await operator.gets("OK", "PUT", "user/email/verify", { recipeUserId: anna, verified: true });
        assert.equal(await isVerified(), true);
        await operator.gets("EMAIL_ALREADY_VERIFIED_ERROR", "POST", "user/email/verify/token", { recipeUserId: anna });
        await operator.gets("OK", "PUT", "user/email/verify", { recipeUserId: anna, verified: false });
        assert.equal(await isVerified(), false);
        await operator.gets("OK", "PUT", "user/email/verify", { recipeUserId: anna, verified: true });
    },
    "what is noted about somebody is kept as it is": async ({ operator, anna }) => {
        const data = { first_name: "Anna", nested: { list: [1, 2.5, null, { "": true }], text: "ä\n\"" } };
        await operator.gets("OK", "PUT", "user/metadata", { userId: anna, data: JSON.stringify({ gone: true }) });
        await operator.gets("OK", "PUT", "user/metadata", { userId: anna, data: JSON.stringify(data) });
        assert.deepEqual((await operator.gets("OK", "GET", `user/metadata?userId=${anna}`)).data, data);
        assert.equal((await operator.ask("PUT", "user/metadata", { userId: anna, data: "no JSON" })).code, 400);
    },
    "sessions are shown and revoked": async ({ operator, core, anna }) => {
        const made = await fetch(`${operator.api}/office/sessions`, {
            method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ userId: anna }),
        });
        const { handle } = await made.json();
        const { sessions } = await operator.gets("OK", "GET", `user/sessions?userId=${anna}`);
        assert.deepEqual(sessions.map(({ sessionHandle, userId, tenantId }) => [sessionHandle, userId, tenantId]), [[handle, anna, "public"]]);
        await operator.gets("OK", "POST", "user/sessions", { sessionHandles: [handle] });
        assert.deepEqual(await core.sessions(anna), []);
    },
    "somebody gets another password": async ({ operator, core, anna }) => {
        await operator.gets("OK", "PUT", "user/password", { recipeUserId: anna, newPassword: "a battery of 2026" });
        await operator.gets("INVALID_PASSWORD_ERROR", "PUT", "user/password", { recipeUserId: anna, newPassword: "x" });
        assert.equal(await core.signIn("anna2@dashboard.example", PASSWORD), "WRONG_CREDENTIALS_ERROR");
        assert.equal(await core.signIn("anna2@dashboard.example", "a battery of 2026"), "OK");
    },
    "two logins of one person are taken apart": async ({ operator, core, anna }) => {
        const { user, recipeUserId } = await operator.gets("OK", "POST", "user/passwordless", { email: "anna2@dashboard.example" });
        assert.equal(user.id, anna, "linked, as both addresses are verified");
        const id = typeof recipeUserId === "string" ? recipeUserId : recipeUserId.recipeUserId;
        await operator.gets("OK", "GET", `user/unlink?recipeUserId=${id}`);
        assert.deepEqual((await core.people({ email: "anna2@dashboard.example" })).map(({ loginMethods }) => loginMethods.length), [1, 1]);
        await operator.gets("OK", "DELETE", `user?${query({ userId: id, removeAllLinkedAccounts: false })}`);
        assert.equal((await core.person({ email: "anna2@dashboard.example" })).id, anna);
    },
    "roles and permissions come and go": async ({ operator }) => {
        await operator.gets("OK", "PUT", "userroles/role", { role: "editor", permissions: ["read", "write", "delete"] });
        await operator.gets("OK", "PUT", "userroles/role", { role: "other", permissions: [] });
        assert.deepEqual((await operator.gets("OK", "GET", "userroles/roles")).roles.sort(), ["editor", "other"]);
        await operator.gets("OK", "PUT", "userroles/role/permissions/remove", { role: "editor", permissions: ["delete"] });
        const { permissions } = await operator.gets("OK", "GET", "userroles/role/permissions?role=editor");
        assert.deepEqual(permissions.sort(), ["read", "write"]);
        await operator.gets("UNKNOWN_ROLE_ERROR", "GET", "userroles/role/permissions?role=nothing");
        assert.equal((await operator.gets("OK", "DELETE", "userroles/role?role=other")).didRoleExist, true);
        assert.equal((await operator.gets("OK", "DELETE", "userroles/role?role=other")).didRoleExist, false);
    },
    "somebody has a role, and has not": async ({ operator, core, anna }) => {
        const of = `userroles/user/roles?${query({ userId: anna })}`;
        assert.equal((await operator.gets("OK", "PUT", "userroles/user/roles", { userId: anna, role: "editor" })).didUserAlreadyHaveRole, false);
        await operator.gets("UNKNOWN_ROLE_ERROR", "PUT", "userroles/user/roles", { userId: anna, role: "nothing" });
        assert.deepEqual((await operator.gets("OK", "GET", of)).roles, ["editor"]);
        assert.equal((await operator.gets("OK", "DELETE", `${of}&role=editor`)).didUserHaveRole, true);
        assert.deepEqual(await core.roles(anna), []);
    },
    "tenants are made and shown, with every setting": async ({ operator }) => {
        const tenant = { tenantId: "t1", firstFactors: ["emailpassword"] };
        assert.equal((await operator.gets("OK", "POST", "tenant", tenant)).createdNew, true);
        await operator.gets("TENANT_ID_ALREADY_EXISTS_ERROR", "POST", "tenant", tenant);
        const { message } = await operator.gets("INVALID_TENANT_ID_ERROR", "POST", "tenant", { tenantId: "appid-x" });
        assert.match(message, /tenantId/);
        const { tenants } = await operator.gets("OK", "GET", "tenants");
        assert.deepEqual(tenants.map(({ tenantId }) => tenantId).sort(), ["public", "t1"]);
        const { tenant: shown } = await operator.gets("OK", "GET", "tenant", undefined, "/t1");
        assert.deepEqual([shown.tenantId, shown.firstFactors, shown.userCount], ["t1", ["emailpassword"], 0]);
        assert.ok(shown.coreConfig.length > 20);
        assert.ok(shown.coreConfig.every((item) => Object.keys(item).length === 10), "each setting has its ten members");
        await operator.gets("UNKNOWN_TENANT_ERROR", "GET", "tenant", undefined, "/t9");
        await operator.gets("OK", "POST", "user/emailpassword", { email: "anna@dashboard.example", password: PASSWORD }, "/t1");
        assert.equal((await operator.gets("OK", "GET", "users/count", undefined, "/t1")).count, 1);
        assert.equal((await operator.gets("OK", "GET", "users?limit=10", undefined, "/t1")).users.length, 1);
    },
    "how a tenant's people log in is changed": async ({ operator }) => {
        const shown = async () => (await operator.gets("OK", "GET", "tenant", undefined, "/t1")).tenant;
        const set = (what, factorId, enable) => operator.gets("OK", "PUT", `tenant/${what}`, { factorId, enable }, "/t1");
        await set("first-factor", "otp-email", true);
        assert.deepEqual((await shown()).firstFactors.sort(), ["emailpassword", "otp-email"]);
        await set("first-factor", "otp-email", false);
        assert.deepEqual((await shown()).firstFactors, ["emailpassword"]);
        await set("required-secondary-factor", "totp", true);
        assert.deepEqual((await shown()).requiredSecondaryFactors, ["totp"]);
        await set("required-secondary-factor", "totp", false);
        assert.deepEqual((await shown()).requiredSecondaryFactors ?? [], []);
        await operator.gets("UNKNOWN_TENANT_ERROR", "PUT", "tenant/first-factor", { factorId: "otp-email", enable: true }, "/t9");
    },
    "a tenant's settings are changed, and what is wrong with one is shown": async ({ operator }) => {
        const set = (status, value) => operator.gets(status, "PUT", "tenant/core-config", { name: "email_verification_token_lifetime", value }, "/t1");
        await set("OK", 60_000);
        const { tenant } = await operator.gets("OK", "GET", "tenant", undefined, "/t1");
        assert.equal(tenant.coreConfig.find(({ key }) => key === "email_verification_token_lifetime").value, 60_000);
        const { message } = await set("INVALID_CONFIG_ERROR", -1);
        assert.match(message, /^Invalid core config: .*email_verification_token_lifetime/);
        await set("OK", null);
    },
    "a tenant's providers are made, shown and removed": async ({ operator }) => {
        const thirdPartyId = "acme";
        const providerConfig = {
            thirdPartyId, name: "Acme", oidcDiscoveryEndpoint: `${process.env.OPENID}/.well-known/openid-configuration`,
            clients: [{ clientId: "of acme", clientSecret: "secret of acme" }],
        };
        assert.equal((await operator.gets("OK", "PUT", "thirdparty/config", { providerConfig }, "/t1")).createdNew, true);
        const { providerConfig: shown } = await operator.gets("OK", "GET", `thirdparty/config?${query({ thirdPartyId })}`, undefined, "/t1");
        assert.deepEqual([shown.name, shown.clients[0].clientId, shown.clients[0].clientSecret], ["Acme", "of acme", "secret of acme"]);
        const { tenant } = await operator.gets("OK", "GET", "tenant", undefined, "/t1");
        assert.ok(tenant.thirdParty.providers.some((provider) => provider.thirdPartyId === thirdPartyId), JSON.stringify(tenant.thirdParty));
        assert.equal((await operator.gets("OK", "DELETE", `thirdparty/config?${query({ thirdPartyId })}`, undefined, "/t1")).didConfigExist, true);
    },
    "a tenant goes, the public one does not": async ({ operator }) => {
        assert.equal((await operator.gets("OK", "DELETE", "tenant", undefined, "/t1")).didExist, true);
        assert.equal((await operator.gets("OK", "DELETE", "tenant", undefined, "/t1")).didExist, false);
        await operator.gets("CANNOT_DELETE_PUBLIC_TENANT_ERROR", "DELETE", "tenant");
    },
    "people go": async ({ operator, core, anna, bert, carl }) => {
        for (const userId of [anna, bert, carl]) await operator.gets("OK", "DELETE", `user?${query({ userId, removeAllLinkedAccounts: true })}`);
        assert.deepEqual((await operator.gets("OK", "GET", "users?limit=10")).users, []);
        assert.equal(await core.count(), 0);
    },
    "who signs out is out": async ({ operator }) => {
        await operator.gets("OK", "POST", "signout");
        assert.equal((await operator.ask("GET", "users?limit=10")).code, 401);
    },
    "each route that the SDK serves has been asked": async ({ operator, routes }) => {
        assert.deepEqual(routes.filter((route) => !operator.asked.has(route)), []);
        assert.ok(routes.length >= 35, `${routes.length} routes`);
    },
};

/** What the SDK lists, less the pages and the two routes that it does not answer. */
async function routesOfTheSdk(api) {
    const all = await (await fetch(`${api}/office/routes`)).json();
    const named = all.filter(([, path]) => path.includes("/api/")).map(([method, path]) => `${method.toUpperCase()} ${path.split("/api/")[1]}`);
    return named.filter((route) => !["POST user", "PUT userroles/role/permissions"].includes(route));
}

const [name, api] = process.argv[2]?.split("=") ?? [];
assert.ok(api, "usage: node dashboard.mjs NAME=URL");

const { stop, ...world } = await outside();
const right = await play(`${name}, the dashboard`, STEPS, { ...world, operator: new Operator(api), routes: await routesOfTheSdk(api) });
stop();
process.exitCode = right ? 0 : 1;
