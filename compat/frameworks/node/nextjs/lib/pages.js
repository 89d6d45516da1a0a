// What every API route of the pages directory is wrapped in: CORS (step 3), and the SDK's errors (step 4).
import { superTokensNextWrapper } from "supertokens-node/nextjs";
import { verifySession } from "supertokens-node/recipe/session/framework/express";
import { corsHeaders, initialise } from "./backend";

export function route(handler) {
    return async (req, res) => {
        initialise("express", "/api/auth");
        for (const [name, value] of Object.entries(corsHeaders())) res.setHeader(name, value);
        if (req.method === "OPTIONS") return res.status(204).end();
        const answer = await superTokensNextWrapper((next) => handler(req, res, next), req, res);
        if (!res.writableEnded) res.json(answer);
    };
}

// step 5: a route that needs a session
export const sessionRoute = (handler, options) =>
    route(async (req, res) => {
        await superTokensNextWrapper((next) => verifySession(options)(req, res, next), req, res);
        return handler(req.session, req);
    });
