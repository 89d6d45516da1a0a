// What `init` refuses, and how it says so; what this package has not; what is exported, beside the official package.
"use strict";

const assert = require("node:assert/strict");
const path = require("node:path");
const { test } = require("node:test");
const { supertokens, Session, appInfo, make, newDatabase, start } = require("./world.cjs");

const refused = async (config, words) => {
    await supertokens.close();
    const whole = { supertokens: { embedded: newDatabase() }, appInfo, recipeList: [Session.init()], ...config };
    assert.throws(() => supertokens.init(whole), (error) => words.every((word) => error.message.includes(word)), JSON.stringify(words));
    assert.throws(() => supertokens.getAllCORSHeaders(), /Initialisation not done/, "nothing is there after a refusal");
};

test("settings are refused at once, by their names", async () => {
    await refused({ framework: "rails" }, ["framework", "express"]);
    await refused({ recipeList: [] }, ["recipe"]);
    await refused({ recipeList: [() => ({})] }, ["supertokens-node"]);
    await refused({ recipeList: [Session.init(), Session.init()] }, ["session", "once"]);
    await refused({ experimental: { plugins: [] } }, ["supertokens-node"]);
    await refused({ appInfo: { ...appInfo, apiDomain: undefined } }, ["apiDomain"]);
    await refused({ appInfo: { ...appInfo, apiDomian: "x" } }, ["apiDomian"]);
    await refused({ supertokens: {} }, ["connectionURI", "embedded"]);
    await refused({ supertokens: { embedded: newDatabase(), connectionURI: "http://localhost:3567" } }, ["connectionURI", "embedded"]);
    await refused({ supertokens: { connectionURI: "http://x y" } }, ["connectionURI"]);
    await refused({ supertokens: { embedded: "mysql://x" } }, ["mysql"]);
    await refused({ supertokens: { embedded: { database: newDatabase(), settings: { access_token_vality: 1 } } } }, ["access_token_vality"]);
    await refused({ supertokens: { embedded: { database: newDatabase(), settings: { access_token_validity: -1 } } } }, ["access_token_validity"]);
    await refused({ supertokens: { embedded: 7 } }, ["embedded"]);
    await refused({ recipeList: [Session.init({ cookieSameSite: "odd" })] }, ["cookieSameSite"]);
    await refused({ recipeList: [Session.init({ antiCsrf: "odd" })] }, ["antiCsrf"]);
    await refused({ recipeList: [Session.init({ sessionExpiredStatusCode: "x" })] }, ["sessionExpiredStatusCode"]);
    await refused({ recipeList: [Session.init({ errorHandlers: { onOdd: () => {} } })] }, ["onOdd"]);
    await refused({ recipeList: [Session.init({ getTokenTransferMethod: "cookie" })] }, ["getTokenTransferMethod"]);
    await refused({ recipeList: [Session.init({ override: { functions: () => ({}) } })] }, ["override.functions", "originalImplementation"]);
    await refused({ recipeList: [Session.init({ override: { functions: () => undefined } })] }, ["override.functions"]);
});

test("a core that cannot be had fails the call, and the next call tries again", async () => {
    await supertokens.close();
    const connectionURI = "http://127.0.0.1:1";
    supertokens.init({ supertokens: { connectionURI }, appInfo, recipeList: [Session.init()] });
    for (let at = 0; at < 2; at += 1) await assert.rejects(make(), (error) => error.type === undefined && /No SuperTokens core available/.test(error.message));
    await supertokens.close();
    supertokens.init({ supertokens: { embedded: "sqlite:/no/such/folder/x.db" }, appInfo, recipeList: [Session.init()] });
    for (let at = 0; at < 2; at += 1) await assert.rejects(supertokens.ready(), { code: "CORE" });
});

test("a second init is passed over, and before the first nothing works", async () => {
    await supertokens.close();
    await assert.rejects(make(), /Initialisation not done/);
    await start();
    supertokens.init({ framework: "rails" });
    assert.equal(supertokens.isRecipeInitialized("session"), true);
    assert.equal(supertokens.isRecipeInitialized("emailpassword"), false);
    assert.deepEqual(supertokens.getAllCORSHeaders().sort(), ["anti-csrf", "authorization", "fdi-version", "rid", "st-auth-mode"]);
});

test("the settings of an embedded core count", async () => {
    await start({}, { core: { embedded: { database: newDatabase(), settings: { access_token_validity: 77 } } } });
    const { exp, iat } = (await make()).getAccessTokenPayload();
    // The core counts from when it began.
    assert.ok(exp - iat <= 77 && exp - iat > 47, `${exp - iat}`);
    await start({}, { recipeList: [Session.init(), require("supertokens-rs/recipe/jwt").init({ jwtValiditySeconds: 5 })] });
    const [, body] = (await Session.createJWT({})).jwt.split(".");
    const jwt = JSON.parse(Buffer.from(body, "base64url"));
    assert.equal(jwt.exp - jwt.iat, 5);
});

test("a list without sessions will do", async () => {
    await start({}, { recipeList: [require("supertokens-rs/recipe/openid").init()] });
    assert.equal((await Session.createJWT({})).status, "OK");
});

