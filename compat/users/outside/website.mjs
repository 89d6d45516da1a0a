// Bundles the website in memory and serves it: every address that is no file is the page itself, which looks where it is.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../website/", import.meta.url);

async function bundled(api) {
    const { build } = createRequire(new URL("package.json", FOLDER))("esbuild");
    const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL("main.jsx", FOLDER))],
        bundle: true,
        write: false,
        outdir: "/",
        jsx: "automatic",
        // What the prebuilt pages load later may not be a file of its own here; so it is inside.
        format: "iife",
        define: { API: JSON.stringify(api), "process.env.NODE_ENV": '"production"' },
        logLevel: "error",
    });
    return outputFiles.find(({ path }) => path.endsWith("main.js")).text;
}

/** The server of a website whose API is at that address. */
export async function website(api) {
    const script = await bundled(api);
    const page = await readFile(new URL("index.html", FOLDER));
    return createServer((request, response) => {
        const [type, content] = new URL(request.url, api).pathname === "/main.js" ? ["text/javascript", script] : ["text/html", page];
        response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(content);
    });
}
