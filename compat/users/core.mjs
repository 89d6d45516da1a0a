// What the core itself says about a person: each step is held against it, not only against what an SDK makes of it.

import assert from "node:assert/strict";

export class Core {
    constructor(address, key) {
        Object.assign(this, { address, key });
    }

    async #ask(method, path, values) {
        const inQuery = method === "GET";
        const response = await fetch(`${this.address}${path}${inQuery ? `?${new URLSearchParams(values)}` : ""}`, {
            method,
            headers: { "api-key": this.key, "cdi-version": "5.4", "content-type": "application/json" },
            body: inQuery ? undefined : JSON.stringify(values),
        });
        const text = await response.text();
        assert.equal(response.status, 200, `${method} ${path}: ${text}`);
        return JSON.parse(text);
    }

    /** Everybody with that e-mail address or phone number (`{email}` or `{phoneNumber}`). */
    async people(by) {
        return (await this.#ask("GET", "/users/by-accountinfo", { ...by, doUnionOfAccountInfo: false })).users;
    }

    /** The one person with it. */
    async person(by) {
        const people = await this.people(by);
        assert.equal(people.length, 1, `people with ${Object.values(by)}`);
        return people[0];
    }

    /** The one person with it has these ways in, "recipe" or "recipe unverified", and is primary. */
    async onePerson(by, ways) {
        const person = await this.person(by);
        const has = person.loginMethods.map(({ recipeId, verified }) => (verified ? recipeId : `${recipeId} unverified`)).sort();
        assert.deepEqual(has, [...ways].sort(), `the ways in of ${Object.values(by)}`);
        assert.equal(person.isPrimaryUser, ways.every((way) => !way.endsWith("unverified")), "is primary");
        return person;
    }

    async sessions(userId) {
        return (await this.#ask("GET", "/recipe/session/user", { userId, fetchSessionsForAllLinkedAccounts: true })).sessionHandles;
    }

    async roles(userId) {
        return (await this.#ask("GET", "/recipe/user/roles", { userId })).roles;
    }

    /** The status of a sign-in. */
    async signIn(email, password) {
        return (await this.#ask("POST", "/recipe/signin", { email, password })).status;
    }

    /** How many people there are. */
    async count() {
        return (await this.#ask("GET", "/users/count", {})).count;
    }

    /** The codes and links that wait for their use. */
    async devices(by) {
        return (await this.#ask("GET", "/recipe/signinup/codes", by)).devices;
    }
}
