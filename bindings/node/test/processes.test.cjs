// Worker threads on one database, ended in the middle; scripts that end by themselves, or in the middle of a call; load with questions
// interleaved, and what is left of it.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const path = require("node:path");
const { test } = require("node:test");
const { Worker } = require("node:worker_threads");
const { supertokens, Session, make, bearer, start, exchange, newDatabase, folder } = require("./world.cjs");
const { current } = require("../lib/state.js");

const script = (body) => `
const supertokens = require("supertokens-rs");
const Session = require("supertokens-rs/recipe/session");
const init = (database, session) =>
    supertokens.init({
        supertokens: { embedded: database },
        appInfo: { appName: "test", apiDomain: "http://localhost:3001", websiteDomain: "http://localhost:3000" },
        recipeList: [Session.init(session)],
    });
const make = () => Session.createNewSessionWithoutRequestResponse("public", supertokens.convertToRecipeUserId("anna"), {}, {}, true);
${body}`;

async function ran(body, ...given) {
    const child = spawn(process.execPath, ["-e", script(body), ...given], { cwd: __dirname, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    const [code, signal] = await once(child, "close");
    return { code, signal, out, err };
}

test("worker threads share the core of their process, and may be ended in the middle", async () => {
    const database = newDatabase();
    const body = script(`
const { parentPort, workerData } = require("node:worker_threads");
init(workerData);
(async () => {
    parentPort.postMessage((await make()).getHandle());
    for (;;) await make();
})();`);
    const workers = [0, 1, 2].map(() => new Worker(body, { eval: true, workerData: database }));
    const handles = await Promise.all(workers.map((worker) => once(worker, "message").then(([handle]) => handle)));
    await start({}, { core: { embedded: database } });
    for (const handle of handles) assert.equal((await Session.getSessionInformation(handle)).userId, "anna", "one database, one core");
    await Promise.all(workers.map((worker) => worker.terminate()));
    const held = [];
    for (let at = 0; at < 20; at += 1) held.push(await make());
    const other = { embedded: { database, settings: { access_token_validity: 99 } } };
    await start({}, { core: other }).then(
        () => assert.fail("who holds a session holds its core"),
        (error) => assert.match(error.message, /other settings/),
    );
    assert.equal(held.length, 20);
});

test("what is closed lets its core go, and its database is free for other settings", async () => {
    const done = await ran(
        `
const v8 = require("node:v8");
v8.setFlagsFromString("--expose-gc");
const collect = require("node:vm").runInNewContext("gc");
const [database] = process.argv.slice(1);
const begin = async (validity) => {
    init({ database, settings: { access_token_validity: validity } });
    const [session, other] = await Promise.all([make(), make()]);
    return session.getAccessTokenPayload().exp - session.getAccessTokenPayload().iat;
};
(async () => {
    for (const validity of [3000, 300, 30]) {
        const lives = await begin(validity);
        console.log(lives > validity / 2 && lives <= validity);
        await supertokens.close();
        // Sessions hold it until they are collected, which is told in turns to come.
        for (let at = 0; at < 10; at += 1) {
            await new Promise(setImmediate);
            collect();
        }
    }
})();`,
        newDatabase(),
    );
    assert.deepEqual(done, { code: 0, signal: null, out: "true\ntrue\ntrue\n", err: "" });
});

test("a function that never answers keeps no process alive, and no close waiting", async () => {
    const never = `init(process.argv[1], { override: { functions: (original) => ({ ...original, createNewSession: () => new Promise(() => {}) }) } });`;
    const done = await ran(`${never} supertokens.ready().then(() => { void make(); console.log("asked"); });`, newDatabase());
    assert.deepEqual(done, { code: 0, signal: null, out: "asked\n", err: "" });
    const closed = await ran(`${never} supertokens.ready().then(async () => { void make(); await supertokens.close(); console.log("closed"); });`, newDatabase());
    assert.deepEqual(closed, { code: 0, signal: null, out: "closed\n", err: "" });
});

test("a call whose changes cannot be written down is forgotten", async () => {
    await start({
        override: { functions: (original) => ({ ...original, getGlobalClaimValidators: async (input) => original.getGlobalClaimValidators(input) }) },
    });
    const { engine } = current();
    const [, res] = exchange();
    const [req] = exchange(bearer(await make()));
    const state = current();
    const call = state.callOf(req, res);
    call.apply = () => {
        throw new RangeError("headers are closed");
    };
    await assert.rejects(async () => state.verify(call, undefined, 0), RangeError);
    assert.deepEqual([engine.rows.size, engine.native.underWay()], [0, 0]);
});

test("a script that only makes a session makes it first, and then ends by itself", async () => {
    const done = await ran(`init(process.argv[1]); make().then((session) => console.log(session.getUserId()));`, newDatabase());
    assert.deepEqual(done, { code: 0, signal: null, out: "anna\n", err: "" });
    const idle = await ran(`init(process.argv[1]); console.log("idle");`, newDatabase());
    assert.deepEqual([idle.code, idle.out], [0, "idle\n"]);
});

test("a process may be ended in the middle of calls", async () => {
    for (const ending of ["process.exit(3)", "process.kill(process.pid, 'SIGTERM')", "setImmediate(() => { throw new Error('theirs') })"]) {
        const done = await ran(`init(process.argv[1]); for (let at = 0; at < 20; at++) make(); make().then(() => { for (let at = 0; at < 20; at++) make(); ${ending}; });`, newDatabase());
        assert.ok(done.code === 3 || done.code === 1 || done.signal === "SIGTERM", JSON.stringify(done));
        assert.doesNotMatch(done.err, /panicked|core dumped|FATAL/);
    }
});

test("a second process on the file is told that another has it", async () => {
    const database = newDatabase();
    await start({}, { core: { embedded: database } });
    await make();
    const second = await ran(`init(process.argv[1]); make().catch((error) => console.log(error.code, error.message));`, database);
    assert.match(second.out, /^CORE .*in use by another process/);
    assert.ok(folder.length > 0);
});

test("hundreds of calls with questions interleaved leave nothing behind", async () => {
    await start({
        override: {
            functions: (original) => ({
                ...original,
                async createNewSession(input) {
                    await null;
                    if (input.userContext.fail) throw new RangeError("theirs");
                    return original.createNewSession(input);
                },
            }),
        },
    });
    const all = await Promise.allSettled(Array.from({ length: 300 }, (_, at) => make({ at }, {}, { fail: at % 10 === 0 })));
    all.forEach((outcome, at) => {
        if (at % 10 === 0) assert.ok(outcome.reason instanceof RangeError);
        else assert.equal(outcome.value.getAccessTokenPayload().at, at, "each call has its own answer");
    });
    const [req, res] = exchange(bearer(all[1].value));
    for (let at = 0; at < 1000; at += 1) await Session.getSession(req, res);
    const { engine } = current();
    assert.deepEqual([engine.rows.size, engine.native.underWay()], [0, 0]);
});

test("a check with known keys neither waits nor makes a promise", async () => {
    await start();
    const { engine } = current();
    const [req, res] = exchange(bearer(await make()));
    await Session.getSession(req, res);
    const state = current();
    const found = state.verify(state.callOf(req, res), undefined, 0);
    assert.equal(found.getUserId(), "anna");
    // One with an unknown key would have to ask the core: not on this thread.
    const forged = bearer({ getAccessToken: () => `${Buffer.from(JSON.stringify({ alg: "RS256", typ: "JWT", version: "5", kid: "d-1" })).toString("base64url")}.${req.headers.authorization.split(".")[1]}.AAAA` });
    const [other, answer] = exchange(forged);
    await assert.rejects(async () => state.verify(state.callOf(other, answer), undefined, 0), { type: "TRY_REFRESH_TOKEN" });
    assert.equal(engine.rows.size, 0);
});
