import cjs from "./custom.js";

export const middleware = cjs.middleware;
export const errorHandler = cjs.errorHandler;
export const PreParsedRequest = cjs.PreParsedRequest;
export const CollectingResponse = cjs.CollectingResponse;
export const BaseRequest = cjs.BaseRequest;
export const BaseResponse = cjs.BaseResponse;
export default cjs;
