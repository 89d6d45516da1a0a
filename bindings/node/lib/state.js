// The SDK of this thread, between `init` and the end.
"use strict";

let instance;

const current = () => {
    if (instance === undefined) throw new Error("Initialisation not done. Did you forget to call the SuperTokens.init function?");
    return instance;
};

module.exports = {
    current,
    isThere: () => instance !== undefined,
    set: (state) => {
        instance = state;
    },
};
