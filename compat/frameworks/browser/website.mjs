// Serves the page, and the example's folder with the loader and the published package below /website/, on http://localhost:3000.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const PAGE = new URL("page/", import.meta.url);
const EXAMPLE = new URL("../../../examples/website/", import.meta.url);
const PORT = 3000;
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json" };

export const address = `http://localhost:${PORT}`;

async function answer(request, response) {
    // URL has taken all ".." out of the path.
    const { pathname } = new URL(request.url, address);
    const [, ofExample] = pathname.match(/^\/website\/(.+)/) ?? [];
    const [folder, name] = ofExample ? [EXAMPLE, ofExample] : [PAGE, pathname.slice(1) || "index.html"];
    try {
        const file = fileURLToPath(new URL(`./${name}`, folder));
        const content = await readFile(file);
        response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(content);
    } catch {
        response.writeHead(404).end();
    }
}

/** On both addresses that browsers try for `localhost`, as far as the machine has them. */
export async function serve() {
    const servers = [];
    const stop = () => servers.forEach((server) => server.close() && server.closeAllConnections());
    for (const host of ["127.0.0.1", "::1"]) {
        const server = createServer(answer).listen(PORT, host);
        try {
            await once(server, "listening");
            servers.push(server);
        } catch (error) {
            if (host === "::1" && ["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(error.code)) continue;
            stop();
            if (error.code !== "EADDRINUSE") throw error;
            throw new Error(`port ${PORT} of ${host} is taken; the applications allow their website only there (contract.md)`);
        }
    }
    return stop;
}
