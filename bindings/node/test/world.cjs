// What the tests share: the package as it is installed, a core in this process or a program beside, requests and responses as Express has
// them. `CORE=remote` runs a test against a program.
"use strict";

const { spawn } = require("node:child_process");
const { createServer, request } = require("node:http");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const supertokens = require("supertokens-rs");
const Session = require("supertokens-rs/recipe/session");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "supertokens-node-"));
const programs = [];
process.on("exit", () => {
    for (const program of programs) program.kill("SIGKILL");
    fs.rmSync(folder, { recursive: true, force: true });
});

const appInfo = { appName: "test", apiDomain: "http://localhost:3001", websiteDomain: "http://localhost:3000" };
const KEY = "a-key-of-twenty-characters";
let databases = 0;

const freePort = () =>
    new Promise((resolve) => {
        const server = net.createServer().listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });

// The program, which says when it listens.
async function program(settings = {}) {
    const port = await freePort();
    const database = path.join(folder, `program-${port}.db`);
    const { SUPERTOKENS_BINARY: _, ...environment } = { ...process.env, API_KEYS: KEY };
    for (const [name, value] of Object.entries(settings)) environment[`SUPERTOKENS_${name.toUpperCase()}`] = String(value);
    const binary = process.env.SUPERTOKENS_BINARY ?? path.join(__dirname, "../../../target/debug/supertokens");
    const child = spawn(binary, ["start", "--host", "127.0.0.1", "--port", String(port), "--database-url", `sqlite:${database}`], {
        env: environment,
        cwd: folder,
        stdio: ["ignore", "pipe", "inherit"],
    });
    programs.push(child);
    await new Promise((resolve, reject) => {
        child.stdout.on("data", (text) => String(text).includes("Started SuperTokens") && resolve());
        child.once("exit", (code) => reject(new Error(`the core ended with ${code}`)));
    });
    child.removeAllListeners("exit");
    child.unref();
    child.stdout.unref();
    return { connectionURI: `http://127.0.0.1:${port}`, apiKey: KEY };
}

const newDatabase = () => `sqlite:${path.join(folder, `${(databases += 1)}.db`)}`;

async function core() {
    if (process.env.CORE !== "remote") return { embedded: newDatabase() };
    return (core.program ??= await program());
}

// A new SDK for a test.
async function start(session = {}, more = {}) {
    await supertokens.close();
    const { appInfo: other, core: of, ...rest } = more;
    supertokens.init({ supertokens: of ?? (await core()), appInfo: { ...appInfo, ...other }, recipeList: [Session.init(session)], ...rest });
    await supertokens.ready();
}

// A request and a response as Express would have them.
function exchange(headers = {}, method = "GET", url = "/me") {
    const set = {};
    const res = {
        headersSent: false,
        writableEnded: false,
        statusCode: 200,
        body: undefined,
        getHeader: (name) => set[name.toLowerCase()],
        setHeader: (name, value) => (set[name.toLowerCase()] = value),
        removeHeader: (name) => delete set[name.toLowerCase()],
        end: (body) => Object.assign(res, { body, headersSent: true, writableEnded: true }),
        set,
    };
    return [{ method, url, originalUrl: url, headers }, res];
}

// Serves an application, and asks it as a browser would.
async function served(app, use) {
    const server = createServer(app);
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const ask = (path, { method = "GET", headers = {}, body } = {}) =>
        new Promise((resolve, reject) => {
            const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
                let text = "";
                answer.setEncoding("utf8").on("data", (piece) => (text += piece));
                answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) }));
            });
            asked.on("error", reject).end(body);
        });
    try {
        return await use(ask);
    } finally {
        server.close();
    }
}

const anna = supertokens.convertToRecipeUserId("anna");
const make = (payload = {}, data = {}, userContext = undefined, id = anna) =>
    Session.createNewSessionWithoutRequestResponse("public", id, payload, data, true, userContext);
const bearer = (session) => ({ authorization: `Bearer ${session.getAccessToken()}` });

module.exports = { supertokens, Session, appInfo, anna, make, bearer, start, exchange, served, program, newDatabase, folder };
