// The session recipe's functions: the SDK's own, the application's around them, and what the engine asks of both.
"use strict";

const { difference, validateClaims } = require("./claims.js");
const { RecipeUserId, textOf } = require("./recipe-user-id.js");
const { SessionContainer, updateOf } = require("./session.js");

// What the engine asks for if it is overridden; the others are called from here only.
const ASKED = [
    "createNewSession", "getSession", "refreshSession", "getGlobalClaimValidators", "getSessionInformation",
    "getAllSessionHandlesForUser", "revokeAllSessionsForUser", "revokeSession", "revokeMultipleSessions",
    "updateSessionDataInDatabase", "mergeIntoAccessTokenPayload", "regenerateAccessToken",
];
const ENDPOINTS = ["refreshPOST", "signOutPOST"];

const told = (input, name) => {
    if (typeof input !== "object" || input === null) throw new TypeError(`${name} needs an input object`);
    return input;
};

const information = (found) => found && { ...found, recipeUserId: new RecipeUserId(found.recipeUserId) };

// The functions as official has them, without the application's overrides. `recipe.functions` are those with them.
function originals(state, recipe) {
    const run = async (name, input, session) => {
        const { userContext, ...rest } = told(input, name);
        const call = state.callOf(undefined, undefined, userContext);
        return { call, ...(await state.engine.start(`original.${name}`, rest, call, session)) };
    };
    const value = (name) => async (input) => (await run(name, input)).value;
    const session = async (name, input) => {
        const found = await run(name, input);
        return SessionContainer.of(found.call, found);
    };
    const named = (input) => ({ ...told(input, "createNewSession"), recipeUserId: textOf(input.recipeUserId) });
    return {
        createNewSession: async (input) => session("createNewSession", named(input)),
        getGlobalClaimValidators: async (input) => input.claimValidatorsAddedByOtherRecipes,
        getSession: async ({ options, ...input }) => {
            const { overrideGlobalClaimValidators, ...rest } = options ?? {};
            return session("getSession", { ...input, options: rest });
        },
        refreshSession: async (input) => session("refreshSession", input),
        getSessionInformation: async (input) => information((await run("getSessionInformation", input)).value),
        revokeAllSessionsForUser: value("revokeAllSessionsForUser"),
        getAllSessionHandlesForUser: value("getAllSessionHandlesForUser"),
        revokeSession: value("revokeSession"),
        revokeMultipleSessions: value("revokeMultipleSessions"),
        updateSessionDataInDatabase: value("updateSessionDataInDatabase"),
        mergeIntoAccessTokenPayload: value("mergeIntoAccessTokenPayload"),
        regenerateAccessToken: async (input) => regenerated(input.accessToken, (await run("regenerateAccessToken", input)).value),
        validateClaims: async (input) => validateClaims(input),
        fetchAndSetClaim: async ({ sessionHandle, claim, userContext }) => {
            const found = await recipe.functions.getSessionInformation({ sessionHandle, userContext });
            if (found === undefined) return false;
            const { userId, recipeUserId, tenantId, customClaimsInAccessTokenPayload } = found;
            const built = await claim.build(userId, recipeUserId, tenantId, customClaimsInAccessTokenPayload, userContext);
            const accessTokenPayloadUpdate = updateOf(claim, built, userContext);
            return recipe.functions.mergeIntoAccessTokenPayload({ sessionHandle, accessTokenPayloadUpdate, userContext });
        },
        setClaimValue: async ({ sessionHandle, claim, value: set, userContext }) => {
            const accessTokenPayloadUpdate = claim.addToPayload_internal({}, set, userContext);
            return recipe.functions.mergeIntoAccessTokenPayload({ sessionHandle, accessTokenPayloadUpdate, userContext });
        },
        getClaimValue: async ({ sessionHandle, claim, userContext }) => {
            const found = await recipe.functions.getSessionInformation({ sessionHandle, userContext });
            if (found === undefined) return { status: "SESSION_DOES_NOT_EXIST_ERROR" };
            return { status: "OK", value: claim.getValueFromPayload(found.customClaimsInAccessTokenPayload, userContext) };
        },
        removeClaim: async ({ sessionHandle, claim, userContext }) => {
            const accessTokenPayloadUpdate = claim.removeFromPayloadByMerge_internal({}, userContext);
            return recipe.functions.mergeIntoAccessTokenPayload({ sessionHandle, accessTokenPayloadUpdate, userContext });
        },
    };
}

