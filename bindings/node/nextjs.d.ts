import { withPreParsedRequestResponse, withSession } from "./custom";
import type { SSRSession } from "./types";

export { withPreParsedRequestResponse, withSession };

/** Runs something that wants a `next`. Where it has answered the request by itself, the promise stays open. */
export declare function superTokensNextWrapper<T>(middleware: (next: (middlewareError?: any) => any) => Promise<T>, request: any, response: any): Promise<T>;
/** What is given is not needed, and accepted for older applications. */
export declare function getAppDirRequestHandler(NextResponse?: unknown): (req: Request) => Promise<Response>;
export declare function getSSRSession(cookies: Array<{ name: string; value: string }>): Promise<SSRSession>;

declare const NextJS: {
    superTokensNextWrapper: typeof superTokensNextWrapper;
    getAppDirRequestHandler: typeof getAppDirRequestHandler;
    getSSRSession: typeof getSSRSession;
    withSession: typeof withSession;
    withPreParsedRequestResponse: typeof withPreParsedRequestResponse;
};
export default NextJS;
