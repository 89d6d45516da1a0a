"use strict";

const { current } = require("../../../lib/state.js");
const { koa: adapter } = require("../../../lib/adapters.js");

// Lets a request through that has a session, at `ctx.session`.
const verifySession = (options) => async (ctx, next) => {
    const state = current();
    const call = state.callOf(ctx, ctx, undefined, adapter);
    try {
        ctx.session = await state.verifyRoute(call, options, state.flagsOf(options));
    } catch (error) {
        return state.refuse(error, call);
    }
    await next();
};

module.exports = { verifySession };
