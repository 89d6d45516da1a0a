// The types of supertokens-rs, in the names and shapes of supertokens-node's public ones.

export type JSONPrimitive = string | number | boolean | null;
export type JSONArray = Array<JSONValue>;
export type JSONValue = JSONPrimitive | JSONObject | JSONArray | undefined;
export interface JSONObject {
    [ind: string]: JSONValue;
}

/** Passed through every function; overrides use it to talk to each other. */
export type UserContext = Record<string, any>;
export type HTTPMethod = "post" | "get" | "delete" | "put" | "patch" | "options" | "trace";
export interface GeneralErrorResponse {
    status: "GENERAL_ERROR";
    message: string;
}

/** The id of a user who logged in, apart from the primary user's. */
export class RecipeUserId {
    constructor(recipeUserId: string);
    getAsString: () => string;
}

/** A request as the application's own functions see it. */
export abstract class BaseRequest {
    wrapperUsed: boolean;
    original: any;
    constructor();
    protected abstract getJSONFromRequestBody(): Promise<any>;
    protected abstract getFormDataFromRequestBody(): Promise<any>;
    abstract getKeyValueFromQuery: (key: string) => string | undefined;
    abstract getMethod: () => HTTPMethod;
    abstract getCookieValue: (key: string) => string | undefined;
    abstract getHeaderValue: (key: string) => string | undefined;
    abstract getOriginalURL: () => string;
    getFormData: () => Promise<any>;
    getJSONBody: () => Promise<any>;
    getBodyAsJSONOrFormData: () => Promise<any>;
}

/** A response as the application's own functions see it. */
export abstract class BaseResponse {
    wrapperUsed: boolean;
    original: any;
    constructor();
    abstract setHeader: (key: string, value: string, allowDuplicateKey: boolean) => void;
    abstract removeHeader: (key: string) => void;
    abstract setCookie: (
        key: string,
        value: string,
        domain: string | undefined,
        secure: boolean,
        httpOnly: boolean,
        expires: number,
        path: string,
        sameSite: "strict" | "lax" | "none",
    ) => void;
    abstract setStatusCode: (statusCode: number) => void;
    abstract sendJSONResponse: (content: any) => void;
    abstract sendHTMLResponse: (html: string) => void;
}

/** A core in this process. */
export interface EmbeddedCore {
    /** `sqlite:PATH` (made if it is not there) or `postgresql://user:password@host/database`. */
    database: string;
    /** By the names of the core's `config.yaml`. */
    settings?: Record<string, string | number | boolean>;
    /** The app, if not the public one. It must exist. */
    appId?: string;
}

export interface HttpRequest {
    url: string;
    method: HTTPMethod;
    headers: { [key: string]: string | number | string[] };
    params?: Record<string, boolean | number | string | undefined>;
    body?: any;
}
export type NetworkInterceptor = (request: HttpRequest, userContext: UserContext) => HttpRequest | Promise<HttpRequest>;

interface SuperTokensInfoBase {
    networkInterceptor?: NetworkInterceptor;
    disableCoreCallCache?: boolean;
}
/** The core: one or several over the network, or one in this process. Never both. */
export type SuperTokensInfo = SuperTokensInfoBase &
    ({ connectionURI: string; apiKey?: string; embedded?: undefined } | { embedded: string | EmbeddedCore; connectionURI?: undefined; apiKey?: string });

export interface AppInfo {
    appName: string;
    apiDomain: string;
    websiteDomain?: string;
    origin?: string | ((input: { request: BaseRequest | undefined; userContext: UserContext }) => string);
    apiBasePath?: string;
    websiteBasePath?: string;
    apiGatewayPath?: string;
}

/** What a recipe's `init` gives, for `recipeList`. */
export interface RecipeListFunction {
    (): never;
    readonly __supertokensRsRecipe?: never;
}

export interface TypeInput {
    framework?: "express" | "fastify" | "hapi" | "loopback" | "koa" | "awsLambda" | "custom";
    supertokens?: SuperTokensInfo;
    appInfo: AppInfo;
    recipeList: RecipeListFunction[];
    /** Accepted, and without effect: nothing is sent anywhere. */
    telemetry?: boolean;
    isInServerlessEnv?: boolean;
    debug?: boolean;
}

/** An error that the SDK answers by itself. */
export class SuperTokensError extends Error {
    static BAD_INPUT_ERROR: "BAD_INPUT_ERROR";
    type: string;
    payload: any;
    fromRecipe: string | undefined;
    constructor(options: { message: string; type: string; payload?: any });
    static isErrorFromSuperTokens(obj: any): obj is SuperTokensError;
}

