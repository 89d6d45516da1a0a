import cjs from "./express.js";

export const middleware = cjs.middleware;
export const errorHandler = cjs.errorHandler;
export const wrapRequest = cjs.wrapRequest;
export const wrapResponse = cjs.wrapResponse;
export default cjs;
