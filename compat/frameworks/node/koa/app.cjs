// Koa, along the six steps of the Backend Integration page.

// step 2: initialise
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { createSession, role } = require("../session.cjs");

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "koa",
    supertokens: { connectionURI: process.env.CORE_URL, apiKey: process.env.API_KEY },
    appInfo: {
        appName: "compat",
        apiDomain: `http://localhost:${port}`,
        websiteDomain,
        apiBasePath: "/auth",
        websiteBasePath: "/auth",
    },
    recipeList: [Session.init()],
});

// step 3: CORS, then the SuperTokens APIs; no error handler is needed (step 4)
const Koa = require("koa");
const cors = require("@koa/cors");
const { middleware } = require("supertokens-node/framework/koa");

const app = new Koa();
app.use(cors({ origin: websiteDomain, allowHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true }));
app.use(middleware());

const KoaRouter = require("koa-router");
const router = new KoaRouter();

async function bodyOf(ctx) {
    let text = "";
    for await (const piece of ctx.req.setEncoding("utf8")) text += piece;
    return JSON.parse(text);
}

router.post("/login", async (ctx) => {
    const { userId, payload } = await bodyOf(ctx);
    const session = await createSession(ctx, ctx, userId, payload);
    ctx.body = { userId, handle: session.getHandle() };
});

// step 5: routes that need a session
const { verifySession } = require("supertokens-node/recipe/session/framework/koa");

function about(ctx) {
    const { session } = ctx;
    ctx.body = { userId: session.getUserId(), handle: session.getHandle(), payload: session.getAccessTokenPayload() };
}
router.get("/session", verifySession(), about);
router.get("/session-checked", verifySession({ checkDatabase: true }), about);

router.get("/optional", verifySession({ sessionRequired: false }), (ctx) => {
    ctx.body = { userId: ctx.session?.getUserId() ?? null };
});

router.post("/merge", verifySession(), async (ctx) => {
    await ctx.session.mergeIntoAccessTokenPayload(await bodyOf(ctx));
    ctx.body = {};
});

const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
router.get("/claim", verifySession({ overrideGlobalClaimValidators: onlyAdmins }), (ctx) => {
    ctx.body = { userId: ctx.session.getUserId() };
});

app.use(router.routes());
app.listen(port, "127.0.0.1", () => console.log("ready"));
