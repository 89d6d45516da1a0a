// Fastify, along the six steps of the Backend Integration page.

// step 2: initialise
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { createSession, role } = require("../session.cjs");

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "fastify",
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

// step 4: the error handler, before routes and plugins
const { plugin, errorHandler } = require("supertokens-node/framework/fastify");
const fastify = require("fastify")();

fastify.setErrorHandler(errorHandler());

// step 3: CORS, then the SuperTokens APIs
const cors = require("@fastify/cors");
const formDataPlugin = require("@fastify/formbody");

fastify.register(cors, {
    origin: websiteDomain,
    allowedHeaders: ["Content-Type", ...supertokens.getAllCORSHeaders()],
    credentials: true,
});
fastify.register(formDataPlugin);
fastify.register(plugin);

fastify.post("/login", async (req, res) => {
    const { userId, payload } = req.body;
    const session = await createSession(req, res, userId, payload);
    return { userId, handle: session.getHandle() };
});

// step 5: routes that need a session
const { verifySession } = require("supertokens-node/recipe/session/framework/fastify");

const about = async ({ session }) => ({
    userId: session.getUserId(),
    handle: session.getHandle(),
    payload: session.getAccessTokenPayload(),
});
fastify.get("/session", { preHandler: verifySession() }, about);
fastify.get("/session-checked", { preHandler: verifySession({ checkDatabase: true }) }, about);

fastify.get("/optional", { preHandler: verifySession({ sessionRequired: false }) }, async (req) => ({
    userId: req.session?.getUserId() ?? null,
}));

fastify.post("/merge", { preHandler: verifySession() }, async (req) => {
    await req.session.mergeIntoAccessTokenPayload(req.body);
    return {};
});

const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
fastify.get("/claim", { preHandler: verifySession({ overrideGlobalClaimValidators: onlyAdmins }) }, async (req) => ({
    userId: req.session.getUserId(),
}));

fastify.listen({ port, host: "127.0.0.1" }).then(() => console.log("ready"));
