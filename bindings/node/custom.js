// For whatever speaks fetch: a request in, a response out.
"use strict";

const { current } = require("./lib/state.js");
const { middleware, PreParsedRequest, CollectingResponse, _cookieLines: cookieLines } = require("./framework/custom.js");
const { wrapped: adapter } = require("./lib/adapters.js");

// Platforms that keep what functions answer would hand one browser's tokens to others.
const KEPT_BY_NOBODY = "no-cache, no-store, max-age=0, must-revalidate";

const textOfCookie = (value) => {
    try {
        return decodeURIComponent(value);
    } catch {
        return value;
    }
};

function getCookieFromRequest(request) {
    const cookies = {};
    for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
        const at = pair.indexOf("=");
        const name = pair.slice(0, at).trim();
        // The first of a name counts.
        if (at > 0 && !Object.hasOwn(cookies, name)) cookies[name] = textOfCookie(pair.slice(at + 1).trim());
    }
    return cookies;
}

const getQueryFromRequest = (request) => Object.fromEntries(new URL(request.url, "http://localhost").searchParams);

function parsed(request, setSession) {
    return new PreParsedRequest({
        url: request.url,
        method: request.method,
        headers: request.headers,
        cookies: getCookieFromRequest(request),
        query: getQueryFromRequest(request),
        getJSONBody: () => request.json(),
        getFormBody: async () => Object.fromEntries(await request.formData()),
        setSession,
    });
}

// What was collected, on a response of the application's or on one of its own.
function written(collected, response) {
    const lines = cookieLines(collected);
    const made = response ?? new Response(collected.body, { status: collected.statusCode });
    // The key set may be kept for as long as it says.
    const saysItself = collected.headers.has("cache-control") && !/no-store|private/i.test(collected.headers.get("cache-control"));
    let any = lines.length > 0;
    for (const [name, value] of collected.headers) {
        // Its own body's type stays with a response of the application's.
        if (response !== undefined && name === "content-type") continue;
        any = true;
        made.headers.set(name, value);
    }
    for (const line of lines) made.headers.append("set-cookie", line);
    if (any && (lines.length > 0 || !saysItself)) made.headers.set("cache-control", KEPT_BY_NOBODY);
    return made;
}

// One handler for all of the SDK's paths.
const handleAuthAPIRequest = () => async (request) => {
    const collected = new CollectingResponse();
    const { handled, error } = await middleware()(parsed(request), collected);
    if (error !== undefined) throw error;
    return handled ? written(collected) : new Response("Not found", { status: 404 });
};

// What an access token says, if it is genuine and valid: for rendering a page, where no new token could reach the browser.
async function getSessionForSSRUsingAccessToken(accessToken) {
    if (accessToken === undefined || accessToken === "") return { accessTokenPayload: undefined, hasToken: false, error: undefined };
    try {
        const state = current();
        const { value } = await state.engine.start("peek", { accessToken }, state.callOf());
        return { accessTokenPayload: value, hasToken: true, error: undefined };
    } catch (error) {
        return { accessTokenPayload: undefined, hasToken: true, error };
    }
}

async function getSessionForSSR(request) {
    const [name] = current().cookieNames(parsed(request));
    return getSessionForSSRUsingAccessToken(getCookieFromRequest(request)[name]);
}

// Runs the handler with the request's session. What the SDK answers by itself it answers, wherever it was thrown; with any other error the
// handler runs once more, to answer it.
async function withSession(request, handler, options, userContext) {
    const collected = new CollectingResponse();
    const req = parsed(request);
    let state, call;
    try {
        state = current();
        call = state.callOf(req, collected, userContext, adapter);
        // Only looked for: what is behind the handler is no endpoint of the SDK's, and its preflights are no less to be checked.
        req.session = await state.verify(call, options, state.flagsOf(options) | 32);
        return written(collected, await handler(undefined, req.session));
    } catch (error) {
        try {
            if (call === undefined) throw error;
            await state.refuse(error, call);
        } catch (foreign) {
            return written(collected, await handler(foreign, undefined));
        }
        return written(collected);
    }
}

// Runs a handler that makes or changes sessions by itself.
async function withPreParsedRequestResponse(request, handler) {
    const collected = new CollectingResponse();
    const req = parsed(request);
    try {
        return written(collected, await handler(req, collected));
    } catch (error) {
        const state = current();
        await state.refuse(error, state.callOf(req, collected));
        return written(collected);
    }
}

const Custom = {
    handleAuthAPIRequest, getSessionForSSR, getSessionForSSRUsingAccessToken, withSession, withPreParsedRequestResponse, getCookieFromRequest,
    getQueryFromRequest,
};
module.exports = { ...Custom, default: Custom };
Object.defineProperty(module.exports, "__esModule", { value: true });
