// What every website does with the package: start it once, then use `fetch` as ever. Refreshing is the package's affair.

import Session from "supertokens-website";

// The browser's own fetch, from before the package wraps it. Only the thief of this demo needs it.
const plainFetch = window.fetch.bind(window);

/** How new sessions get their tokens: "cookie" or "header". All tabs agree. */
export function transfer() {
    return localStorage.getItem("transfer") === "header" ? "header" : "cookie";
}

export function chooseTransfer(method) {
    localStorage.setItem("transfer", method);
    start();
}

let listener = () => {};

/** Starts the package; `onEvent` is told what happens to the session. */
export function start(onEvent = listener) {
    listener = onEvent;
    Session.init({
        apiDomain: location.origin,
        apiBasePath: "/auth",
        tokenTransferMethod: transfer(),
        onHandleEvent: (event) => listener(event),
    });
}

/** Whether scripts hold the tokens. */
export function travelsInHeaders() {
    return cookie("st-refresh-token") !== undefined;
}

function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found?.slice(name.length + 1) || undefined;
}

/** What a hostile script on the page can take where tokens travel in headers. Cookies of the SDK it cannot read. */
export function stealByScript() {
    return cookie("st-refresh-token");
}

/** The thief refreshes with the copy, without any cookie of this browser. Gives the status of the answer. */
export async function refreshAsThief(token) {
    const response = await plainFetch("/auth/session/refresh", {
        method: "POST",
        credentials: "omit",
        headers: { authorization: `Bearer ${token}`, "st-auth-mode": "header", rid: "session" },
    });
    return response.status;
}

export default Session;
