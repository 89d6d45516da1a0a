import {
    ClaimValidationError, CreateJWTResult, JSONObject, JsonWebKey, OpenIdDiscoveryConfiguration, RecipeListFunction, RecipeUserId,
    SessionClaim, SessionClaimValidator, SessionContainer, SessionError, SessionInformation, SessionTypeInput, UserContext, VerifySessionOptions,
} from "../../types";

export type {
    APIInterface, APIOptions, ClaimValidationError, ClaimValidationResult, ErrorHandlers, JWTPayload, RecipeInterface, SessionClaimValidator,
    SessionContainer, SessionInformation, TokenTransferMethod, VerifySessionOptions, SessionTypeInput as TypeInput,
} from "../../types";
export { SessionClaim } from "../../types";

/** A request that a check has put its session on. */
export interface SessionRequest {
    session?: SessionContainer;
}

export declare function init(config?: SessionTypeInput): RecipeListFunction;

export declare function createNewSession(
    req: any,
    res: any,
    tenantId: string,
    recipeUserId: RecipeUserId,
    accessTokenPayload?: any,
    sessionDataInDatabase?: any,
    userContext?: UserContext,
): Promise<SessionContainer>;
export declare function createNewSessionWithoutRequestResponse(
    tenantId: string,
    recipeUserId: RecipeUserId,
    accessTokenPayload?: any,
    sessionDataInDatabase?: any,
    disableAntiCsrf?: boolean,
    userContext?: UserContext,
): Promise<SessionContainer>;

export declare function getSession(req: any, res: any): Promise<SessionContainer>;
export declare function getSession(
    req: any,
    res: any,
    options?: VerifySessionOptions & { sessionRequired?: true },
    userContext?: UserContext,
): Promise<SessionContainer>;
export declare function getSession(
    req: any,
    res: any,
    options?: VerifySessionOptions & { sessionRequired: false },
    userContext?: UserContext,
): Promise<SessionContainer | undefined>;
export declare function getSession(
    req: any,
    res: any,
    options?: VerifySessionOptions,
    userContext?: UserContext,
): Promise<SessionContainer | undefined>;

export declare function getSessionWithoutRequestResponse(accessToken: string, antiCsrfToken?: string): Promise<SessionContainer>;
export declare function getSessionWithoutRequestResponse(
    accessToken: string,
    antiCsrfToken?: string,
    options?: VerifySessionOptions & { sessionRequired?: true },
    userContext?: UserContext,
): Promise<SessionContainer>;
export declare function getSessionWithoutRequestResponse(
    accessToken: string,
    antiCsrfToken?: string,
    options?: VerifySessionOptions & { sessionRequired: false },
    userContext?: UserContext,
): Promise<SessionContainer | undefined>;
export declare function getSessionWithoutRequestResponse(
    accessToken: string,
    antiCsrfToken?: string,
    options?: VerifySessionOptions,
    userContext?: UserContext,
): Promise<SessionContainer | undefined>;

export declare function refreshSession(req: any, res: any, userContext?: UserContext): Promise<SessionContainer>;
export declare function refreshSessionWithoutRequestResponse(
    refreshToken: string,
    disableAntiCsrf?: boolean,
    antiCsrfToken?: string,
    userContext?: UserContext,
): Promise<SessionContainer>;

