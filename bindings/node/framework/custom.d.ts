import { BaseRequest, BaseResponse, HTTPMethod, SessionContainer } from "../types";

export { BaseRequest, BaseResponse };

export interface RequestInfo {
    url: string;
    method: HTTPMethod;
    headers: Headers;
    cookies: Record<string, string>;
    query: Record<string, string>;
    getJSONBody: () => Promise<any>;
    getFormBody: () => Promise<any>;
    setSession?: (session: SessionContainer) => void;
}
export declare class PreParsedRequest extends BaseRequest {
    constructor(request: RequestInfo);
    get session(): SessionContainer | undefined;
    set session(value: SessionContainer | undefined);
    protected getJSONFromRequestBody(): Promise<any>;
    protected getFormDataFromRequestBody(): Promise<any>;
    getKeyValueFromQuery: (key: string) => string | undefined;
    getMethod: () => HTTPMethod;
    getCookieValue: (key: string) => string | undefined;
    getHeaderValue: (key: string) => string | undefined;
    getOriginalURL: () => string;
}
export interface CookieInfo {
    key: string;
    value: string;
    domain: string | undefined;
    secure: boolean;
    httpOnly: boolean;
    expires: number;
    path: string;
    sameSite: "strict" | "lax" | "none";
}
export declare class CollectingResponse extends BaseResponse {
    statusCode: number;
    readonly headers: Headers;
    readonly cookies: CookieInfo[];
    body?: string;
    constructor();
    setHeader: (key: string, value: string, allowDuplicateKey: boolean) => void;
    removeHeader: (key: string) => void;
    setCookie: BaseResponse["setCookie"];
    setStatusCode: (statusCode: number) => void;
    sendJSONResponse: (content: any) => void;
    sendHTMLResponse: (html: string) => void;
}
export type NextFunction = (err?: any) => void;
export declare const middleware: <OrigReqType = BaseRequest, OrigRespType = BaseResponse>(
    wrapRequest?: (req: OrigReqType) => BaseRequest,
    wrapResponse?: (req: OrigRespType) => BaseResponse,
) => (
    request: OrigReqType,
    response: OrigRespType,
    next?: NextFunction,
) => Promise<{ handled: boolean; error?: undefined } | { error: any; handled?: undefined }>;
export declare const errorHandler: () => (err: any, request: BaseRequest, response: BaseResponse, next: NextFunction) => Promise<void>;
