import type { NextFunction } from "../../../framework/custom";
import type { BaseRequest, BaseResponse, SessionContainer, VerifySessionOptions } from "../../../types";

export declare function verifySession<T extends BaseRequest & { session?: SessionContainer }>(
    options?: VerifySessionOptions,
): (req: T, res: BaseResponse, next?: NextFunction) => Promise<any>;
