"use strict";

const { current } = require("../../../lib/state.js");
const { awsLambda: adapter } = require("../../../lib/adapters.js");
const { _finished: finished } = require("../../../framework/awsLambda.js");

// Wraps a function that needs a session, at `event.session`.
const verifySession = (handler, options) => async (event, context, callback) => {
    const state = current();
    const call = state.callOf(event, event, undefined, adapter);
    try {
        event.session = await state.verifyRoute(call, options, state.flagsOf(options));
        return finished(event, await handler(event, context, callback));
    } catch (error) {
        await state.refuse(error, call);
        return finished(event);
    }
};

module.exports = { verifySession };
