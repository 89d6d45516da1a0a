import type { Next } from "koa";
import type { SessionContext } from "../../../framework/koa";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession(options?: VerifySessionOptions): (ctx: SessionContext, next: Next) => Promise<void>;
