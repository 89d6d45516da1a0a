// The page: what it shows, and what its buttons do. `session.js` has all that concerns SuperTokens.

import { log } from "./log.js";
import Session, { chooseTransfer, refreshAsThief, start, stealByScript, transfer, travelsInHeaders } from "./session.js";

const at = (id) => document.getElementById(id);

// Calls

/** Calls the API with the plain `fetch` that every website has. `quiet` leaves the log to what people asked for. */
async function call(method, path, { body, quiet } = {}) {
    const began = performance.now();
    const headers = body ? { "content-type": "application/json" } : {};
    const response = await fetch(`/api${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!quiet) {
        log("call", `${method} /api${path}: ${response.status}, ${Math.round(performance.now() - began)} ms`);
    }
    return response;
}

const EVENTS = {
    SESSION_CREATED: ["session", "Session created"],
    REFRESH_SESSION: ["refresh", "Session refreshed: new access token, new refresh token"],
    SIGN_OUT: ["session", "Signed out"],
    API_INVALID_CLAIM: ["ended", "A claim is not what the API asks for"],
};

function onEvent({ action, sessionExpiredOrRevoked }) {
    const wasSignedIn = !at("signed-in").hidden;
    if (action === "UNAUTHORISED") {
        if (wasSignedIn) {
            const why = sessionExpiredOrRevoked ? "it was revoked, or has expired" : "another tab has signed out";
            log("ended", `The session has ended: ${why}`);
            notice(`Your session has ended: ${why}.`);
        }
        showSignedOut();
        return;
    }
    // Not listed: ACCESS_TOKEN_PAYLOAD_UPDATED, which every refresh brings along.
    const [kind, text] = EVENTS[action] ?? [];
    if (text) log(kind, text);
    if (action === "SIGN_OUT") showSignedOut();
    if (action === "SESSION_CREATED" || action === "REFRESH_SESSION") showSignedIn();
}

// Views

/** Counts what the page was asked to show; the last one counts. */
let asked = 0;

function notice(text) {
    at("notice").textContent = text ?? "";
    at("notice").hidden = !text;
}

/** Goes from one view to the other, and takes the keyboard's place along. */
function swap(from, to, title) {
    const takeAlong = at(from).contains(document.activeElement);
    at("loading").hidden = true;
    at(from).hidden = true;
    at(to).hidden = false;
    if (takeAlong) at(title).focus();
    greet();
}

async function greet() {
    const response = await call("GET", "/greeting", { quiet: true });
    if (response.ok) at("greeting").textContent = await response.text();
}

function showSignedOut() {
    asked += 1;
    if (!at("signed-out").hidden) return;
    stopCalling();
    current = undefined;
    document.querySelector(`[name="transfer"][value="${transfer()}"]`).checked = true;
    swap("signed-in", "signed-out", "login-title");
}

/** Fills the page from the API. By the time the answers are here, the page may have to show something else. */
async function showSignedIn() {
    const mine = ++asked;
    const [session, devices] = await Promise.all([call("GET", "/session", { quiet: true }), call("GET", "/devices", { quiet: true })]);
    if (mine !== asked || !session.ok || !devices.ok) return;
    showSession(await session.json());
    showDevices(await devices.json());
    if (!at("signed-in").hidden) return;
    forgetTheft();
    notice();
    swap("signed-out", "signed-in", "session-title");
}

let current;

function showSession(session) {
    // A call that comes back late does not turn the clock back.
    if (current?.handle === session.handle && current.accessTokenEnds > session.accessTokenEnds) return;
    current = session;
    at("user").textContent = session.userId;
    at("role").textContent = session.role;
    at("travels").textContent = travelsInHeaders() ? "headers" : "cookies";
    at("handle").textContent = session.handle;
    at("payload").textContent = JSON.stringify(session.payload, null, 2);
    at("steal-by-script").hidden = !travelsInHeaders();
    at("steal-by-hand").hidden = travelsInHeaders();
    countDown();
}

function countDown() {
    if (!current) return;
    const left = Math.max(0, current.accessTokenEnds - Date.now());
    const life = current.accessTokenEnds - current.payload.iat * 1000;
    at("life").value = Math.min(1, left / life);
    at("life-text").textContent = left > 0 ? `ends in ${Math.ceil(left / 1000)} s` : "has ended: the next call refreshes it";
}

setInterval(countDown, 200);

// Devices

const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function when(time) {
    const minutes = Math.round((Date.now() - time) / 60_000);
    if (minutes < 1) return "just now";
    return minutes < 60 ? ago.format(-minutes, "minute") : moment.format(time);
}

function nameOf(userAgent) {
    const first = (pairs) => pairs.find(([sign]) => userAgent.includes(sign))?.[1];
    const browser = first([["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]]);
    const system = first([["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]]);
    return browser && system ? `${browser} on ${system}` : userAgent;
}

function showDevices(devices) {
    at("devices").replaceChildren(...devices.map(row));
}

function row(device) {
    const li = document.createElement("li");
    li.dataset.handle = device.handle;
    const what = document.createElement("div");
    what.className = "what";
    const name = document.createElement("div");
    name.textContent = `${nameOf(device.userAgent)} `;
    name.title = device.userAgent;
    const times = document.createElement("div");
    times.className = "when";
    times.textContent = `last used ${when(device.lastUse)}, signed in ${when(device.signedIn)}`;
    what.append(name, times);
    li.append(what);
    if (device.isThisOne) {
        const tag = document.createElement("span");
        tag.className = "tag";
        tag.textContent = "this one";
        name.append(tag);
    } else {
        const button = document.createElement("button");
        button.textContent = "Sign out";
        button.setAttribute("aria-label", `Sign out ${nameOf(device.userAgent)}, last used ${when(device.lastUse)}`);
        button.addEventListener("click", () => signOutDevice(device.handle));
        li.append(button);
    }
    return li;
}

async function signOutDevice(handle) {
    const response = await call("DELETE", `/devices/${handle}`);
    if (response.ok) log("session", "The other device's session is revoked");
    await lookAgain();
}

async function lookAgain() {
    const response = await call("GET", "/devices");
    if (response.ok) showDevices(await response.json());
}

// What buttons do

at("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    chooseTransfer(form.get("transfer"));
    notice();
    const response = await call("POST", "/login", { body: { name: form.get("name") } });
    if (response.ok) event.target.reset();
    else notice(`The server did not sign you in: ${await reason(response)}`);
});

async function reason(response) {
    const body = await response.json().catch(() => ({}));
    return body.message ?? `status ${response.status}`;
}

at("sign-out").addEventListener("click", () => Session.signOut());

async function callSession() {
    const response = await call("GET", "/session");
    if (!response.ok) return answer(`refused with ${response.status}`);
    const session = await response.json();
    showSession(session);
    answer(`you are ${session.userId}`);
}

function answer(text) {
    at("answer").value = text;
}

async function callForText(path) {
    const response = await call("GET", path);
    if (response.ok) return answer(await response.text());
    const claims = await Session.getInvalidClaimsFromResponse({ response: response.clone() }).catch(() => []);
    const failed = (claims ?? []).map(({ id, reason }) => `${id}: expected ${reason?.expectedValue}, found ${reason?.actualValue}`);
    answer(failed.length > 0 ? `refused with ${response.status} (${failed.join("; ")})` : `refused with ${response.status}`);
}

at("call-once").addEventListener("click", callSession);
at("call-many").addEventListener("click", () => Promise.all(Array.from({ length: 5 }, callSession)));
at("call-certain").addEventListener("click", () => callForText("/certain"));
at("call-admin").addEventListener("click", () => callForText("/admin"));
at("look-again").addEventListener("click", lookAgain);

let calling;

at("call-always").addEventListener("change", (event) => {
    const wanted = event.target.checked;
    stopCalling();
    event.target.checked = wanted;
    if (wanted) calling = setInterval(callSession, 1000);
});

function stopCalling() {
    clearInterval(calling);
    at("call-always").checked = false;
}

// Theft

let stolen;

function forgetTheft() {
    stolen = undefined;
    at("steal-by-hand").reset();
    at("go-on").disabled = true;
    at("use-stolen").disabled = true;
    at("theft-result").hidden = true;
}

function keepStolen(token) {
    stolen = token;
    at("go-on").disabled = false;
    at("use-stolen").disabled = false;
    at("theft-result").hidden = true;
    log("thief", "The refresh token is copied");
}

at("steal").addEventListener("click", () => keepStolen(stealByScript()));

at("steal-by-hand").addEventListener("submit", (event) => {
    event.preventDefault();
    // Developer tools show cookies as they travel: percent-encoded.
    const text = at("stolen").value.trim();
    keepStolen(text.includes("%") ? decodeURIComponent(text) : text);
});

at("go-on").addEventListener("click", async () => {
    await Session.attemptRefreshingSession();
    await Session.attemptRefreshingSession();
});

at("use-stolen").addEventListener("click", async () => {
    const status = await refreshAsThief(stolen);
    log("thief", `The thief refreshes with the copy: ${status}`);
    const caught = status === 401;
    at("theft-result").textContent = caught
        ? "The thief is refused. The copy had been used before, so the core has ended the session, for both of you. Your access token is good until it ends, except where the API asks the database: call it and see."
        : "The copy was the newest token there is, so the thief gets in. Wait a little, refresh twice, and one of you will use an old token: then the session ends for both.";
    at("theft-result").classList.toggle("bad", !caught);
    at("theft-result").hidden = false;
});

// Start

// Calls that get no answer (`fetch` rejects with a TypeError), and refreshes by hand that fail (the package rejects with the answer).
window.addEventListener("unhandledrejection", (event) => {
    const { reason } = event;
    if (reason instanceof Response) log("ended", `A call failed: ${new URL(reason.url).pathname}, ${reason.status}`);
    else if (reason instanceof TypeError && /fetch/i.test(reason.message)) log("ended", "A call failed: the server did not answer");
    else return;
    event.preventDefault();
});

// Another tab may have signed in or out meanwhile.
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
window.addEventListener("storage", ({ key }) => key === "transfer" && start());

async function look() {
    if (await Session.doesSessionExist()) await showSignedIn();
    else showSignedOut();
}

start(onEvent);
await look();
