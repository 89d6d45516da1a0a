// Loads the published `supertokens-website` package as it is.
//
// Your project has a bundler, and says `import Session from "supertokens-website"` without this file. This page has none, and the package
// is made of CommonJS files: here they are all fetched first, and then run in the order in which they ask for each other.

const PACKAGES = new URL("node_modules/", import.meta.url);
const ASKS_FOR = /\brequire\("([^"]+)"\)/g;

// Names that stand for folders. Asking for them as files first would fill the browser's console with 404s.
const FOLDERS = /\/(build|utils|\w+Handler|\w+Factory|\w+Provider)$/;

/** A file's address → { run, wanted: name → address }, once it is fetched. */
const files = new Map();
const fetching = new Map();

async function read(address) {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address}: ${response.status}. Has "npm ci" been run in the folder "website"?`);
    return response.text();
}

/** The address of the file that another one calls `name`. */
async function find(name, from) {
    if (!name.startsWith(".")) {
        const folder = new URL(`${name}/`, PACKAGES);
        const { main = "index.js" } = JSON.parse(await read(new URL("package.json", folder)));
        return new URL(main, folder).href;
    }
    const { href } = new URL(name, from);
    if (href.endsWith(".js")) return href;
    if (href.endsWith("/")) return `${href}index.js`;
    return FOLDERS.test(href) ? `${href}/index.js` : `${href}.js`;
}

/** Fetches a file and everything it asks for. Files that ask for each other do not wait for each other. */
function gather(address) {
    if (!fetching.has(address)) {
        fetching.set(address, fetchFile(address));
    }
    return fetching.get(address);
}

async function fetchFile(address) {
    const text = await read(address);
    const wanted = new Map();
    files.set(address, { run: new Function("require", "module", "exports", `${text}\n//# sourceURL=${address}`), wanted });
    const names = [...text.matchAll(ASKS_FOR)].map(([, name]) => name);
    const found = await Promise.all(names.map(async (name) => [name, await find(name, address)]));
    const fresh = found.map(([, to]) => to).filter((to) => !fetching.has(to));
    found.forEach(([name, to]) => wanted.set(name, to));
    await Promise.all(fresh.map(gather));
}

const modules = new Map();

function run(address) {
    if (!modules.has(address)) {
        const module = { exports: {} };
        modules.set(address, module);
        const { run: body, wanted } = files.get(address);
        body((name) => run(wanted.get(name)), module, module.exports);
    }
    return modules.get(address).exports;
}

const start = await find("supertokens-website", PACKAGES);
await gather(start);
export default run(start).default;
