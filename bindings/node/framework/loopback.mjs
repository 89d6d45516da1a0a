import cjs from "./loopback.js";

export const middleware = cjs.middleware;
export const wrapRequest = cjs.wrapRequest;
export const wrapResponse = cjs.wrapResponse;
export default cjs;
