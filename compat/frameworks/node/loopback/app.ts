// LoopBack, along the six steps of the Backend Integration page.

// step 2: initialise
import supertokens from "supertokens-node";
import Session from "supertokens-node/recipe/session";
import { createSession, role } from "../session.cjs";

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "loopback",
    supertokens: { connectionURI: process.env.CORE_URL!, apiKey: process.env.API_KEY },
    appInfo: {
        appName: "compat",
        apiDomain: `http://localhost:${port}`,
        websiteDomain,
        apiBasePath: "/auth",
        websiteBasePath: "/auth",
    },
    recipeList: [Session.init()],
});

// step 3: CORS and the SuperTokens APIs; no error handler is needed (step 4)
import { RestApplication } from "@loopback/rest";
import { middleware } from "supertokens-node/framework/loopback";

const app = new RestApplication({
    rest: {
        port,
        host: "127.0.0.1",
        cors: { origin: websiteDomain, allowedHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true },
    },
});
app.middleware(middleware);

// step 5: routes that need a session
import { inject, intercept } from "@loopback/core";
import { get, post, requestBody, response, RestBindings } from "@loopback/rest";
import type { MiddlewareContext } from "@loopback/rest";
import type { SessionContainer } from "supertokens-node/recipe/session";
import { verifySession } from "supertokens-node/recipe/session/framework/loopback";

const onlyAdmins = (validators: any[]) => [...validators, role.validators.hasValue("admin")];

class Api {
    constructor(@inject(RestBindings.Http.CONTEXT) private ctx: MiddlewareContext & { session?: SessionContainer }) {}

    @post("/login")
    @response(200)
    async login(@requestBody() { userId, payload }: any) {
        const session = await createSession(this.ctx, this.ctx, userId, payload);
        return { userId, handle: session.getHandle() };
    }

    @get("/session")
    @intercept(verifySession())
    @response(200)
    about() {
        const session = this.ctx.session!;
        return { userId: session.getUserId(), handle: session.getHandle(), payload: session.getAccessTokenPayload() };
    }

    @get("/session-checked")
    @intercept(verifySession({ checkDatabase: true }))
    @response(200)
    aboutChecked() {
        return this.about();
    }

    @get("/optional")
    @intercept(verifySession({ sessionRequired: false }))
    @response(200)
    whoever() {
        return { userId: this.ctx.session?.getUserId() ?? null };
    }

    @post("/merge")
    @intercept(verifySession())
    @response(200)
    async merge(@requestBody() change: any) {
        await this.ctx.session!.mergeIntoAccessTokenPayload(change);
        return {};
    }

    @get("/claim")
    @intercept(verifySession({ overrideGlobalClaimValidators: onlyAdmins }))
    @response(200)
    admin() {
        return this.whoever();
    }
}
app.controller(Api);

app.start().then(() => console.log("ready"));
