// What both tests share: the world outside of the applications, and how steps are played and told.

import assert from "node:assert/strict";
import { once } from "node:events";

import { Core } from "./core.mjs";
import { Messages } from "./outside/messages.mjs";
import { OpenId } from "./outside/openid.mjs";

/** The core to ask, the mailbox of everybody, the provider. `stop` closes what listens. Addresses come from the environment. */
export async function outside(servers = []) {
    const { CORE_URL, API_KEY, MESSAGES, OPENID, WEBSITE } = process.env;
    const messages = new Messages();
    const openid = new OpenId(OPENID, WEBSITE);
    const listening = [[messages.server(), MESSAGES], [openid.server(), OPENID], ...servers];
    for (const [server, address] of listening) await once(server.listen(Number(new URL(address).port), "127.0.0.1"), "listening");
    const stop = () => listening.forEach(([server]) => server.close() && server.closeAllConnections());
    return { core: new Core(CORE_URL, API_KEY), messages, openid, stop };
}

/** Who plays in one test, with addresses and a telephone of its own; the provider knows them. */
export function cast(test, openid) {
    const at = (name) => `${name}@${test}.example`;
    const anna = { sub: `${test}-1`, email: at("anna"), email_verified: true };
    const carl = { sub: `${test}-2`, email: at("carl"), email_verified: true };
    // Says to be Anna, which the provider has not verified.
    const mallory = { sub: `${test}-3`, email: at("anna"), email_verified: false };
    [anna, carl, mallory].forEach((person) => openid.knows(person));
    const sum = [...test].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
    return { anna, carl, mallory, bert: `+49301234${sum}`, password: "a horse of 1906", newPassword: "a battery of 2026" };
}

/**
 * Prints "ok" or "not ok" for each step; ends at the first "not ok", because later steps build on it. Gives whether all were right.
 * `before` and `failed` are told the step.
 */
export async function play(name, steps, story, { before, failed } = {}) {
    for (const [number, [step, does]] of Object.entries(steps).entries()) {
        before?.(`${String(number + 1).padStart(2, "0")} ${step}`);
        try {
            await does(story);
            console.log(`ok ${name}: ${step}`);
        } catch (error) {
            console.log(`not ok ${name}: ${step}: ${error.message}`);
            await failed?.(step);
            return false;
        }
    }
    return true;
}

/** Anna has all her ways in and no other, and Mallory is nobody. */
export async function annaIsAsBefore({ core, who }) {
    await core.onePerson({ email: who.anna.email }, ["emailpassword", "passwordless", "thirdparty"]);
    assert.equal((await core.people({ thirdPartyId: "google", thirdPartyUserId: who.mallory.sub })).length, 0, "people of that subject");
}
