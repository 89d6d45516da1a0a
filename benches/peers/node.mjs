// How often does supertokens-node check one session in a slice of time? Usage: node node.mjs PACKAGE_JSON CORE_URL TOKEN_FILE.
// Each line on standard input is a length in ms; each answer is a number of checks a second.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [packageJson, coreUrl, tokenFile] = process.argv.slice(2);
const require = createRequire(packageJson);
const SuperTokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
SuperTokens.init({
    telemetry: false,
    supertokens: { connectionURI: coreUrl },
    appInfo: { appName: "bench", apiDomain: "http://localhost:3001", websiteDomain: "http://localhost:3000" },
    recipeList: [Session.init()],
});
const token = readFileSync(tokenFile, "utf8").trim();
const check = () => Session.getSessionWithoutRequestResponse(token, undefined, { antiCsrfCheck: false });
if (!(await check())?.getUserId()) throw new Error("no session");
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
    const end = performance.now() + Number(line);
    const begin = performance.now();
    let checks = 0;
    while (performance.now() < end) {
        await check();
        checks += 1;
    }
    console.log((checks * 1000) / (performance.now() - begin));
}
process.exit(0);
