"use strict";

const { current } = require("../lib/state.js");
const { express: adapter } = require("../lib/adapters.js");

// Answers the SDK's own paths; every other request goes on. Reads no body.
const middleware = () => async (req, res, next) => {
    try {
        const state = current();
        if (!state.mayBeOurs(req.originalUrl ?? req.url) || !(await state.handle(state.callOf(req, res, undefined, adapter)))) next();
    } catch (error) {
        next(error);
    }
};

// Answers the SDK's own errors; every other goes on.
const errorHandler = () => async (error, req, res, next) => {
    try {
        const state = current();
        await state.refuse(error, state.callOf(req, res, undefined, adapter));
    } catch (foreign) {
        next(foreign);
    }
};

const wrapRequest = (req) => adapter.request(req);
const wrapResponse = (res) => adapter.response(res);

module.exports = { middleware, errorHandler, wrapRequest, wrapResponse };
