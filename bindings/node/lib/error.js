// Errors that the SDK answers by itself. They may be thrown by an application too, anywhere.
"use strict";

const MARK = Symbol.for("supertokens-rs.error");

class SuperTokensError extends Error {
    static BAD_INPUT_ERROR = "BAD_INPUT_ERROR";

    constructor({ type, message, payload, ...options }) {
        super(message, options.cause === undefined ? undefined : { cause: options.cause });
        this.name = "SuperTokensError";
        this.type = type;
        this.payload = payload;
        this.fromRecipe = undefined;
        Object.defineProperty(this, MARK, { value: true });
    }

    static isErrorFromSuperTokens(error) {
        return typeof error === "object" && error !== null && error[MARK] === true;
    }
}

class SessionError extends SuperTokensError {
    static UNAUTHORISED = "UNAUTHORISED";
    static TRY_REFRESH_TOKEN = "TRY_REFRESH_TOKEN";
    static TOKEN_THEFT_DETECTED = "TOKEN_THEFT_DETECTED";
    static INVALID_CLAIMS = "INVALID_CLAIMS";
    static CLEAR_DUPLICATE_SESSION_COOKIES = "CLEAR_DUPLICATE_SESSION_COOKIES";

    constructor(options) {
        super(
            options.type === SessionError.UNAUTHORISED && options.payload === undefined
                ? { ...options, payload: { clearTokens: true } }
                : options,
        );
        this.fromRecipe = "session";
    }
}

const OF_SESSIONS = new Set([
    "UNAUTHORISED",
    "TRY_REFRESH_TOKEN",
    "TOKEN_THEFT_DETECTED",
    "INVALID_CLAIMS",
    "CLEAR_DUPLICATE_SESSION_COOKIES",
]);

// Whether the engine has an answer for it.
const hasAnswer = (error) =>
    SuperTokensError.isErrorFromSuperTokens(error) && (OF_SESSIONS.has(error.type) || error.type === SuperTokensError.BAD_INPUT_ERROR);

module.exports = { SuperTokensError, SessionError, OF_SESSIONS, hasAnswer };