// The session that the answer is about is the token's own.
function regenerated(accessToken, value) {
    if (value === undefined) return undefined;
    const { userDataInJWT, accessToken: made } = value;
    const own = JSON.parse(Buffer.from((made?.token ?? accessToken).split(".")[1], "base64url").toString("utf8"));
    const session = {
        handle: own.sessionHandle,
        userId: own.sub,
        recipeUserId: new RecipeUserId(own.rsub ?? own.sub),
        userDataInJWT,
        tenantId: own.tId ?? "public",
    };
    return { status: "OK", session, ...(made ? { accessToken: made } : {}) };
}

function originalEndpoints(state) {
    return {
        refreshPOST: async ({ options, userContext }) => {
            const call = state.callOf(options.req, options.res, userContext);
            const found = await state.engine.start("original.refreshPOST", {}, call);
            return SessionContainer.of(call, found);
        },
        signOutPOST: async ({ session, userContext }) => {
            await session.revokeSession(userContext);
            return { status: "OK" };
        },
        verifySession: async ({ verifySessionOptions, options, userContext }) => {
            const call = state.callOf(options.req, options.res, userContext);
            return state.verify(call, verifySessionOptions, state.flagsOf(verifySessionOptions));
        },
    };
}

class SessionFunctions {
    constructor(state, config) {
        this.state = state;
        this.config = config;
        const [own, endpoints] = [originals(state, this), originalEndpoints(state)];
        this.functions = changed(own, config.override?.functions, "functions");
        this.apis = changed(endpoints, config.override?.apis, "apis");
        this.overridden = [
            ...ASKED.filter((name) => this.functions[name] !== own[name]),
            ...ENDPOINTS.filter((name) => this.apis[name] !== undefined && this.apis[name] !== endpoints[name]),
        ];
        this.disabled = ENDPOINTS.filter((name) => this.apis[name] === undefined);
        this.verifies = this.apis.verifySession !== endpoints.verifySession;
    }

    // What official hands to an endpoint.
    optionsOf(call) {
        return {
            recipeImplementation: this.functions,
            config: this.config,
            recipeId: "session",
            isInServerlessEnv: this.state.isInServerlessEnv,
            req: call.request,
            res: call.response,
        };
    }

