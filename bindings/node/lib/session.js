// A session in hand. Most are only looked at: they are the text that a check has given. One that is changed, or whose tokens are read, is
// found again by the engine, which then knows the newest tokens.
"use strict";

const { isLater } = require("./later.js");
const { RecipeUserId } = require("./recipe-user-id.js");

class SessionContainer {
    #call;
    #native;
    #names;
    #payloadText;
    #payload;

    // `found`: {checked} or {session}, as the engine gives it.
    constructor(call, { checked, session }) {
        this.#call = call;
        if (checked === undefined) this.#hold(session);
        else this.#read(checked);
    }

    // Undefined where nothing was found.
    static of(call, found) {
        if (found.checked === undefined && found.session === undefined) return undefined;
        if (found.session !== undefined && call.made !== undefined) {
            // The object that an override has given stays the application's.
            const [, , , handle] = found.session.names();
            const made = call.made.get(handle);
            if (made !== undefined) {
                made.#call = call;
                made.#hold(found.session);
                return made;
            }
        }
        return new SessionContainer(call, found);
    }

    // The engine's object, for an answer to it.
    static async nativeOf(session, what) {
        if (typeof session !== "object" || session === null || !(#native in session)) {
            throw new TypeError(`${what} must give a session of supertokens-rs`);
        }
        return session.#held();
    }

    #read(checked) {
        const at = checked.indexOf(";");
        let from = at + 1;
        this.#names = checked.slice(0, at).split(",").map((length) => checked.slice(from, (from += Number(length))));
        this.#payloadText = checked.slice(from);
    }

    #hold(session) {
        this.#native = session;
        this.#names = session.names();
        const text = session.payloadText();
        // The same object as long as it says the same: the application may hold it.
        if (text !== this.#payloadText) this.#payload = undefined;
        this.#payloadText = text;
    }

    #held() {
        if (this.#native !== undefined) return this.#native;
        const found = this.#call.state.engine.start("resumeSession", {}, this.#call);
        const hold = ({ session }) => {
            if (this.#native === undefined) this.#hold(session);
            return this.#native;
        };
        return isLater(found) ? found.then(hold) : hold(found);
    }

    // What is asked without waiting: the keys that have just verified the token are known.
    #now() {
        const session = this.#held();
        if (!isLater(session)) return session;
        session.catch(() => {});
        throw new Error("the session's tokens cannot be read at this moment, because the core's keys have just changed; try again");
    }

    async #run(name, input, userContext, prepare) {
        const session = await this.#held();
        const call = this.#call.with(userContext);
        const done = await this.#call.state.engine.start(`session.${name}`, prepare === undefined ? input : prepare(call), call, session);
        if (done.session !== undefined) this.#hold(done.session);
        return done.value;
    }

    getUserId() {
        return this.#names[0];
    }
    getRecipeUserId() {
        return new RecipeUserId(this.#names[1]);
    }
    getTenantId() {
        return this.#names[2];
    }
    getHandle() {
        return this.#names[3];
    }
    getAccessToken() {
        return this.#now().accessToken();
    }
    getAccessTokenPayload() {
        return (this.#payload ??= JSON.parse(this.#payloadText));
    }
    getAllSessionTokensDangerously() {
        const tokens = JSON.parse(this.#now().tokens());
        return { ...tokens, refreshToken: tokens.refreshToken ?? undefined, antiCsrfToken: tokens.antiCsrfToken ?? undefined };
    }

    async revokeSession(userContext) {
        await this.#run("revoke", {}, userContext);
    }
    async getSessionDataFromDatabase(userContext) {
        return (await this.#run("information", {}, userContext)).sessionDataInDatabase;
    }
    async updateSessionDataInDatabase(newSessionData, userContext) {
        await this.#run("updateData", { data: newSessionData }, userContext);
    }
    async getTimeCreated(userContext) {
        return (await this.#run("information", {}, userContext)).timeCreated;
    }
    async getExpiry(userContext) {
        return (await this.#run("information", {}, userContext)).expiry;
    }
    async mergeIntoAccessTokenPayload(accessTokenPayloadUpdate, userContext) {
        await this.#run("merge", { update: accessTokenPayloadUpdate }, userContext);
    }
    async assertClaims(claimValidators, userContext) {
        await this.#run("assertClaims", undefined, userContext, (call) => ({ validators: call.refer(claimValidators) }));
    }

    async fetchAndSetClaim(claim, userContext) {
        const context = userContext ?? {};
        const built = await claim.build(this.getUserId(), this.getRecipeUserId(), this.getTenantId(), this.getAccessTokenPayload(), context);
        await this.mergeIntoAccessTokenPayload(updateOf(claim, built, context), userContext);
    }
    async setClaimValue(claim, value, userContext) {
        await this.mergeIntoAccessTokenPayload(claim.addToPayload_internal({}, value, userContext ?? {}), userContext);
    }
    async getClaimValue(claim, userContext) {
        return claim.getValueFromPayload(this.getAccessTokenPayload(), userContext ?? {});
    }
    async removeClaim(claim, userContext) {
        await this.mergeIntoAccessTokenPayload(claim.removeFromPayloadByMerge_internal({}, userContext ?? {}), userContext);
    }

    async attachToRequestResponse({ req, res, transferMethod }, userContext) {
        const session = await this.#held();
        const { state } = this.#call;
        const call = state.callOf(req, res, userContext);
        const done = await state.engine.start("session.attach", { transferMethod }, call, session);
        this.#call = call;
        this.#hold(done.session);
    }
}

// Where there is no value, the session shall not keep an old one.
function updateOf(claim, built, userContext) {
    return Object.keys(built).length > 0 ? built : claim.removeFromPayloadByMerge_internal({}, userContext);
}

module.exports = { SessionContainer, updateOf };
