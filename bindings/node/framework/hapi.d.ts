import type { Plugin, Request } from "@hapi/hapi";
import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

export interface SessionRequest extends Request {
    session?: SessionContainer;
}
export declare const plugin: Plugin<{}>;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