export declare function getSessionInformation(sessionHandle: string, userContext?: UserContext): Promise<SessionInformation | undefined>;
/** In all tenants, unless one is named. */
export declare function getAllSessionHandlesForUser(
    userId: string,
    fetchSessionsForAllLinkedAccounts?: boolean,
    tenantId?: string,
    userContext?: UserContext,
): Promise<string[]>;
/** In all tenants, unless one is named. */
export declare function revokeAllSessionsForUser(
    userId: string,
    revokeSessionsForLinkedAccounts?: boolean,
    tenantId?: string,
    userContext?: UserContext,
): Promise<string[]>;
/** False: there was none. */
export declare function revokeSession(sessionHandle: string, userContext?: UserContext): Promise<boolean>;
export declare function revokeMultipleSessions(sessionHandles: string[], userContext?: UserContext): Promise<string[]>;
/** False: there is no such session. */
export declare function updateSessionDataInDatabase(sessionHandle: string, newSessionData: any, userContext?: UserContext): Promise<boolean>;
/** False: there is no such session. */
export declare function mergeIntoAccessTokenPayload(
    sessionHandle: string,
    accessTokenPayloadUpdate: JSONObject,
    userContext?: UserContext,
): Promise<boolean>;

export declare function validateClaimsForSessionHandle(
    sessionHandle: string,
    overrideGlobalClaimValidators?: (
        globalClaimValidators: SessionClaimValidator[],
        sessionInfo: SessionInformation,
        userContext: UserContext,
    ) => Promise<SessionClaimValidator[]> | SessionClaimValidator[],
    userContext?: UserContext,
): Promise<{ status: "SESSION_DOES_NOT_EXIST_ERROR" } | { status: "OK"; invalidClaims: ClaimValidationError[] }>;
/** A claim whose value is not there any more is removed. */
export declare function fetchAndSetClaim(sessionHandle: string, claim: SessionClaim<any>, userContext?: UserContext): Promise<boolean>;
export declare function setClaimValue<T>(sessionHandle: string, claim: SessionClaim<T>, value: T, userContext?: UserContext): Promise<boolean>;
export declare function getClaimValue<T>(
    sessionHandle: string,
    claim: SessionClaim<T>,
    userContext?: UserContext,
): Promise<{ status: "SESSION_DOES_NOT_EXIST_ERROR" } | { status: "OK"; value: T | undefined }>;
export declare function removeClaim(sessionHandle: string, claim: SessionClaim<any>, userContext?: UserContext): Promise<boolean>;

export declare function createJWT(
    payload?: any,
    validitySeconds?: number,
    useStaticSigningKey?: boolean,
    userContext?: UserContext,
): Promise<CreateJWTResult>;
export declare function getJWKS(userContext?: UserContext): Promise<{ keys: JsonWebKey[]; validityInSeconds?: number }>;
export declare function getOpenIdDiscoveryConfiguration(userContext?: UserContext): Promise<OpenIdDiscoveryConfiguration>;

export { SessionError as Error };

declare const Session: {
    init: typeof init;
    Error: typeof SessionError;
    createNewSession: typeof createNewSession;
    createNewSessionWithoutRequestResponse: typeof createNewSessionWithoutRequestResponse;
    getSession: typeof getSession;
    getSessionWithoutRequestResponse: typeof getSessionWithoutRequestResponse;
    refreshSession: typeof refreshSession;
    refreshSessionWithoutRequestResponse: typeof refreshSessionWithoutRequestResponse;
    getSessionInformation: typeof getSessionInformation;
    getAllSessionHandlesForUser: typeof getAllSessionHandlesForUser;
    revokeAllSessionsForUser: typeof revokeAllSessionsForUser;
    revokeSession: typeof revokeSession;
    revokeMultipleSessions: typeof revokeMultipleSessions;
    updateSessionDataInDatabase: typeof updateSessionDataInDatabase;
    mergeIntoAccessTokenPayload: typeof mergeIntoAccessTokenPayload;
    validateClaimsForSessionHandle: typeof validateClaimsForSessionHandle;
    fetchAndSetClaim: typeof fetchAndSetClaim;
    setClaimValue: typeof setClaimValue;
    getClaimValue: typeof getClaimValue;
    removeClaim: typeof removeClaim;
    createJWT: typeof createJWT;
    getJWKS: typeof getJWKS;
    getOpenIdDiscoveryConfiguration: typeof getOpenIdDiscoveryConfiguration;
};
export default Session;
