// Next.js: API routes of the pages directory by Express's functions, route handlers of the app directory by those for fetch.
"use strict";

const { handleAuthAPIRequest, getSessionForSSRUsingAccessToken, withSession, withPreParsedRequestResponse } = require("./custom.js");
const { current } = require("./lib/state.js");
const { express: adapter } = require("./lib/adapters.js");

const KEPT_BY_NOBODY = "no-cache, no-store, max-age=0, must-revalidate";

// Runs something that wants a `next` as a promise. Where it has answered the request by itself, the promise stays open, so that what
// stands behind it is not run for a request that was refused.
async function superTokensNextWrapper(middleware, request, response) {
    // The key set says by itself how long it may be kept.
    const isKeySet = request.method === "GET" && /\/jwt\/jwks\.json\/?(\?|$)/.test(request.originalUrl ?? request.url ?? "");
    if (!isKeySet && !response.headersSent && response.getHeader("cache-control") === undefined) response.setHeader("cache-control", KEPT_BY_NOBODY);
    let told;
    let result;
    try {
        result = await middleware((error) => {
            told ??= { error };
        });
    } catch (error) {
        told = { error };
    }
    if (told !== undefined && told.error === undefined) return result;
    if (told !== undefined) {
        const state = current();
        await state.refuse(told.error, state.callOf(request, response, undefined, adapter));
    }
    if (response.writableEnded || response.headersSent) return new Promise(() => {});
    return result;
}

// One handler for all verbs of the catch-all route. The class of responses is the platform's own, whatever is given.
const getAppDirRequestHandler = () => handleAuthAPIRequest();

// For rendering on the server: the cookies as Next.js gives them.
async function getSSRSession(cookies) {
    const [name] = current().cookieNames(undefined);
    return getSessionForSSRUsingAccessToken(cookies.find((cookie) => cookie.name === name)?.value);
}

const NextJS = { superTokensNextWrapper, getAppDirRequestHandler, getSSRSession, withSession, withPreParsedRequestResponse };
module.exports = { ...NextJS, default: NextJS };
Object.defineProperty(module.exports, "__esModule", { value: true });
