// What every route handler of the app directory is wrapped in: CORS (step 3).
import { withPreParsedRequestResponse, withSession } from "supertokens-node/nextjs";
import { corsHeaders, initialise } from "./backend";

export function withCors(handler) {
    return async (request) => {
        initialise("custom", "/auth");
        const answer = await handler(request);
        for (const [name, value] of Object.entries(corsHeaders())) answer.headers.set(name, value);
        return answer;
    };
}

export const preflight = withCors(async () => new Response(null, { status: 204 }));

// step 5: a route that needs a session. The SDK answers what it knows (step 4) and hands over every other error.
export const sessionRoute = (handler, options) =>
    withCors((request) =>
        withSession(
            request,
            async (error, session) => {
                if (error) return Response.json({ error: error.message }, { status: 500 });
                return Response.json(await handler(session, request));
            },
            options,
        ),
    );

// A route that makes a session.
export const responseRoute = (handler) =>
    withCors((request) => withPreParsedRequestResponse(request, async (req, res) => Response.json(await handler(req, res, request))));
