import type { Middleware, MiddlewareContext } from "@loopback/rest";
import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

export interface SessionContext extends MiddlewareContext {
    session?: SessionContainer;
}
export declare const middleware: Middleware;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
