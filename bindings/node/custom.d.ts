import type { CollectingResponse, PreParsedRequest } from "./framework/custom";
import type { SSRSession, SessionContainer, UserContext, VerifySessionOptions } from "./types";

export interface ParsableRequest {
    url: string;
    method: string;
    headers: Headers;
    formData: () => Promise<FormData>;
    json: () => Promise<any>;
}
export declare function getCookieFromRequest<RequestType extends ParsableRequest = Request>(request: RequestType): Record<string, string>;
export declare function getQueryFromRequest<RequestType extends ParsableRequest = Request>(request: RequestType): Record<string, string>;
export declare function handleAuthAPIRequest(): (req: Request) => Promise<Response>;
export declare function getSessionForSSR<RequestType extends ParsableRequest = Request>(request: RequestType): Promise<SSRSession>;
export declare function getSessionForSSRUsingAccessToken(accessToken: string | undefined): Promise<SSRSession>;
export declare function withSession<RequestType extends ParsableRequest = Request, ResponseType extends Response = Response>(
    request: RequestType,
    handler: (error: Error | undefined, session: SessionContainer | undefined) => Promise<ResponseType>,
    options?: VerifySessionOptions,
    userContext?: UserContext,
): Promise<ResponseType>;
export declare function withPreParsedRequestResponse<RequestType extends ParsableRequest = Request, ResponseType extends Response = Response>(
    request: RequestType,
    handler: (baseRequest: PreParsedRequest, baseResponse: CollectingResponse) => Promise<ResponseType>,
): Promise<ResponseType>;

declare const Custom: {
    getCookieFromRequest: typeof getCookieFromRequest;
    getQueryFromRequest: typeof getQueryFromRequest;
    handleAuthAPIRequest: typeof handleAuthAPIRequest;
    getSessionForSSR: typeof getSessionForSSR;
    getSessionForSSRUsingAccessToken: typeof getSessionForSSRUsingAccessToken;
    withSession: typeof withSession;
    withPreParsedRequestResponse: typeof withPreParsedRequestResponse;
};
export default Custom;
