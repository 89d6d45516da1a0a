// What the engine needs of each framework's requests and responses: verb, address and six headers of the one; a way to change headers
// and to answer of the other.
"use strict";

const {
    BaseRequest, NodeResponse, WrappedResponse, applyTo, applyToNode, cookieOf, formOf, jsonOf, one, partsOfCookie, queryOf,
    sendToNode,
} = require("./http.js");

const NAMES = ["cookie", "authorization", "anti-csrf", "rid", "st-auth-mode", "fdi-version"];

// Of node:http's headers, by names in small letters.
function partsOf(method, url, headers) {
    return [
        method, url, one(headers.cookie), one(headers.authorization), one(headers["anti-csrf"]), one(headers.rid),
        one(headers["st-auth-mode"]), one(headers["fdi-version"]),
    ];
}

// A request of any framework, by what it is made of.
class Request extends BaseRequest {
    #of;
    constructor(original, of) {
        super();
        this.original = original;
        this.#of = of;
    }
    getMethod = () => this.#of.method().toLowerCase();
    getOriginalURL = () => this.#of.url();
    getHeaderValue = (key) => one(this.#of.headers()[key.toLowerCase()]);
    getCookieValue = (key) => cookieOf(this.getHeaderValue("cookie"), key);
    getKeyValueFromQuery = (key) => queryOf(this.#of.url(), key);
    getJSONFromRequestBody() {
        return jsonOf(this.#of.body(), this.#of.stream());
    }
    getFormDataFromRequestBody() {
        return formOf(this.#of.body(), this.#of.stream());
    }
}

const urlOf = (req) => req.originalUrl ?? req.url;
const ofNode = (req) =>
    new Request(req, { method: () => req.method, url: () => urlOf(req), headers: () => req.headers, body: () => req.body, stream: () => req });

const express = {
    parts: (req) => partsOf(req.method, urlOf(req), req.headers),
    request: ofNode,
    response: (res) => new NodeResponse(res),
    apply: applyToNode,
    isSent: (res) => res.headersSent || res.writableEnded,
    send: sendToNode,
};

// LoopBack's context holds Express's.
const loopback = {
    parts: (ctx) => express.parts(ctx.request),
    request: (ctx) => {
        const request = ofNode(ctx.request);
        request.original = ctx;
        return request;
    },
    response: (ctx) => new NodeResponse(ctx.response),
    apply: (ctx, changes) => applyToNode(ctx.response, changes),
    isSent: (ctx) => express.isSent(ctx.response),
    send: (ctx, ...answer) => sendToNode(ctx.response, ...answer),
};

// Koa answers when all middleware is through, Fastify when its hooks are, and classes of an application may not say: what is answered so far.
const answered = new WeakSet();

function sendToKoa(ctx, status, type, body) {
    ctx.status = status;
    ctx.body = body;
    ctx.set("content-type", type);
    answered.add(ctx);
}

class KoaResponse extends NodeResponse {
    constructor(ctx) {
        super(ctx.res);
        this.ctx = ctx;
        this.original = ctx.res;
    }
    isSent() {
        return koa.isSent(this.ctx);
    }
    send(...answer) {
        sendToKoa(this.ctx, ...answer);
    }
}

const koa = {
    parts: (ctx) => partsOf(ctx.method, ctx.originalUrl, ctx.headers),
    request: (ctx) =>
        new Request(ctx, {
            method: () => ctx.method, url: () => ctx.originalUrl, headers: () => ctx.headers, body: () => ctx.request.body, stream: () => ctx.req,
        }),
    response: (ctx) => new KoaResponse(ctx),
    apply: (ctx, changes) => applyToNode(ctx.res, changes),
    isSent: (ctx) => answered.has(ctx) || ctx.headerSent,
    send: sendToKoa,
};

class FastifyHeaders {
    constructor(reply) {
        this.reply = reply;
    }
    get(name) {
        return this.reply.getHeader(name);
    }
    set(name, value) {
        this.reply.header(name, value);
    }
    remove(name) {
        this.reply.removeHeader(name);
    }
    cookies() {
        return [].concat(this.reply.getHeader("set-cookie") ?? []).map(String);
    }
    setCookies(cookies) {
        // It adds cookies to those that are there.
        this.reply.removeHeader("set-cookie");
        this.reply.header("set-cookie", cookies);
    }
}

class FastifyResponse extends WrappedResponse {
    headers() {
        return new FastifyHeaders(this.original);
    }
    changed(changes) {
        fastify.apply(this.original, changes);
    }
    isSent() {
        return fastify.isSent(this.original);
    }
    send(...answer) {
        fastify.send(this.original, ...answer);
    }
}

const fastify = {
    parts: (req) => partsOf(req.method, urlOf(req), req.headers),
    request: (req) =>
        new Request(req, { method: () => req.method, url: () => urlOf(req), headers: () => req.headers, body: () => req.body, stream: () => req.raw }),
    response: (reply) => new FastifyResponse(reply),
    apply: (reply, changes) => {
        if (!reply.sent) applyTo(new FastifyHeaders(reply), changes);
    },
    isSent: (reply) => answered.has(reply) || reply.sent,
    send: (reply, status, type, body) => {
        answered.add(reply);
        reply.code(status).header("content-type", type).send(body);
    },
};

// Hapi makes its response at the end: changes are kept with the request until then. `res` may be the toolkit or the request.
const hapiRequest = (res) => res.request ?? res;
const hapiKept = (res) => (hapiRequest(res).app.supertokens ??= { changes: [], answer: undefined });

// The changes so far, as headers that can be read.
const headersOf = ({ changes }) => ({
    get: (name) => {
        for (let at = changes.length - 2; at >= 0; at -= 2) if (changes[at] === name) return changes[at + 1] ?? undefined;
    },
});

class HapiResponse extends WrappedResponse {
    headers() {
        return headersOf(hapiKept(this.original));
    }
    changed(changes) {
        hapi.apply(this.original, changes);
    }
    isSent() {
        return hapi.isSent(this.original);
    }
    send(...answer) {
        hapi.send(this.original, ...answer);
    }
}

const hapi = {
    parts: (req) => partsOf(req.method.toUpperCase(), `${req.url.pathname}${req.url.search}`, req.headers),
    request: (req) =>
        new Request(req, {
            method: () => req.method, url: () => `${req.url.pathname}${req.url.search}`, headers: () => req.headers, body: () => req.payload, stream: () => req.raw.req,
        }),
    response: (res) => new HapiResponse(res),
    apply: (res, changes) => void hapiKept(res).changes.push(...changes),
    isSent: (res) => hapiKept(res).answer !== undefined,
    send: (res, status, type, body) => {
        hapiKept(res).answer = { status, type, body };
    },
    kept: hapiKept,
};

// An event of API Gateway, of either format; changes and an answer are kept with it.
const isSecond = (event) => event.version === "2.0" || event.requestContext?.http !== undefined;
const eventKept = (event) => (event.supertokens ??= { response: { changes: [], answer: undefined } }).response;

function eventHeaders(event) {
    const headers = {};
    for (const [name, value] of Object.entries(event.headers ?? {})) if (value !== undefined) headers[name.toLowerCase()] = value;
    // Of headers that came twice, the format with lists has both.
    for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) {
        if (Array.isArray(values) && values.length > 1) headers[name.toLowerCase()] = name.toLowerCase() === "cookie" ? values.join("; ") : values[0];
    }
    if (Array.isArray(event.cookies) && event.cookies.length > 0) headers.cookie = event.cookies.join("; ");
    return headers;
}

const eventMethod = (event) => (isSecond(event) ? event.requestContext.http.method : event.httpMethod);

function eventUrl(event) {
    if (!isSecond(event)) {
        const query = new URLSearchParams(event.queryStringParameters ?? {}).toString();
        return query === "" ? event.path : `${event.path}?${query}`;
    }
    const { http, stage } = event.requestContext;
    const prefix = `/${stage}`;
    const path = stage !== undefined && stage !== "$default" && (http.path === prefix || http.path.startsWith(`${prefix}/`)) ? http.path.slice(prefix.length) : http.path;
    return event.rawQueryString ? `${path || "/"}?${event.rawQueryString}` : path || "/";
}

const eventBody = (event) =>
    typeof event.body === "string" && event.isBase64Encoded ? Buffer.from(event.body, "base64").toString("utf8") : (event.body ?? "");

class LambdaResponse extends WrappedResponse {
    headers() {
        return headersOf(eventKept(this.original));
    }
    changed(changes) {
        awsLambda.apply(this.original, changes);
    }
    isSent() {
        return awsLambda.isSent(this.original);
    }
    send(...answer) {
        awsLambda.send(this.original, ...answer);
    }
}

const awsLambda = {
    parts: (event) => partsOf(eventMethod(event), eventUrl(event), eventHeaders(event)),
    request: (event) =>
        new Request(event, {
            method: () => eventMethod(event), url: () => eventUrl(event), headers: () => eventHeaders(event), body: () => eventBody(event), stream: () => undefined,
        }),
    response: (event) => new LambdaResponse(event),
    apply: (event, changes) => void eventKept(event).changes.push(...changes),
    isSent: (event) => eventKept(event).answer !== undefined,
    send: (event, status, type, body) => {
        eventKept(event).answer = { status, type, body };
    },
    kept: eventKept,
    isSecond,
    url: eventUrl,
};

const watched = new WeakSet();

// Notes when one of the application's functions answers by a response that cannot be asked for it.
function watch(res) {
    watched.add(res);
    for (const name of ["sendJSONResponse", "sendHTMLResponse"]) {
        const send = res[name];
        if (typeof send !== "function") continue;
        res[name] = (...content) => {
            answered.add(res);
            return send.apply(res, content);
        };
    }
}

// Requests and responses that the application has wrapped by itself.
const wrapped = {
    parts: (req, state) => {
        const values = NAMES.map((name) => one(req.getHeaderValue(name)));
        // Some wrap a request whose cookies were parsed already, and have no header for them.
        if (values[0] === undefined) {
            const found = state.cookieNames(req).map((name) => [name, req.getCookieValue(name)]).filter(([, value]) => value !== undefined);
            if (found.length > 0) values[0] = found.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("; ");
        }
        return [req.getMethod().toUpperCase(), req.getOriginalURL(), ...values];
    },
    request: (req) => req,
    response: (res) => {
        if (typeof res.isSent !== "function" && !watched.has(res)) watch(res);
        return res;
    },
    apply: (res, changes) => {
        if (typeof res.changed === "function") return res.changed(changes);
        for (let at = 0; at < changes.length; at += 2) {
            const [name, value] = [changes[at], changes[at + 1]];
            if (value === null || value === undefined) res.removeHeader(name);
            else if (name === "set-cookie") {
                const { key, value: of, domain, secure, httpOnly, expires, path, sameSite } = partsOfCookie(value);
                res.setCookie(key, of, domain, secure, httpOnly, expires, path, sameSite);
            } else res.setHeader(name, value, name === "access-control-expose-headers");
        }
    },
    isSent: (res) => answered.has(res) || (typeof res.isSent === "function" && res.isSent()),
    send: (res, status, type, body) => {
        res.setStatusCode(status);
        if (type.startsWith("application/json")) res.sendJSONResponse(JSON.parse(body));
        else res.sendHTMLResponse(body);
    },
};

module.exports = { express, loopback, koa, fastify, hapi, awsLambda, custom: wrapped, wrapped };
