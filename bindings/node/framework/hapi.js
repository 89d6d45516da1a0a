"use strict";

const { current } = require("../lib/state.js");
const { hasAnswer } = require("../lib/error.js");
const { applyTo } = require("../lib/http.js");
const { hapi: adapter } = require("../lib/adapters.js");

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

// The answer that was kept with the request, as Hapi's.
function taken(req, h) {
    const { status, type, body } = adapter.kept(req).answer;
    return h.response(body).code(status).header("content-type", type);
}

function apply(response, changes) {
    const headers = response.isBoom ? response.output.headers : response.headers;
    applyTo(
        {
            get: (name) => headers[name],
            set: (name, value) => (headers[name] = value),
            remove: (name) => delete headers[name],
            cookies: () => [].concat(headers["set-cookie"] ?? []).map(String),
            setCookies: (cookies) => (headers["set-cookie"] = cookies),
        },
        changes,
    );
}

async function onPreResponse(req, h) {
    let { response } = req;
    if (hasAnswer(response)) {
        const state = current();
        await state.refuse(response, state.callOf(req, h, undefined, adapter));
        response = taken(req, h);
    }
    apply(response, adapter.kept(req).changes);
    return response === req.response ? h.continue : response;
}

// Answers the SDK's own paths and errors, and writes what changes into responses.
const plugin = {
    name: "supertokens-rs",
    version: require("../package.json").version,
    register: async (server) => {
        server.ext("onPreHandler", async (req, h) => {
            const state = current();
            if (!state.mayBeOurs(req.url.pathname)) return h.continue;
            return (await state.handle(state.callOf(req, h, undefined, adapter))) ? taken(req, h).takeover() : h.continue;
        });
        server.ext("onPreResponse", onPreResponse);
        // Hapi runs hooks for routes that it knows.
        const base = `/${(current().config.appInfo.apiBasePath ?? "/auth").split("/").filter(Boolean).join("/")}`;
        const path = base === "/" ? "/{path*}" : `${base}/{path*}`;
        server.route({ path, method: METHODS, handler: (_req, h) => h.response({ message: "Not found" }).code(404) });
    },
};

const wrapRequest = (req) => adapter.request(req);
const wrapResponse = (h) => adapter.response(h);

module.exports = { plugin, wrapRequest, wrapResponse, _taken: taken };
