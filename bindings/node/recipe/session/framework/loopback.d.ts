import type { InterceptorOrKey } from "@loopback/core";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession(options?: VerifySessionOptions): InterceptorOrKey;
