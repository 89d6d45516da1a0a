import type { Context, Next } from "koa";
import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

export interface SessionContext extends Context {
    session?: SessionContainer;
}
export declare const middleware: () => (ctx: Context, next: Next) => Promise<any>;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
