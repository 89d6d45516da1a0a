// The addon: loaded at `init`, so that an import alone costs nothing and breaks nothing.
"use strict";

let loaded;

module.exports = () => {
    if (loaded !== undefined) return loaded;
    try {
        loaded = require("../supertokens.node");
    } catch (error) {
        throw new Error(
            `supertokens-rs: its native part (supertokens.node, for ${process.platform}-${process.arch}) could not be loaded: ${error.message}. ` +
                "Build it in a clone with bindings/node/pack. If a bundler is in between, keep this package out of the bundle: Next.js has " +
                'serverExternalPackages: ["supertokens-rs"] for it, webpack and esbuild call it "external".',
            { cause: error },
        );
    }
    return loaded;
};
