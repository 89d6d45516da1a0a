// The website of the small examples: start the package once, then `fetch` as ever. The page's address may say where the API is, and how
// tokens travel: ?api=http://localhost:3001&mode=cookie. A path behind the API's host is a gateway's stage. Only this machine's addresses are
// taken from there: the package sends the session along to its API, and anybody can write a link. A website of your own names its API.

import Session from "supertokens-website";

const asked = new URLSearchParams(location.search);
const api = new URL(asked.get("api") ?? "http://localhost:3001");
if (!["localhost", "127.0.0.1"].includes(api.hostname)) throw new Error(`${api.hostname} is not on this machine`);
const below = api.pathname.replace(/\/$/, "");
const at = (id) => document.getElementById(id);

Session.init({
    apiDomain: api.origin,
    apiBasePath: `${below}/auth`,
    tokenTransferMethod: asked.get("mode") ?? "cookie",
    onHandleEvent: ({ action }) => ["UNAUTHORISED", "SIGN_OUT"].includes(action) && show(),
});

function call(method, path, body) {
    const json = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return fetch(`${api.origin}${below}${path}`, { method, ...json });
}

async function show() {
    const signedIn = await Session.doesSessionExist();
    at("state").textContent = signedIn ? `signed in as ${await Session.getUserId()}` : "signed out";
    at("login").hidden = signedIn;
    at("signed-in").hidden = !signedIn;
    const greeting = await call("GET", "/greeting");
    if (greeting.ok) at("greeting").textContent = await greeting.text();
}

async function tell(response, text) {
    at("answer").value = response.ok ? text(await response.json()) : `refused with ${response.status}`;
}

/** What a button does; what goes wrong is shown. */
function on(id, event, action) {
    at(id).addEventListener(event, (happened) => {
        happened.preventDefault();
        action(happened).catch((error) => (at("state").textContent = `failed: ${error.message ?? error}`));
    });
}

on("login", "submit", async ({ target }) => {
    const response = await call("POST", "/login", { name: new FormData(target).get("name") });
    if (!response.ok) throw new Error(`the API refuses: ${response.status}`);
    await show();
});

on("like", "click", async () => tell(await call("POST", "/like-comment"), ({ likedBy }) => `liked by ${likedBy}`));

on("info", "click", async () =>
    tell(await call("GET", "/sessioninfo"), ({ sessionHandle, userId, accessTokenPayload }) => {
        at("payload").textContent = JSON.stringify(accessTokenPayload, null, 2);
        at("payload").hidden = false;
        return `session ${sessionHandle} of ${userId}`;
    }),
);

on("sign-out", "click", async () => {
    await Session.signOut();
    at("payload").hidden = true;
    at("answer").value = "none yet";
});

// The example's test asks the package itself, too.
window.Session = Session;

at("api").textContent = api.href.replace(/\/$/, "");
await show();
