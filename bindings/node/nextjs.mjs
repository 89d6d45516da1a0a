import cjs from "./nextjs.js";

export const superTokensNextWrapper = cjs.superTokensNextWrapper;
export const getAppDirRequestHandler = cjs.getAppDirRequestHandler;
export const getSSRSession = cjs.getSSRSession;
export const withSession = cjs.withSession;
export const withPreParsedRequestResponse = cjs.withPreParsedRequestResponse;
export default cjs.default;
