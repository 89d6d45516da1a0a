// The session recipe, under the names of supertokens-node.
"use strict";

const { SessionError } = require("../../lib/error.js");
const { difference } = require("../../lib/claims.js");
const { textOf } = require("../../lib/recipe-user-id.js");
const { recipe } = require("../../lib/sdk.js");
const { SessionContainer } = require("../../lib/session.js");
const { current } = require("../../lib/state.js");

const init = (config = {}) => recipe("session", config);

const functions = () => current().functions.functions;
const contextOf = (userContext) => userContext ?? {};

async function createNewSession(req, res, tenantId, recipeUserId, accessTokenPayload = {}, sessionDataInDatabase = {}, userContext) {
    const state = current();
    const call = state.callOf(req, res, userContext);
    call.makesSession = true;
    const input = { tenantId, recipeUserId: textOf(recipeUserId), accessTokenPayload, sessionDataInDatabase };
    return SessionContainer.of(call, await state.engine.start("createNewSession", input, call));
}

async function createNewSessionWithoutRequestResponse(
    tenantId, recipeUserId, accessTokenPayload = {}, sessionDataInDatabase = {}, disableAntiCsrf = false, userContext = undefined,
) {
    const state = current();
    const call = state.callOf(undefined, undefined, userContext);
    const input = { tenantId, recipeUserId: textOf(recipeUserId), accessTokenPayload, sessionDataInDatabase, disableAntiCsrf };
    return SessionContainer.of(call, await state.engine.start("createNewSession", input, call));
}

// 32: only look, whatever the path.
async function getSession(req, res, options, userContext) {
    const state = current();
    return state.verify(state.callOf(req, res, userContext), options, state.flagsOf(options) | 32);
}

async function getSessionWithoutRequestResponse(accessToken, antiCsrfToken, options, userContext) {
    const state = current();
    const call = state.callOf(undefined, undefined, userContext);
    call.options = options;
    const { sessionRequired, antiCsrfCheck, checkDatabase, overrideGlobalClaimValidators } = options ?? {};
    const choose = overrideGlobalClaimValidators !== undefined;
    const input = { accessToken, antiCsrfToken, sessionRequired, antiCsrfCheck, checkDatabase, choose };
    return SessionContainer.of(call, await state.engine.start("getSession", input, call));
}

async function refreshSession(req, res, userContext) {
    if (req === undefined || req === null) {
        throw new TypeError("refreshSession needs a request: for a token alone there is refreshSessionWithoutRequestResponse");
    }
    const state = current();
    const call = state.callOf(req, res, userContext);
    return SessionContainer.of(call, await state.engine.start("refreshSession", {}, call));
}

async function refreshSessionWithoutRequestResponse(refreshToken, disableAntiCsrf = false, antiCsrfToken = undefined, userContext = undefined) {
    return functions().refreshSession({ refreshToken, disableAntiCsrf, antiCsrfToken, userContext: contextOf(userContext) });
}

async function validateClaimsForSessionHandle(sessionHandle, overrideGlobalClaimValidators, given) {
    const userContext = contextOf(given);
    const recipe = functions();
    const found = await recipe.getSessionInformation({ sessionHandle, userContext });
    if (found === undefined) return { status: "SESSION_DOES_NOT_EXIST_ERROR" };
    const { tenantId, userId, recipeUserId, customClaimsInAccessTokenPayload: accessTokenPayload } = found;
    const global = await recipe.getGlobalClaimValidators({ tenantId, userId, recipeUserId, claimValidatorsAddedByOtherRecipes: [], userContext });
    const claimValidators = overrideGlobalClaimValidators ? await overrideGlobalClaimValidators(global, found, userContext) : global;
    const judged = await recipe.validateClaims({ userId, recipeUserId, accessTokenPayload, claimValidators, userContext });
    if (judged.accessTokenPayloadUpdate !== undefined) {
        const accessTokenPayloadUpdate = difference(accessTokenPayload, judged.accessTokenPayloadUpdate);
        const isThere = await recipe.mergeIntoAccessTokenPayload({ sessionHandle, accessTokenPayloadUpdate, userContext });
        if (!isThere) return { status: "SESSION_DOES_NOT_EXIST_ERROR" };
    }
    return { status: "OK", invalidClaims: judged.invalidClaims };
}

const getSessionInformation = async (sessionHandle, userContext) =>
    functions().getSessionInformation({ sessionHandle, userContext: contextOf(userContext) });

const getAllSessionHandlesForUser = async (userId, fetchSessionsForAllLinkedAccounts = true, tenantId = undefined, userContext = undefined) =>
    functions().getAllSessionHandlesForUser({
        userId, fetchSessionsForAllLinkedAccounts, tenantId: tenantId ?? "public", fetchAcrossAllTenants: tenantId === undefined,
        userContext: contextOf(userContext),
    });

const revokeAllSessionsForUser = async (userId, revokeSessionsForLinkedAccounts = true, tenantId = undefined, userContext = undefined) =>
    functions().revokeAllSessionsForUser({
        userId, revokeSessionsForLinkedAccounts, tenantId: tenantId ?? "public", revokeAcrossAllTenants: tenantId === undefined,
        userContext: contextOf(userContext),
    });

const revokeSession = async (sessionHandle, userContext) => functions().revokeSession({ sessionHandle, userContext: contextOf(userContext) });
const revokeMultipleSessions = async (sessionHandles, userContext) =>
    functions().revokeMultipleSessions({ sessionHandles, userContext: contextOf(userContext) });
const updateSessionDataInDatabase = async (sessionHandle, newSessionData, userContext) =>
    functions().updateSessionDataInDatabase({ sessionHandle, newSessionData, userContext: contextOf(userContext) });
const mergeIntoAccessTokenPayload = async (sessionHandle, accessTokenPayloadUpdate, userContext) =>
    functions().mergeIntoAccessTokenPayload({ sessionHandle, accessTokenPayloadUpdate, userContext: contextOf(userContext) });

const fetchAndSetClaim = async (sessionHandle, claim, userContext) =>
    functions().fetchAndSetClaim({ sessionHandle, claim, userContext: contextOf(userContext) });
const setClaimValue = async (sessionHandle, claim, value, userContext) =>
    functions().setClaimValue({ sessionHandle, claim, value, userContext: contextOf(userContext) });
const getClaimValue = async (sessionHandle, claim, userContext) =>
    functions().getClaimValue({ sessionHandle, claim, userContext: contextOf(userContext) });
const removeClaim = async (sessionHandle, claim, userContext) =>
    functions().removeClaim({ sessionHandle, claim, userContext: contextOf(userContext) });

const createJWT = (...parts) => require("../openid/index.js").createJWT(...parts);
const getJWKS = (userContext) => require("../jwt/index.js").getJWKS(userContext);
const getOpenIdDiscoveryConfiguration = (userContext) => require("../openid/index.js").getOpenIdDiscoveryConfiguration(userContext);

const Session = {
    init, createNewSession, createNewSessionWithoutRequestResponse, getSession, getSessionWithoutRequestResponse, refreshSession,
    refreshSessionWithoutRequestResponse, validateClaimsForSessionHandle, getSessionInformation, getAllSessionHandlesForUser,
    revokeAllSessionsForUser, revokeSession, revokeMultipleSessions, updateSessionDataInDatabase, mergeIntoAccessTokenPayload,
    fetchAndSetClaim, setClaimValue, getClaimValue, removeClaim, createJWT, getJWKS, getOpenIdDiscoveryConfiguration, Error: SessionError,
};

module.exports = { ...Session, default: Session };
Object.defineProperty(module.exports, "__esModule", { value: true });
