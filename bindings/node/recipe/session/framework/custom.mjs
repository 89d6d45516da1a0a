import cjs from "./custom.js";

export const verifySession = cjs.verifySession;
export default cjs;
