// An application in strict TypeScript, along the page, compiled and not run.
import express from "express";
import type { NextFunction, Response as Answer } from "express";
import supertokens, { RecipeUserId, convertToRecipeUserId, getAllCORSHeaders, getRequestFromUserContext, init } from "supertokens-rs";
import type { SuperTokensConfig } from "supertokens-rs";
import { errorHandler, middleware } from "supertokens-rs/framework/express";
import type { SessionRequest } from "supertokens-rs/framework/express";
import { CollectingResponse, PreParsedRequest } from "supertokens-rs/framework/custom";
import * as custom from "supertokens-rs/custom";
import EmailPassword from "supertokens-rs/recipe/emailpassword";
import JWT from "supertokens-rs/recipe/jwt";
import OpenId from "supertokens-rs/recipe/openid";
import Session, { Error as SessionError } from "supertokens-rs/recipe/session";
import type { APIInterface, RecipeInterface, SessionClaimValidator, SessionContainer, VerifySessionOptions } from "supertokens-rs/recipe/session";
import { BooleanClaim, PrimitiveArrayClaim, PrimitiveClaim, SessionClaim } from "supertokens-rs/recipe/session/claims";
import { verifySession } from "supertokens-rs/recipe/session/framework/express";
import { getAppDirRequestHandler, getSSRSession, superTokensNextWrapper, withSession } from "supertokens-rs/nextjs/index.js";

const plan = new PrimitiveClaim<string>({ key: "plan", fetchValue: async (userId: string) => `plan of ${userId}`, defaultMaxAgeInSeconds: 300 });
const roles = new PrimitiveArrayClaim<string>({ key: "roles", fetchValue: () => undefined });
const verified = new BooleanClaim({ key: "verified", fetchValue: () => true });

class Bare extends SessionClaim<number> {
    fetchValue() {
        return 1;
    }
    addToPayload_internal(payload: {}, value: number) {
        return { ...payload, bare: value };
    }
    removeFromPayloadByMerge_internal(payload: {}) {
        return { ...payload, bare: null };
    }
    removeFromPayload(payload: {}) {
        return payload;
    }
    getValueFromPayload(payload: { bare?: number }) {
        return payload.bare;
    }
}

const config: SuperTokensConfig = {
    framework: "express",
    supertokens: { embedded: { database: "sqlite:auth.db", settings: { access_token_validity: 600 } } },
    appInfo: { appName: "types", apiDomain: "http://localhost:3001", origin: ({ request }) => request?.getHeaderValue("origin") ?? "http://localhost:3000" },
    recipeList: [
        Session.init({
            cookieSameSite: "lax",
            getTokenTransferMethod: ({ req, forCreateNewSession }) => (forCreateNewSession && req.getHeaderValue("x") ? "header" : "any"),
            errorHandlers: {
                onUnauthorised: async (message, _req, res) => {
                    res.setStatusCode(401);
                    res.sendJSONResponse({ message });
                },
            },
            override: {
                functions: (original: RecipeInterface): RecipeInterface => ({
                    ...original,
                    async createNewSession(input) {
                        const request = getRequestFromUserContext(input.userContext);
                        const payload = { ...input.accessTokenPayload, ...(await plan.build(input.userId, input.recipeUserId, input.tenantId, undefined, input.userContext)) };
                        return original.createNewSession({ ...input, accessTokenPayload: { ...payload, from: request?.getOriginalURL() } });
                    },
                }),
                apis: (original: APIInterface): APIInterface => ({ ...original, signOutPOST: undefined }),
            },
        }),
        JWT.init({ jwtValiditySeconds: 60 }),
        OpenId.init(),
    ],
};
init(config);
supertokens.init({ ...config, supertokens: { connectionURI: "http://localhost:3567", apiKey: "key" } });
// @ts-expect-error both
supertokens.init({ ...config, supertokens: { connectionURI: "http://localhost:3567", embedded: "sqlite:x" } });
// @ts-expect-error no such framework
supertokens.init({ ...config, framework: "rails" });

const app = express();
app.use(middleware());
const options: VerifySessionOptions = {
    checkDatabase: true,
    overrideGlobalClaimValidators: async (validators: SessionClaimValidator[], session: SessionContainer) => [
        ...validators,
        plan.validators.hasValue(session.getUserId(), 10, "id"),
        roles.validators.includesAny(["a"]),
        verified.validators.isTrue(),
    ],
};
app.get("/me", verifySession(options), async (req: SessionRequest, res: Answer, next: NextFunction) => {
    const session = req.session!;
    const payload: { sub: string } = session.getAccessTokenPayload();
    await session.mergeIntoAccessTokenPayload({ a: 1, b: null });
    const value: string | undefined = await session.getClaimValue(plan);
    await session.setClaimValue(new Bare("bare"), 7);
    // @ts-expect-error another type than the claim's
    await session.setClaimValue(plan, 7);
    if (value === undefined) return next(new SessionError({ type: "UNAUTHORISED", message: "no", payload: { clearTokens: false } }));
    res.json({ payload, tokens: session.getAllSessionTokensDangerously().refreshToken });
});
app.use(errorHandler());

export async function all(req: Request): Promise<Response> {
    const required: SessionContainer = await Session.getSession(req, undefined);
    const optional: SessionContainer | undefined = await Session.getSession(req, undefined, { sessionRequired: false });
    // @ts-expect-error may be undefined
    const wrong: SessionContainer = await Session.getSession(req, undefined, { sessionRequired: false });
    const id: RecipeUserId = convertToRecipeUserId("anna");
    const made = await Session.createNewSessionWithoutRequestResponse("public", id, {}, {}, true, { from: "here" });
    const found = await Session.getSessionInformation(made.getHandle());
    const expiry: number | undefined = found?.expiry;
    const jwt = await Session.createJWT({}, 60);
    const text: string = jwt.status === "OK" ? jwt.jwt : "";
    const judged = await Session.validateClaimsForSessionHandle("x", (validators, info) => (info.expiry > 0 ? validators : []));
    const ids: string[] = judged.status === "OK" ? judged.invalidClaims.map((invalid) => invalid.id) : [];
    const headers: string[] = getAllCORSHeaders();
    const { accessTokenPayload, hasToken, error } = await getSSRSession([{ name: "sAccessToken", value: "x" }]);
    const response = await custom.withPreParsedRequestResponse(req, async (base: PreParsedRequest, collected: CollectingResponse) => {
        await required.attachToRequestResponse({ req: base, res: collected, transferMethod: "cookie" });
        return new Response(String(collected.statusCode));
    });
    await superTokensNextWrapper(async (next) => next(), req, response);
    await getAppDirRequestHandler()(req);
    const never: never = EmailPassword.init!();
    return withSession(req, async (failed, session) => Response.json({ failed: failed?.message, session: session?.getUserId(), optional, wrong, expiry, text, ids, headers, accessTokenPayload, hasToken, error, never }));
}
