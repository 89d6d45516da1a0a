import type { Handler } from "aws-lambda";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession(handler: Handler, options?: VerifySessionOptions): Handler;