    // What the engine may ask, by name.
    callbacks() {
        const { functions, apis } = this;
        const told = (call) => ({ userContext: call.userContext });
        const plain = (name) => async (input, call) => ({ value: await functions[name]({ ...input, ...told(call) }) });
        const giving = (name) => async (input, call) => this.giving(name, functions[name]({ ...input, ...told(call) }), call);
        const named = (input) => ({ ...input, recipeUserId: new RecipeUserId(input.recipeUserId) });
        return {
            createNewSession: (input, call) => giving("createNewSession")(named(input), call),
            refreshSession: (input, call) => giving("refreshSession")({ ...input, antiCsrfToken: input.antiCsrfToken ?? undefined }, call),
            getSession: async (input, call) => {
                // What the engine has decided goes before what was asked for: whether a check against other sites is left to do.
                const options = { ...call.options, ...input.options, antiCsrfCheck: input.options.antiCsrfCheck ?? undefined };
                const accessToken = input.accessToken ?? undefined;
                const given = functions.getSession({ accessToken, antiCsrfToken: input.antiCsrfToken ?? undefined, options, ...told(call) });
                return this.giving("getSession", given, call, true);
            },
            getGlobalClaimValidators: async ({ validators, ...input }, call) => {
                const claimValidatorsAddedByOtherRecipes = call.validatorsOf(validators);
                const given = await functions.getGlobalClaimValidators({ ...named(input), claimValidatorsAddedByOtherRecipes, ...told(call) });
                return { value: call.refer(given) };
            },
            chooseValidators: async ({ validators }, call, session) => {
                const found = new SessionContainer(call, { session });
                const chosen = await call.options.overrideGlobalClaimValidators(call.validatorsOf(validators), found, call.userContext);
                return { value: call.refer(chosen) };
            },
            validateClaims: async ({ validators, ...input }, call) => ({
                value: await functions.validateClaims({ ...named(input), claimValidators: call.validatorsOf(validators), ...told(call) }),
            }),
            getSessionInformation: async (input, call) => {
                const found = await functions.getSessionInformation({ ...input, ...told(call) });
                return { value: found && { ...found, recipeUserId: textOf(found.recipeUserId) } };
            },
            regenerateAccessToken: async (input, call) => {
                const newAccessTokenPayload = input.newAccessTokenPayload ?? undefined;
                const made = await functions.regenerateAccessToken({ ...input, newAccessTokenPayload, ...told(call) });
                return { value: made && { userDataInJWT: made.session?.userDataInJWT, accessToken: made.accessToken } };
            },
            getAllSessionHandlesForUser: plain("getAllSessionHandlesForUser"),
            revokeAllSessionsForUser: plain("revokeAllSessionsForUser"),
            revokeSession: plain("revokeSession"),
            revokeMultipleSessions: plain("revokeMultipleSessions"),
            updateSessionDataInDatabase: plain("updateSessionDataInDatabase"),
            mergeIntoAccessTokenPayload: plain("mergeIntoAccessTokenPayload"),
            refreshPOST: async (_, call) => this.giving("refreshPOST", apis.refreshPOST({ options: this.optionsOf(call), ...told(call) }), call),
            signOutPOST: async (_, call, session) => {
                const found = new SessionContainer(call, { session });
                return { value: await apis.signOutPOST({ options: this.optionsOf(call), session: found, ...told(call) }) };
            },
            ...this.handlers(),
        };
    }

    // A session of the application's, for the engine; the object itself is what the application shall get back.
    async giving(name, given, call, optional = false) {
        const session = await given;
        if (session === undefined && optional) return {};
        const native = await SessionContainer.nativeOf(session, `the override of ${name}`);
        (call.made ??= new Map()).set(session.getHandle(), session);
        return { session: native };
    }

    handlers() {
        const told = (name) => async ({ message }, call) => {
            await this.config.errorHandlers[name](message, call.request, call.response, call.userContext);
        };
        return {
            onUnauthorised: told("onUnauthorised"),
            onTryRefreshToken: told("onTryRefreshToken"),
            onClearDuplicateSessionCookies: told("onClearDuplicateSessionCookies"),
            onTokenTheftDetected: async ({ sessionHandle, userId, recipeUserId }, call) => {
                const of = new RecipeUserId(recipeUserId);
                await this.config.errorHandlers.onTokenTheftDetected(sessionHandle, userId, of, call.request, call.response, call.userContext);
            },
            onInvalidClaim: async ({ errors }, call) => {
                await this.config.errorHandlers.onInvalidClaim(errors, call.request, call.response, call.userContext);
            },
        };
    }
}

// The object that an override has made of a copy of the originals.
function changed(original, override, what) {
    if (override === undefined) return original;
    if (typeof override !== "function") throw new Error(`Session.init: override.${what} must be a function`);
    const made = override({ ...original });
    if (typeof made !== "object" || made === null) {
        throw new Error(`Session.init: override.${what} must give an object with all functions: begin with ...originalImplementation`);
    }
    for (const [name, of] of Object.entries(original)) {
        const may = typeof made[name] === "function" || (made[name] === undefined && ENDPOINTS.includes(name));
        if (!may && of !== undefined) throw new Error(`Session.init: override.${what} gives no function ${name}: begin with ...originalImplementation`);
    }
    return made;
}

module.exports = { SessionFunctions, difference };
