"use strict";

const { current } = require("../../../lib/state.js");
const { loopback: adapter } = require("../../../lib/adapters.js");

// An interceptor: lets a request through that has a session, at `session` of the middleware's context.
const verifySession = (options) => async (ctx, next) => {
    const state = current();
    const middlewareContext = await ctx.get("middleware.http.context");
    const call = state.callOf(middlewareContext, middlewareContext, undefined, adapter);
    try {
        middlewareContext.session = await state.verifyRoute(call, options, state.flagsOf(options));
    } catch (error) {
        return state.refuse(error, call);
    }
    return next();
};

module.exports = { verifySession };
