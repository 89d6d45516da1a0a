import cjs from "./hapi.js";

export const verifySession = cjs.verifySession;
export default cjs;
