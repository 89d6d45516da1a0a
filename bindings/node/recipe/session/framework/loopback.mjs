import cjs from "./loopback.js";

export const verifySession = cjs.verifySession;
export default cjs;