test("the log is turned on by the environment too", () => {
    const { spawnSync } = require("node:child_process");
    const body = `const supertokens = require("supertokens-rs"), Session = require("supertokens-rs/recipe/session");
supertokens.init({ supertokens: { embedded: process.argv[1] }, appInfo: ${JSON.stringify(appInfo)}, recipeList: [Session.init()] });
Session.createNewSessionWithoutRequestResponse("public", supertokens.convertToRecipeUserId("anna")).then((session) => session.revokeSession());`;
    const lines = (DEBUG) => spawnSync(process.execPath, ["-e", body, newDatabase()], { cwd: __dirname, env: { ...process.env, DEBUG }, encoding: "utf8" }).stdout;
    assert.match(lines("other,com.supertokens"), /^com\.supertokens \{t: /m);
    assert.equal(lines("other,-com.supertokens,comXsupertokens"), "");
});

test("what is not here is said where it is called, by the remedy", () => {
    const NOT = { name: "NotInThisPackage", type: "NOT_IN_THIS_PACKAGE" };
    for (const name of ["emailpassword", "thirdparty", "userroles", "dashboard", "passwordless", "totp", "webauthn", "multitenancy"]) {
        const recipe = require(`supertokens-rs/recipe/${name}`);
        assert.throws(() => recipe.init(), NOT);
        assert.throws(() => recipe.default.anything(), /supertokens-node/);
    }
    for (const name of ["getUser", "deleteUser", "listUsersByAccountInfo", "createUserIdMapping"]) assert.throws(() => supertokens[name](), NOT);
    assert.throws(() => require("supertokens-rs/recipe/jwt").init({ override: {} }), NOT);
});

// What official exports and this package does not, or otherwise, and why.
const DIFFERENCES = {
    "supertokens-node": {
        PluginError: "plugins are not here",
        User: "users are not here",
    },
    "supertokens-node/recipe/session": {},
    "supertokens-node/recipe/session/claims": {},
    "supertokens-node/recipe/jwt": {},
    "supertokens-node/recipe/openid": {},
    "supertokens-node/nextjs": {},
    "supertokens-node/custom": {},
    ...Object.fromEntries(
        ["express", "fastify", "hapi", "koa", "loopback", "awsLambda", "custom"].flatMap((name) => [
            [`supertokens-node/framework/${name}`, {}],
            [`supertokens-node/recipe/session/framework/${name}`, {}],
        ]),
    ),
};

test("every name that the official modules export is exported, with as many parameters", () => {
    const wrong = [];
    for (const [module, excused] of Object.entries(DIFFERENCES)) {
        const official = require(module);
        const ours = require(module.replace("supertokens-node", "supertokens-rs"));
        for (const [name, value] of Object.entries(official)) {
            // Classes of a framework's requests, which nobody makes by hand, and defaults that repeat what is there.
            if (name === "default" || name === "__esModule" || /^(Express|Fastify|Hapi|Koa|Loopback|AWS)[A-Z]|Wrapper$/.test(name)) continue;
            if (!(name in ours)) {
                if (!(name in excused)) wrong.push(`${module}: ${name}`);
            } else if (typeof value === "function" && typeof ours[name] !== "function") wrong.push(`${module}: ${name} is no function`);
        }
        for (const name of Object.keys(excused)) if (name in ours) wrong.push(`${module}: ${name} is excused, and there`);
        for (const [name, value] of Object.entries(official.default ?? {})) {
            if (typeof value === "function" && typeof ours.default?.[name] !== "function" && !(name in excused)) wrong.push(`${module}: default.${name}`);
        }
    }
    const statics = Object.getOwnPropertyNames(require("supertokens-node/recipe/session").default).filter((name) => !["length", "name", "prototype"].includes(name));
    wrong.push(...statics.filter((name) => !(name in Session.default)).map((name) => `Session.${name}`));
    const container = require(path.join(path.dirname(require.resolve("supertokens-node")), "lib/build/recipe/session/sessionClass.js")).default;
    const methods = Object.getOwnPropertyNames(container.prototype).filter((name) => name !== "constructor" && !name.endsWith("WithContext"));
    const { SessionContainer } = require("../lib/session.js");
    wrong.push(...methods.filter((name) => !(name in SessionContainer.prototype)).map((name) => `SessionContainer.${name}`));
    assert.deepEqual(wrong, []);
});

test("ES modules give the same objects", async () => {
    const [root, session, claims, verify] = await Promise.all(
        ["supertokens-rs", "supertokens-rs/recipe/session/index.js", "supertokens-rs/recipe/session/claims", "supertokens-rs/recipe/session/framework/express"].map((name) => import(name)),
    );
    assert.equal(root.default.init, supertokens.init);
    assert.equal(root.init, supertokens.init);
    assert.equal(session.default.createNewSession, Session.createNewSession);
    assert.equal(session.Error, Session.Error);
    assert.equal(claims.PrimitiveClaim, require("supertokens-rs/recipe/session/claims").PrimitiveClaim);
    assert.equal(verify.verifySession, require("supertokens-rs/recipe/session/framework/express").verifySession);
});