export class SessionError extends SuperTokensError {
    static UNAUTHORISED: "UNAUTHORISED";
    static TRY_REFRESH_TOKEN: "TRY_REFRESH_TOKEN";
    static TOKEN_THEFT_DETECTED: "TOKEN_THEFT_DETECTED";
    static INVALID_CLAIMS: "INVALID_CLAIMS";
    static CLEAR_DUPLICATE_SESSION_COOKIES: "CLEAR_DUPLICATE_SESSION_COOKIES";
    constructor(
        options:
            | { message: string; type: "UNAUTHORISED"; payload?: { clearTokens: boolean } }
            | { message: string; type: "TRY_REFRESH_TOKEN" }
            | { message: string; type: "TOKEN_THEFT_DETECTED"; payload: { userId: string; recipeUserId: RecipeUserId; sessionHandle: string } }
            | { message: string; type: "INVALID_CLAIMS"; payload: ClaimValidationError[] }
            | { message: string; type: "CLEAR_DUPLICATE_SESSION_COOKIES" },
    );
}

/** Thrown where something is called that only supertokens-node has. */
export class NotInThisPackage extends Error {
    type: "NOT_IN_THIS_PACKAGE";
}
/** A recipe that only supertokens-node has: each of its functions says so. */
export interface NotHere {
    readonly [member: string]: (...args: any[]) => never;
}

export type AntiCsrfType = "VIA_TOKEN" | "VIA_CUSTOM_HEADER" | "NONE";
export type TokenType = "access" | "refresh";
export type TokenTransferMethod = "header" | "cookie";

export interface ErrorHandlerMiddleware {
    (message: string, request: BaseRequest, response: BaseResponse, userContext: UserContext): Promise<void>;
}
export interface TokenTheftErrorHandlerMiddleware {
    (
        sessionHandle: string,
        userId: string,
        recipeUserId: RecipeUserId,
        request: BaseRequest,
        response: BaseResponse,
        userContext: UserContext,
    ): Promise<void>;
}
export interface InvalidClaimErrorHandlerMiddleware {
    (validatorErrors: ClaimValidationError[], request: BaseRequest, response: BaseResponse, userContext: UserContext): Promise<void>;
}
export interface ErrorHandlers {
    onUnauthorised?: ErrorHandlerMiddleware;
    onTryRefreshToken?: ErrorHandlerMiddleware;
    /** Replaces the SDK's reaction, which ends the session: do so too, or take the risk. */
    onTokenTheftDetected?: TokenTheftErrorHandlerMiddleware;
    onInvalidClaim?: InvalidClaimErrorHandlerMiddleware;
    onClearDuplicateSessionCookies?: ErrorHandlerMiddleware;
}

/** The settings of `Session.init`. */
export interface SessionTypeInput {
    useDynamicAccessTokenSigningKey?: boolean;
    sessionExpiredStatusCode?: number;
    invalidClaimStatusCode?: number;
    accessTokenPath?: string;
    cookieSecure?: boolean;
    cookieSameSite?: "strict" | "lax" | "none";
    cookieDomain?: string;
    olderCookieDomain?: string;
    antiCsrf?: AntiCsrfType;
    exposeAccessTokenToFrontendInCookieBasedAuth?: boolean;
    /** In s. */
    jwksRefreshIntervalSec?: number;
    getTokenTransferMethod?: (input: { req: BaseRequest; forCreateNewSession: boolean; userContext: UserContext }) => TokenTransferMethod | "any";
    getCookieNameForTokenType?: (req: BaseRequest, tokenType: TokenType, userContext: UserContext) => string;
    getResponseHeaderNameForTokenType?: (req: BaseRequest, tokenType: TokenType, userContext: UserContext) => string;
    errorHandlers?: ErrorHandlers;
    override?: {
        functions?: (originalImplementation: RecipeInterface) => RecipeInterface;
        apis?: (originalImplementation: APIInterface) => APIInterface;
    };
    /** How many verified access tokens are remembered: 10,000 if not said; 0 checks each signature each time. */
    verifiedTokensKept?: number;
}

export interface VerifySessionOptions {
    antiCsrfCheck?: boolean;
    sessionRequired?: boolean;
    checkDatabase?: boolean;
    overrideGlobalClaimValidators?: (
        globalClaimValidators: SessionClaimValidator[],
        session: SessionContainer,
        userContext: UserContext,
    ) => Promise<SessionClaimValidator[]> | SessionClaimValidator[];
}

