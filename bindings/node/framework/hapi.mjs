import cjs from "./hapi.js";

export const plugin = cjs.plugin;
export const wrapRequest = cjs.wrapRequest;
export const wrapResponse = cjs.wrapResponse;
export default cjs;
