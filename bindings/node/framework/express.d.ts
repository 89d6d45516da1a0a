import type { NextFunction, Request, Response } from "express";
import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

export interface SessionRequest extends Request {
    session?: SessionContainer;
}
export declare const middleware: () => (req: Request, res: Response, next: NextFunction) => Promise<void>;
export declare const errorHandler: () => (err: any, req: Request, res: Response, next: NextFunction) => Promise<void>;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
