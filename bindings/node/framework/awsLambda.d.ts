import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Handler } from "aws-lambda";
import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

export interface SessionEvent extends APIGatewayProxyEvent {
    session?: SessionContainer;
}
export interface SessionEventV2 extends APIGatewayProxyEventV2 {
    session?: SessionContainer;
}
export declare const middleware: (handler?: Handler) => Handler;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
