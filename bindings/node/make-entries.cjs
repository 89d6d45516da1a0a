// Writes what follows from the list of entries: the package's `exports`, and for each an ES module that gives the CommonJS one's
// objects, so that there is one SDK however it is imported. With --check: whether that has been done.
"use strict";

const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const path = require("node:path");

const frameworks = ["express", "fastify", "hapi", "koa", "loopback", "awsLambda", "custom"];
const elsewhere = [
    "accountlinking", "dashboard", "emailpassword", "emailverification", "multifactorauth", "multitenancy", "oauth2provider", "passwordless",
    "saml", "thirdparty", "totp", "usermetadata", "userroles", "webauthn",
];
// Sub-path, and the file without its ending.
const entries = [
    [".", "index"],
    ["./custom", "custom"],
    ["./nextjs", "nextjs"],
    ["./framework", "framework/index"],
    ...frameworks.map((name) => [`./framework/${name}`, `framework/${name}`]),
    ["./recipe/session", "recipe/session/index"],
    ["./recipe/session/claims", "recipe/session/claims"],
    ["./recipe/session/framework", "recipe/session/framework/index"],
    ...frameworks.map((name) => [`./recipe/session/framework/${name}`, `recipe/session/framework/${name}`]),
    ["./recipe/jwt", "recipe/jwt/index"],
    ["./recipe/openid", "recipe/openid/index"],
    ...elsewhere.map((name) => [`./recipe/${name}`, `recipe/${name}/index`]),
];

const here = (file) => path.join(__dirname, file);
const written = new Map();

for (const [, file] of entries) {
    const from = `./${path.basename(file)}.js`;
    const module = require(here(`${file}.js`));
    const names = Object.keys(module).filter((name) => name !== "default" && !name.startsWith("_"));
    const hasDefault = "default" in module || names.length === 0;
    const own = names.map((name) => `export const ${name === "Error" ? "SuperTokensError_" : name} = cjs.${name};\n`);
    // A module of its own has no other `Error`, but its export may not shadow the global one for the rest of the file.
    const renamed = names.includes("Error") ? "export { SuperTokensError_ as Error };\n" : "";
    const code = own.join("").replace("export const SuperTokensError_", "const SuperTokensError_");
    written.set(`${file}.mjs`, `import cjs from "${from}";\n\n${code}${renamed}${hasDefault ? "export default cjs.default;\n" : "export default cjs;\n"}`);
    const types = readFileSync(here(`${file}.d.ts`), "utf8").includes("export default")
        ? `declare const common: typeof import("${from}", { with: { "resolution-mode": "require" } });\ndeclare const of: typeof common.default;\nexport default of;\n`
        : "";
    written.set(`${file}.d.mts`, `export * from "${from}";\n${types}`);
}

const target = (file) => ({
    import: { types: `./${file}.d.mts`, default: `./${file}.mjs` },
    require: { types: `./${file}.d.ts`, default: `./${file}.js` },
});
const manifest = JSON.parse(readFileSync(here("package.json"), "utf8"));
manifest.exports = Object.fromEntries(
    entries.flatMap(([name, file]) => [
        [name, target(file)],
        [name === "." ? "./index.js" : `${name}/index.js`, target(file)],
    ]),
);
manifest.exports["./types"] = { types: "./types.d.ts" };
manifest.exports["./package.json"] = "./package.json";
written.set("package.json", `${JSON.stringify(manifest, null, 4)}\n`);

const stale = [...written].filter(([file, text]) => !existsSync(here(file)) || readFileSync(here(file), "utf8") !== text);
if (process.argv.includes("--check")) {
    if (stale.length > 0) console.error(`stale: ${stale.map(([file]) => file).join(", ")}; run bindings/node/make-entries.cjs`);
    process.exit(stale.length > 0 ? 1 : 0);
}
for (const [file, text] of stale) writeFileSync(here(file), text);
