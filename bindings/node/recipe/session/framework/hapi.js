"use strict";

const { current } = require("../../../lib/state.js");
const { hapi: adapter } = require("../../../lib/adapters.js");
const { _taken: taken } = require("../../../framework/hapi.js");

// For the route's `pre`: lets a request through that has a session, at `req.session`.
const verifySession = (options) => async (req, h) => {
    const state = current();
    const call = state.callOf(req, h, undefined, adapter);
    try {
        req.session = await state.verifyRoute(call, options, state.flagsOf(options));
    } catch (error) {
        await state.refuse(error, call);
        return taken(req, h).takeover();
    }
    return h.continue;
};

module.exports = { verifySession };
