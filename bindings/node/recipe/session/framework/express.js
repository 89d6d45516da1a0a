"use strict";

const { isLater } = require("../../../lib/later.js");
const { current } = require("../../../lib/state.js");
const { express: adapter } = require("../../../lib/adapters.js");

const DONE = Promise.resolve();

// Lets a request through that has a session, at `req.session`. Where nothing has to be waited for, nothing is.
function verifySession(options) {
    return (req, res, next) => {
        let call, state;
        const refused = async (error) => {
            try {
                if (call === undefined) throw error;
                await state.refuse(error, call);
            } catch (foreign) {
                next(foreign);
            }
        };
        let found;
        try {
            state = current();
            call = state.callOf(req, res, undefined, adapter);
            found = state.verifyRoute(call, options, state.flagsOf(options));
        } catch (error) {
            return refused(error);
        }
        if (isLater(found)) {
            return Promise.resolve(found).then((session) => {
                req.session = session;
                next();
            }, refused);
        }
        req.session = found;
        next();
        return DONE;
    };
}

module.exports = { verifySession };
