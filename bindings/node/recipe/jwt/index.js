"use strict";

const { NotInThisPackage } = require("../../lib/not-here.js");
const { recipe } = require("../../lib/sdk.js");
const { current } = require("../../lib/state.js");

// The recipe is always there; list it to change its setting.
function init({ jwtValiditySeconds, ...rest } = {}) {
    for (const name of Object.keys(rest)) throw new NotInThisPackage(`JWT.init({ ${name} })`);
    return recipe("jwt", { jwtValiditySeconds });
}

const run = async (name, input, userContext) => {
    const state = current();
    return (await state.engine.start(`original.${name}`, input, state.callOf(undefined, undefined, userContext))).value;
};

// With the payload as it is given; OpenId's adds who issues it.
const createJWT = async (payload = {}, validitySeconds = undefined, useStaticSigningKey = undefined, userContext = undefined) =>
    run("createJWT", { payload, validitySeconds, useStaticSigningKey }, userContext);

async function getJWKS(userContext) {
    const { keys, validityInSeconds } = await run("getJWKS", {}, userContext);
    return { keys, validityInSeconds: validityInSeconds ?? undefined };
}

const JWT = { init, createJWT, getJWKS };
module.exports = { ...JWT, default: JWT };
Object.defineProperty(module.exports, "__esModule", { value: true });
