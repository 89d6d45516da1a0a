import type { BaseRequest, BaseResponse, SessionContainer } from "../types";

// As much of Fastify as is used, so that its own types need not be there.
export interface FastifyRequest {
    body: any;
    query: unknown;
    headers: Record<string, string | string[] | undefined>;
    method: string;
    url: string;
}
export interface FastifyReply {
    sent: boolean;
    statusCode: number;
    getHeaders(): Record<string, number | string | string[] | undefined>;
    send(payload?: any): FastifyReply;
    header(key: any, value: any): FastifyReply;
    removeHeader(key: string): void;
    getHeader(key: any): number | string | string[] | undefined;
    type(contentType: string): FastifyReply;
}
export interface FastifyInstance {
    addHook(this: any, name: string, hook: (req: any, reply: any) => any): any;
}

export type SessionRequest<TRequest extends FastifyRequest = FastifyRequest> = TRequest & { session?: SessionContainer };
export declare const plugin: (instance: FastifyInstance, options: unknown, done: (err?: Error) => void) => void;
export declare const errorHandler: () => (err: any, req: FastifyRequest, res: FastifyReply) => Promise<any>;
export declare const wrapRequest: (unwrapped: any) => BaseRequest;
export declare const wrapResponse: (unwrapped: any) => BaseResponse;
