"use strict";

const { NotInThisPackage } = require("../../lib/not-here.js");
const { recipe } = require("../../lib/sdk.js");
const { current } = require("../../lib/state.js");

// The recipe is always there, and has no setting.
function init(config = {}) {
    for (const name of Object.keys(config)) throw new NotInThisPackage(`OpenId.init({ ${name} })`);
    return recipe("openid", {});
}

const run = async (name, input, userContext) => {
    const state = current();
    return (await state.engine.start(name, input, state.callOf(undefined, undefined, userContext))).value;
};

const getOpenIdDiscoveryConfiguration = async (userContext) => ({
    status: "OK",
    ...(await run("original.getOpenIdDiscoveryConfiguration", {}, userContext)),
});

// Carries `iss`, unless the payload has one.
const createJWT = async (payload = {}, validitySeconds = undefined, useStaticSigningKey = undefined, userContext = undefined) =>
    run("createJWT", { payload, validitySeconds, useStaticSigningKey }, userContext);

const OpenId = { init, getOpenIdDiscoveryConfiguration, createJWT };
module.exports = { ...OpenId, default: OpenId };
Object.defineProperty(module.exports, "__esModule", { value: true });
