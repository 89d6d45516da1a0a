import cjs from "./index.js";

export const init = cjs.init;
export const createJWT = cjs.createJWT;
export const getJWKS = cjs.getJWKS;
export default cjs.default;
