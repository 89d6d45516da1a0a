import cjs from "./fastify.js";

export const plugin = cjs.plugin;
export const errorHandler = cjs.errorHandler;
export const wrapRequest = cjs.wrapRequest;
export const wrapResponse = cjs.wrapResponse;
export default cjs;
