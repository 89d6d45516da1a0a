import cjs from "./koa.js";

export const verifySession = cjs.verifySession;
export default cjs;
