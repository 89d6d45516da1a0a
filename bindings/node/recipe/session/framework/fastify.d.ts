import type { FastifyReply, FastifyRequest, SessionRequest } from "../../../framework/fastify";
import type { VerifySessionOptions } from "../../../types";

export declare function verifySession<TRequest extends FastifyRequest = FastifyRequest>(
    options?: VerifySessionOptions,
): (req: SessionRequest<TRequest>, res: FastifyReply) => Promise<any>;
