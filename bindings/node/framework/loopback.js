"use strict";

const { current } = require("../lib/state.js");
const { loopback: adapter } = require("../lib/adapters.js");

// Answers the SDK's own paths, and the SDK's errors of whatever is inside.
const middleware = async (ctx, next) => {
    const state = current();
    const call = state.callOf(ctx, ctx, undefined, adapter);
    try {
        if (state.mayBeOurs(ctx.request.originalUrl ?? ctx.request.url) && (await state.handle(call))) return undefined;
        return await next();
    } catch (error) {
        return state.refuse(error, call);
    }
};

const wrapRequest = (ctx) => adapter.request(ctx);
const wrapResponse = (ctx) => adapter.response(ctx);

module.exports = { middleware, wrapRequest, wrapResponse };
