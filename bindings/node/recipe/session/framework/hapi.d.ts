import type { ResponseObject, ResponseToolkit } from "@hapi/hapi";
import type { SessionRequest } from "../../../framework/hapi";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession(options?: VerifySessionOptions): (req: SessionRequest, h: ResponseToolkit) => Promise<symbol | ResponseObject>;
