// Hapi, along the six steps of the Backend Integration page.

// step 2: initialise
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { createSession, role } = require("../session.cjs");

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "hapi",
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

// step 3: CORS and the SuperTokens APIs; the plugin answers its own errors, so no error handler is needed (step 4)
const Hapi = require("@hapi/hapi");
const { plugin } = require("supertokens-node/framework/hapi");

const server = Hapi.server({
    port,
    host: "127.0.0.1",
    routes: { cors: { origin: [websiteDomain], additionalHeaders: [...supertokens.getAllCORSHeaders()], credentials: true } },
});

server.route({
    path: "/login",
    method: "post",
    handler: async (req, res) => {
        const { userId, payload } = req.payload;
        const session = await createSession(req, res, userId, payload);
        return { userId, handle: session.getHandle() };
    },
});

// step 5: routes that need a session
const { verifySession } = require("supertokens-node/recipe/session/framework/hapi");

const about = ({ session }) => ({
    userId: session.getUserId(),
    handle: session.getHandle(),
    payload: session.getAccessTokenPayload(),
});
server.route({ path: "/session", method: "get", options: { pre: [{ method: verifySession() }] }, handler: about });
server.route({
    path: "/session-checked",
    method: "get",
    options: { pre: [{ method: verifySession({ checkDatabase: true }) }] },
    handler: about,
});

server.route({
    path: "/optional",
    method: "get",
    options: { pre: [{ method: verifySession({ sessionRequired: false }) }] },
    handler: (req) => ({ userId: req.session?.getUserId() ?? null }),
});

server.route({
    path: "/merge",
    method: "post",
    options: { pre: [{ method: verifySession() }] },
    handler: async (req) => {
        await req.session.mergeIntoAccessTokenPayload(req.payload);
        return {};
    },
});

const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
server.route({
    path: "/claim",
    method: "get",
    options: { pre: [{ method: verifySession({ overrideGlobalClaimValidators: onlyAdmins }) }] },
    handler: (req) => ({ userId: req.session.getUserId() }),
});

(async () => {
    await server.register(plugin);
    await server.start();
    console.log("ready");
})();
