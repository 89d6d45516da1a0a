"use strict";

const { current } = require("../lib/state.js");
const { koa: adapter } = require("../lib/adapters.js");

// Answers the SDK's own paths, and the SDK's errors of whatever is inside.
const middleware = () => async (ctx, next) => {
    const state = current();
    try {
        if (state.mayBeOurs(ctx.originalUrl) && (await state.handle(state.callOf(ctx, ctx, undefined, adapter)))) return;
        await next();
    } catch (error) {
        await state.refuse(error, state.callOf(ctx, ctx, undefined, adapter));
    }
};

const wrapRequest = (ctx) => adapter.request(ctx);
const wrapResponse = (ctx) => adapter.response(ctx);

module.exports = { middleware, wrapRequest, wrapResponse };
