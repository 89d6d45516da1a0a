import cjs from "./index.js";

export const init = cjs.init;
export const getOpenIdDiscoveryConfiguration = cjs.getOpenIdDiscoveryConfiguration;
export const createJWT = cjs.createJWT;
export default cjs.default;
