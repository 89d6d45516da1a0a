// Requests and responses as an application's own functions see them, and what all frameworks share: which parts of a request the
// engine reads, and how changes are applied to a response.
"use strict";

const { parse: parseForm } = require("node:querystring");

// As much of a body as an application may read through a wrapped request, in bytes.
const LARGEST_BODY = 1024 * 1024;

const one = (value) => (typeof value === "string" ? value : Array.isArray(value) && typeof value[0] === "string" ? value[0] : undefined);

class BaseRequest {
    #json;
    #form;

    constructor() {
        this.wrapperUsed = true;
        this.original = undefined;
    }
    getJSONBody = () => (this.#json ??= this.getJSONFromRequestBody());
    getFormData = () => (this.#form ??= this.getFormDataFromRequestBody());
    getBodyAsJSONOrFormData = async () => {
        const type = this.getHeaderValue("content-type") ?? "";
        if (type.startsWith("application/json")) return this.getJSONBody();
        if (type.startsWith("application/x-www-form-urlencoded") || type.startsWith("multipart/form-data")) return this.getFormData();
        return this.getJSONBody().catch(() => this.getFormData());
    };
}

class BaseResponse {
    constructor() {
        this.wrapperUsed = true;
        this.original = undefined;
    }
}

function cookieOf(header, name) {
    for (const pair of (header ?? "").split(";")) {
        const at = pair.indexOf("=");
        if (at < 0 || pair.slice(0, at).trim() !== name) continue;
        const value = pair.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
        try {
            return decodeURIComponent(value);
        } catch {
            return value;
        }
    }
}

function queryOf(url, name) {
    const at = url.indexOf("?");
    return at < 0 ? undefined : (new URLSearchParams(url.slice(at + 1)).get(name) ?? undefined);
}

// The body of a request of Node's: what a parser has made of it, or what can still be read.
async function textOf(stream) {
    const pieces = [];
    let size = 0;
    for await (const piece of stream) {
        size += piece.length;
        if (size > LARGEST_BODY) throw new Error("the body is larger than 1 MiB");
        pieces.push(typeof piece === "string" ? Buffer.from(piece) : piece);
    }
    return Buffer.concat(pieces).toString("utf8");
}

async function jsonOf(body, stream) {
    if (body !== undefined && body !== null && typeof body === "object" && !Buffer.isBuffer(body)) return body;
    const text = body === undefined || body === null ? (stream?.readable ? await textOf(stream) : "") : body.toString();
    return text === "" ? {} : JSON.parse(text);
}

async function formOf(body, stream) {
    if (body !== undefined && body !== null && typeof body === "object" && !Buffer.isBuffer(body)) return body;
    const text = body === undefined || body === null ? (stream?.readable ? await textOf(stream) : "") : body.toString();
    return { ...parseForm(text) };
}

const nameOf = (cookie) => cookie.slice(0, cookie.indexOf("="));

// `there`: {get, set, remove, cookies, setCookies}. Headers are set, names are exposed besides those that are, a cookie takes the place
// of one of its name, and what says that nobody else may keep the response stays.
function applyTo(there, changes) {
    let cookies;
    for (let at = 0; at < changes.length; at += 2) {
        const [name, value] = [changes[at], changes[at + 1]];
        if (value === null || value === undefined) there.remove(name);
        else if (name === "set-cookie") (cookies ??= []).push(value);
        else if (name === "access-control-expose-headers") there.set(name, exposed(there.get(name), value));
        else if (name === "cache-control" && /no-store|private/i.test(String(there.get(name) ?? ""))) continue;
        else there.set(name, value);
    }
    if (cookies === undefined) return;
    const names = new Set(cookies.map(nameOf));
    there.setCookies([...there.cookies().filter((cookie) => !names.has(nameOf(cookie))), ...cookies]);
}

function exposed(before, names) {
    if (before === undefined || before === "") return names;
    const list = String(before).split(/\s*,\s*/);
    const known = new Set(list.map((name) => name.toLowerCase()));
    return [...list, ...names.split(/\s*,\s*/).filter((name) => !known.has(name.toLowerCase()))].join(", ");
}

// A response of node:http, as Express, Koa, LoopBack and Next.js have it.
class NodeHeaders {
    constructor(res) {
        this.res = res;
    }
    get(name) {
        return this.res.getHeader(name);
    }
    set(name, value) {
        this.res.setHeader(name, value);
    }
    remove(name) {
        this.res.removeHeader(name);
    }
    cookies() {
        return [].concat(this.res.getHeader("set-cookie") ?? []).map(String);
    }
    setCookies(cookies) {
        this.res.setHeader("set-cookie", cookies);
    }
}

const applyToNode = (res, changes) => {
    if (!res.headersSent && !res.writableEnded) applyTo(new NodeHeaders(res), changes);
};

// One `Set-Cookie` line, as the arguments of `setCookie`.
function partsOfCookie(line) {
    const [pair, ...attributes] = line.split("; ");
    const found = new Map(
        attributes.map((attribute) => {
            const at = attribute.indexOf("=");
            return at < 0 ? [attribute.toLowerCase(), true] : [attribute.slice(0, at).toLowerCase(), attribute.slice(at + 1)];
        }),
    );
    return {
        key: nameOf(pair),
        value: decodeURIComponent(pair.slice(pair.indexOf("=") + 1)),
        domain: found.get("domain"),
        secure: found.has("secure"),
        httpOnly: found.has("httponly"),
        expires: Date.parse(found.get("expires")),
        path: found.get("path") ?? "/",
        sameSite: String(found.get("samesite") ?? "lax").toLowerCase(),
    };
}

function lineOfCookie(key, value, domain, secure, httpOnly, expires, path, sameSite) {
    const parts = [`${key}=${encodeURIComponent(value)}`];
    if (domain !== undefined) parts.push(`Domain=${domain}`);
    parts.push(`Path=${path}`, `Expires=${new Date(expires).toUTCString()}`);
    if (httpOnly) parts.push("HttpOnly");
    if (secure) parts.push("Secure");
    parts.push(`SameSite=${sameSite[0].toUpperCase()}${sameSite.slice(1)}`);
    return parts.join("; ");
}

// A response that wraps one of a framework: each says how headers are set (`changed`), and how an answer is given (`send`).
class WrappedResponse extends BaseResponse {
    constructor(original) {
        super();
        this.original = original;
        this.statusCode = 200;
    }
    setHeader = (key, value, allowDuplicateKey) => {
        const before = allowDuplicateKey ? this.headers().get(key.toLowerCase()) : undefined;
        this.changed([key.toLowerCase(), before === undefined ? value : `${before}, ${value}`]);
    };
    removeHeader = (key) => this.changed([key.toLowerCase(), null]);
    setCookie = (...parts) => this.changed(["set-cookie", lineOfCookie(...parts)]);
    setStatusCode = (status) => {
        if (!this.isSent()) this.statusCode = status;
    };
    sendJSONResponse = (content) => {
        if (!this.isSent()) this.send(this.statusCode, "application/json; charset=utf-8", JSON.stringify(content));
    };
    sendHTMLResponse = (html) => {
        if (!this.isSent()) this.send(this.statusCode, "text/html; charset=utf-8", html);
    };
}

// One of node:http.
class NodeResponse extends WrappedResponse {
    headers() {
        return new NodeHeaders(this.original);
    }
    changed(changes) {
        applyToNode(this.original, changes);
    }
    isSent() {
        return this.original.headersSent || this.original.writableEnded;
    }
    send(status, type, body) {
        sendToNode(this.original, status, type, body);
    }
}

function sendToNode(res, status, type, body) {
    if (res.headersSent || res.writableEnded) return;
    res.statusCode = status;
    res.setHeader("content-type", type);
    res.end(body);
}

module.exports = {
    BaseRequest, BaseResponse, NodeResponse, WrappedResponse, applyTo, applyToNode, cookieOf, formOf, jsonOf, lineOfCookie, one,
    partsOfCookie, queryOf, sendToNode,
};