export interface SessionContainer {
    revokeSession(userContext?: UserContext): Promise<void>;
    getSessionDataFromDatabase(userContext?: UserContext): Promise<any>;
    updateSessionDataInDatabase(newSessionData: any, userContext?: UserContext): Promise<any>;
    getUserId(userContext?: UserContext): string;
    getRecipeUserId(userContext?: UserContext): RecipeUserId;
    getTenantId(userContext?: UserContext): string;
    getAccessTokenPayload(userContext?: UserContext): any;
    getHandle(userContext?: UserContext): string;
    getAllSessionTokensDangerously(): {
        accessToken: string;
        refreshToken: string | undefined;
        antiCsrfToken: string | undefined;
        frontToken: string;
        accessAndFrontTokenUpdated: boolean;
    };
    getAccessToken(userContext?: UserContext): string;
    mergeIntoAccessTokenPayload(accessTokenPayloadUpdate: JSONObject, userContext?: UserContext): Promise<void>;
    getTimeCreated(userContext?: UserContext): Promise<number>;
    getExpiry(userContext?: UserContext): Promise<number>;
    assertClaims(claimValidators: SessionClaimValidator[], userContext?: UserContext): Promise<void>;
    fetchAndSetClaim<T>(claim: SessionClaim<T>, userContext?: UserContext): Promise<void>;
    setClaimValue<T>(claim: SessionClaim<T>, value: T, userContext?: UserContext): Promise<void>;
    getClaimValue<T>(claim: SessionClaim<T>, userContext?: UserContext): Promise<T | undefined>;
    removeClaim(claim: SessionClaim<any>, userContext?: UserContext): Promise<void>;
    attachToRequestResponse(reqResInfo: ReqResInfo, userContext?: UserContext): Promise<void> | void;
}
export interface ReqResInfo {
    req: BaseRequest;
    res: BaseResponse;
    transferMethod: TokenTransferMethod;
}

export interface SessionInformation {
    sessionHandle: string;
    userId: string;
    recipeUserId: RecipeUserId;
    sessionDataInDatabase: any;
    /** In ms since 1970. */
    expiry: number;
    customClaimsInAccessTokenPayload: any;
    /** In ms since 1970. */
    timeCreated: number;
    tenantId: string;
}

export interface RecipeInterface {
    createNewSession(input: {
        userId: string;
        recipeUserId: RecipeUserId;
        accessTokenPayload?: any;
        sessionDataInDatabase?: any;
        disableAntiCsrf?: boolean;
        tenantId: string;
        userContext: UserContext;
    }): Promise<SessionContainer>;
    getGlobalClaimValidators(input: {
        tenantId: string;
        userId: string;
        recipeUserId: RecipeUserId;
        claimValidatorsAddedByOtherRecipes: SessionClaimValidator[];
        userContext: UserContext;
    }): Promise<SessionClaimValidator[]> | SessionClaimValidator[];
    getSession(input: {
        accessToken: string | undefined;
        antiCsrfToken?: string;
        options?: VerifySessionOptions;
        userContext: UserContext;
    }): Promise<SessionContainer | undefined>;
    refreshSession(input: {
        refreshToken: string;
        antiCsrfToken?: string;
        disableAntiCsrf: boolean;
        userContext: UserContext;
    }): Promise<SessionContainer>;
    getSessionInformation(input: { sessionHandle: string; userContext: UserContext }): Promise<SessionInformation | undefined>;
    revokeAllSessionsForUser(input: {
        userId: string;
        revokeSessionsForLinkedAccounts: boolean;
        tenantId: string;
        revokeAcrossAllTenants?: boolean;
        userContext: UserContext;
    }): Promise<string[]>;
    getAllSessionHandlesForUser(input: {
        userId: string;
        fetchSessionsForAllLinkedAccounts: boolean;
        tenantId: string;
        fetchAcrossAllTenants?: boolean;
        userContext: UserContext;
    }): Promise<string[]>;
    revokeSession(input: { sessionHandle: string; userContext: UserContext }): Promise<boolean>;
    revokeMultipleSessions(input: { sessionHandles: string[]; userContext: UserContext }): Promise<string[]>;
    updateSessionDataInDatabase(input: { sessionHandle: string; newSessionData: any; userContext: UserContext }): Promise<boolean>;
    mergeIntoAccessTokenPayload(input: {
        sessionHandle: string;
        accessTokenPayloadUpdate: JSONObject;
        userContext: UserContext;
    }): Promise<boolean>;
    regenerateAccessToken(input: { accessToken: string; newAccessTokenPayload?: any; userContext: UserContext }): Promise<
        | {
              status: "OK";
              session: { handle: string; userId: string; recipeUserId: RecipeUserId; userDataInJWT: any; tenantId: string };
              accessToken?: { token: string; expiry: number; createdTime: number };
          }
        | undefined
    >;
    validateClaims(input: {
        userId: string;
        recipeUserId: RecipeUserId;
        accessTokenPayload: any;
        claimValidators: SessionClaimValidator[];
        userContext: UserContext;
    }): Promise<{ invalidClaims: ClaimValidationError[]; accessTokenPayloadUpdate?: any }>;
    fetchAndSetClaim(input: { sessionHandle: string; claim: SessionClaim<any>; userContext: UserContext }): Promise<boolean>;
    setClaimValue<T>(input: { sessionHandle: string; claim: SessionClaim<T>; value: T; userContext: UserContext }): Promise<boolean>;
    getClaimValue<T>(input: {
        sessionHandle: string;
        claim: SessionClaim<T>;
        userContext: UserContext;
    }): Promise<{ status: "SESSION_DOES_NOT_EXIST_ERROR" } | { status: "OK"; value: T | undefined }>;
    removeClaim(input: { sessionHandle: string; claim: SessionClaim<any>; userContext: UserContext }): Promise<boolean>;
}

