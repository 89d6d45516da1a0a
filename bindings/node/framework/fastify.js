"use strict";

const { current } = require("../lib/state.js");
const { fastify: adapter } = require("../lib/adapters.js");

// Answers the SDK's own paths.
function plugin(instance, _options, done) {
    instance.addHook("preHandler", async (req, reply) => {
        const state = current();
        if (state.mayBeOurs(req.originalUrl ?? req.url) && (await state.handle(state.callOf(req, reply, undefined, adapter)))) return reply;
    });
    done();
}
// What the package fastify-plugin writes on a function: hooks count for the whole application, and the plugin has a name.
plugin[Symbol.for("skip-override")] = true;
plugin[Symbol.for("fastify.display-name")] = "supertokens-rs";

// Answers the SDK's own errors; every other goes on to the handler around.
const errorHandler = () => async (error, req, reply) => {
    const state = current();
    if (reply.sent) return reply;
    await state.refuse(error, state.callOf(req, reply, undefined, adapter));
    return reply;
};

const wrapRequest = (req) => adapter.request(req);
const wrapResponse = (reply) => adapter.response(reply);

module.exports = { plugin, errorHandler, wrapRequest, wrapResponse };
