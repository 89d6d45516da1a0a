// A website as the package's users write it: start the package once, then `fetch` as ever. The address says which application it belongs
// to and how tokens travel: ?api=http://localhost:PORT&mode=cookie.

import Session from "supertokens-website";

const asked = new URLSearchParams(location.search);
const api = asked.get("api");

Session.init({ apiDomain: api, apiBasePath: "/auth", tokenTransferMethod: asked.get("mode") });

async function show() {
    const state = (await Session.doesSessionExist()) ? `signed in as ${await Session.getUserId()}` : "signed out";
    document.querySelector("#state").textContent = state;
}

function does(action) {
    return (event) => {
        event.preventDefault();
        action(event).then(show, (error) => (document.querySelector("#state").textContent = `failed: ${error}`));
    };
}

async function login({ target }) {
    const answer = await fetch(`${api}/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ userId: new FormData(target).get("name"), payload: { from: "the page" } }),
    });
    if (!answer.ok) throw new Error(`/login: ${answer.status}`);
}

document.querySelector("#login").addEventListener("submit", does(login));
document.querySelector("#sign-out").addEventListener("click", does(() => Session.signOut()));

// The test asks the package itself too.
window.Session = Session;
window.call = async () => {
    const answer = await fetch(`${api}/session`);
    return { status: answer.status, body: await answer.json() };
};
await show();
