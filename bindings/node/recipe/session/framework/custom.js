"use strict";

const { current } = require("../../../lib/state.js");
const { wrapped: adapter } = require("../../../lib/adapters.js");

// Lets a request through that has a session, at `req.session`. Gives the error that nobody here answers.
const verifySession = (options) => async (req, res, next) => {
    const state = current();
    const call = state.callOf(req, res, undefined, adapter);
    try {
        req.session = await state.verifyRoute(call, options, state.flagsOf(options));
    } catch (error) {
        try {
            await state.refuse(error, call);
        } catch (foreign) {
            next?.(foreign);
            return foreign;
        }
        return undefined;
    }
    next?.();
    return undefined;
};

module.exports = { verifySession };
