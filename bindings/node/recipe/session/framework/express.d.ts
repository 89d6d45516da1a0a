import type { NextFunction, Response } from "express";
import type { SessionRequest } from "../../../framework/express";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession(
    options?: VerifySessionOptions,
): (req: SessionRequest, res: Response, next: NextFunction) => Promise<void>;
