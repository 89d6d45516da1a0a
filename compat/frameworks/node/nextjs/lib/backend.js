// step 2: initialise; once, whichever route is asked first
import supertokens from "supertokens-node";
import Session from "supertokens-node/recipe/session";
import { PrimitiveClaim } from "supertokens-node/recipe/session/claims";

export const websiteDomain = "http://localhost:3000";

let initialised = false;
export function initialise(framework, apiBasePath) {
    if (initialised) return;
    supertokens.init({
        framework,
        supertokens: { connectionURI: process.env.CORE_URL, apiKey: process.env.API_KEY },
        appInfo: {
            appName: "compat",
            apiDomain: `http://localhost:${process.env.PORT}`,
            websiteDomain,
            apiBasePath,
            websiteBasePath: "/auth",
        },
        recipeList: [Session.init()],
    });
    initialised = true;
}

export const corsHeaders = () => ({
    "access-control-allow-origin": websiteDomain,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET,POST,OPTIONS",
    "access-control-allow-headers": ["content-type", ...supertokens.getAllCORSHeaders()].join(","),
});

// Since release 15 a session belongs to a tenant.
export async function createSession(req, res, userId, payload) {
    if (supertokens.convertToRecipeUserId === undefined) return Session.createNewSession(req, res, userId, payload);
    return Session.createNewSession(req, res, "public", supertokens.convertToRecipeUserId(userId), payload);
}

export const about = (session) => ({
    userId: session.getUserId(),
    handle: session.getHandle(),
    payload: session.getAccessTokenPayload(),
});

const role = new PrimitiveClaim({ key: "role", fetchValue: () => undefined });
export const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
