import cjs from "./custom.js";

export const handleAuthAPIRequest = cjs.handleAuthAPIRequest;
export const getSessionForSSR = cjs.getSessionForSSR;
export const getSessionForSSRUsingAccessToken = cjs.getSessionForSSRUsingAccessToken;
export const withSession = cjs.withSession;
export const withPreParsedRequestResponse = cjs.withPreParsedRequestResponse;
export const getCookieFromRequest = cjs.getCookieFromRequest;
export const getQueryFromRequest = cjs.getQueryFromRequest;
export default cjs.default;
