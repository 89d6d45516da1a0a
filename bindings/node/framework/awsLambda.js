"use strict";

const { current } = require("../lib/state.js");
const { applyTo } = require("../lib/http.js");
const { awsLambda: adapter } = require("../lib/adapters.js");

// What the function gives to the gateway: the handler's result, or our answer, with all changes in it. Names of headers that the
// handler has set keep their spelling.
function finished(event, result) {
    const { changes, answer } = adapter.kept(event);
    const given = answer ? { statusCode: answer.status, body: answer.body, headers: { "content-type": answer.type } } : result;
    if (changes.length === 0) return given;
    // The second format allows a function to give just its body.
    const whole = typeof given === "object" && given !== null ? given : { statusCode: 200, body: given };
    const headers = { ...whole.headers };
    const spelled = (name) => Object.keys(headers).find((known) => known.toLowerCase() === name) ?? name;
    const second = adapter.isSecond(event);
    const several = { ...whole.multiValueHeaders };
    const key = Object.keys(several).find((known) => known.toLowerCase() === "set-cookie") ?? "Set-Cookie";
    let cookies = second ? (whole.cookies ?? []) : (several[key] ?? []);
    applyTo(
        {
            get: (name) => headers[spelled(name)],
            set: (name, value) => (headers[spelled(name)] = value),
            remove: (name) => delete headers[spelled(name)],
            cookies: () => cookies,
            setCookies: (all) => (cookies = all),
        },
        changes,
    );
    if (second) return { ...whole, headers, cookies };
    return { ...whole, headers, multiValueHeaders: cookies.length > 0 ? { ...several, [key]: cookies } : several };
}

// Answers the SDK's own paths, and the SDK's errors of the handler. Without a handler all else is answered 404.
const middleware = (handler) => async (event, context, callback) => {
    const state = current();
    const call = state.callOf(event, event, undefined, adapter);
    try {
        if (state.mayBeOurs(adapter.url(event)) && (await state.handle(call))) return finished(event);
        if (handler !== undefined) return finished(event, await handler(event, context, callback));
    } catch (error) {
        await state.refuse(error, call);
        return finished(event);
    }
    const { pathname } = new URL(adapter.url(event), "http://localhost");
    return finished(event, {
        statusCode: 404,
        headers: { "content-type": "application/json; charset=utf-8" },
        body: JSON.stringify({ message: `nothing is served at ${pathname} for ${call.parts()[0]}` }),
    });
};

const wrapRequest = (event) => adapter.request(event);
const wrapResponse = (event) => adapter.response(event);

module.exports = { middleware, wrapRequest, wrapResponse, _finished: finished };
