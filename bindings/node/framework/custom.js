// For frameworks that have no module here, and for whatever speaks fetch: requests that are parsed already, responses that are collected.
"use strict";

const { current } = require("../lib/state.js");
const { hasAnswer } = require("../lib/error.js");
const { BaseRequest, BaseResponse, applyTo, lineOfCookie, partsOfCookie } = require("../lib/http.js");
const { wrapped: adapter } = require("../lib/adapters.js");

class PreParsedRequest extends BaseRequest {
    #session;
    #info;
    constructor(info) {
        super();
        this.original = info;
        this.#info = info;
    }
    get session() {
        return this.#session;
    }
    set session(session) {
        this.#session = session;
        this.#info.setSession?.(session);
    }
    getMethod = () => this.#info.method.toLowerCase();
    getOriginalURL = () => this.#info.url;
    getHeaderValue = (key) => this.#info.headers.get(key) ?? undefined;
    getCookieValue = (key) => this.#info.cookies[key];
    getKeyValueFromQuery = (key) => this.#info.query[key];
    getJSONFromRequestBody() {
        return this.#info.getJSONBody();
    }
    getFormDataFromRequestBody() {
        return this.#info.getFormBody();
    }
}

// Cookies are kept apart from the headers, as data.
class CollectingResponse extends BaseResponse {
    #isSent = false;
    constructor() {
        super();
        this.statusCode = 200;
        this.headers = new Headers();
        this.cookies = [];
        this.body = undefined;
    }
    changed(changes) {
        applyTo(
            {
                get: (name) => this.headers.get(name) ?? undefined,
                set: (name, value) => this.headers.set(name, value),
                remove: (name) => this.headers.delete(name),
                cookies: () => [],
                setCookies: (lines) => lines.forEach((line) => this.#keep(partsOfCookie(line))),
            },
            changes,
        );
    }
    #keep(cookie) {
        const at = this.cookies.findIndex(({ key }) => key === cookie.key);
        if (at < 0) this.cookies.push(cookie);
        else this.cookies[at] = cookie;
    }
    isSent() {
        return this.#isSent;
    }
    setHeader = (key, value, allowDuplicateKey) => {
        if (allowDuplicateKey) this.headers.append(key, value);
        else this.headers.set(key, value);
    };
    removeHeader = (key) => this.headers.delete(key);
    setCookie = (key, value, domain, secure, httpOnly, expires, path, sameSite) =>
        this.#keep({ key, value, domain, secure, httpOnly, expires, path, sameSite });
    setStatusCode = (status) => {
        if (!this.#isSent) this.statusCode = status;
    };
    sendJSONResponse = (content) => this.#send("application/json", JSON.stringify(content));
    sendHTMLResponse = (html) => this.#send("text/html", html);
    #send(type, body) {
        if (this.#isSent) return;
        this.headers.set("content-type", type);
        this.body = body;
        this.#isSent = true;
    }
}

// The lines of its cookies, for whoever makes a response of it.
const cookieLines = ({ cookies }) =>
    cookies.map(({ key, value, domain, secure, httpOnly, expires, path, sameSite }) =>
        lineOfCookie(key, value, domain, secure, httpOnly, expires, path, sameSite),
    );

const same = (of) => of;

// Answers the SDK's own paths. Gives whether it did, or the error that nobody here answers.
const middleware = (wrapRequest = same, wrapResponse = same) => async (request, response, next) => {
    const [req, res] = [wrapRequest(request), wrapResponse(response)];
    try {
        const state = current();
        const handled = state.mayBeOurs(req.getOriginalURL()) && (await state.handle(state.callOf(req, res, undefined, adapter)));
        if (!handled) next?.();
        return { handled };
    } catch (error) {
        next?.(error);
        return { error };
    }
};

// Answers the SDK's own errors; every other goes on.
const errorHandler = () => async (error, request, response, next) => {
    if (!hasAnswer(error)) return next(error);
    try {
        const state = current();
        await state.refuse(error, state.callOf(request, response, undefined, adapter));
    } catch (foreign) {
        next(foreign);
    }
};

module.exports = { middleware, errorHandler, PreParsedRequest, CollectingResponse, BaseRequest, BaseResponse, _cookieLines: cookieLines };