export interface APIOptions {
    recipeImplementation: RecipeInterface;
    /** The settings as they were given. */
    config: SessionTypeInput;
    recipeId: string;
    isInServerlessEnv: boolean;
    req: BaseRequest;
    res: BaseResponse;
}
export interface APIInterface {
    /** `undefined` switches the endpoint off. */
    refreshPOST: undefined | ((input: { options: APIOptions; userContext: UserContext }) => Promise<SessionContainer>);
    /** `undefined` switches the endpoint off. */
    signOutPOST:
        | undefined
        | ((input: {
              options: APIOptions;
              session: SessionContainer;
              userContext: UserContext;
          }) => Promise<{ status: "OK" } | GeneralErrorResponse>);
    verifySession(input: {
        verifySessionOptions: VerifySessionOptions | undefined;
        options: APIOptions;
        userContext: UserContext;
    }): Promise<SessionContainer | undefined>;
}

export type ClaimValidationResult = { isValid: true } | { isValid: false; reason?: JSONValue };
export interface ClaimValidationError {
    id: string;
    reason?: JSONValue;
}
export type SessionClaimValidator = (
    | {
          claim: SessionClaim<any>;
          shouldRefetch: (payload: any, userContext: UserContext) => Promise<boolean> | boolean;
      }
    | {}
) & {
    id: string;
    validate: (payload: any, userContext: UserContext) => Promise<ClaimValidationResult>;
};

export type FetchValue<T> = (
    userId: string,
    recipeUserId: RecipeUserId,
    tenantId: string,
    currentPayload: JSONObject | undefined,
    userContext: UserContext,
) => Promise<T | undefined> | T | undefined;

/** A fact about a session that is kept in its access token. Extend it to lay the value out differently. */
export abstract class SessionClaim<T> {
    readonly key: string;
    constructor(key: string);
    abstract fetchValue(
        userId: string,
        recipeUserId: RecipeUserId,
        tenantId: string,
        currentPayload: JSONObject | undefined,
        userContext: UserContext,
    ): Promise<T | undefined> | T | undefined;
    abstract addToPayload_internal(payload: JSONObject, value: T, userContext: UserContext): JSONObject;
    abstract removeFromPayloadByMerge_internal(payload: JSONObject, userContext: UserContext): JSONObject;
    abstract removeFromPayload(payload: JSONObject, userContext: UserContext): JSONObject;
    abstract getValueFromPayload(payload: JSONObject, userContext: UserContext): T | undefined;
    build(
        userId: string,
        recipeUserId: RecipeUserId,
        tenantId: string,
        currentPayload: JSONObject | undefined,
        userContext: UserContext,
    ): Promise<JSONObject>;
}

export interface JsonWebKey {
    kty: string;
    kid: string;
    n: string;
    e: string;
    alg: string;
    use: string;
}
export interface OpenIdDiscoveryConfiguration {
    status: "OK";
    issuer: string;
    jwks_uri: string;
    authorization_endpoint: string;
    token_endpoint: string;
    userinfo_endpoint: string;
    revocation_endpoint: string;
    token_introspection_endpoint: string;
    end_session_endpoint: string;
    subject_types_supported: string[];
    id_token_signing_alg_values_supported: string[];
    response_types_supported: string[];
}
export type CreateJWTResult = { status: "OK"; jwt: string } | { status: "UNSUPPORTED_ALGORITHM_ERROR" };

/** What an access token says. */
export interface JWTPayload {
    iss?: string;
    sub?: string;
    iat?: number;
    exp?: number;
    [member: string]: unknown;
}

/** What an access token says, where no new token could reach the browser. */
export interface SSRSession {
    accessTokenPayload: JWTPayload | undefined;
    hasToken: boolean;
    error: Error | undefined;
}
