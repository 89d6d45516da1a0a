"use strict";

const { current } = require("../../../lib/state.js");
const { fastify: adapter } = require("../../../lib/adapters.js");

// A hook: lets a request through that has a session, at `req.session`.
const verifySession = (options) => async (req, reply) => {
    const state = current();
    const call = state.callOf(req, reply, undefined, adapter);
    try {
        req.session = await state.verifyRoute(call, options, state.flagsOf(options));
    } catch (error) {
        await state.refuse(error, call);
        return reply;
    }
};

module.exports = { verifySession };
