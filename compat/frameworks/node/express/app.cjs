// Express, along the six steps of the Backend Integration page.

// step 2: initialise
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { createSession, role } = require("../session.cjs");

const port = Number(process.env.PORT);
const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "express",
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

// step 3: CORS, then the SuperTokens APIs
const express = require("express");
const cors = require("cors");
const { middleware, errorHandler } = require("supertokens-node/framework/express");

const app = express();
app.use(cors({ origin: websiteDomain, allowedHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true }));
app.use(middleware());
app.use(express.json());

app.post("/login", async (req, res, next) => {
    try {
        const { userId, payload } = req.body;
        const session = await createSession(req, res, userId, payload);
        res.json({ userId, handle: session.getHandle() });
    } catch (error) {
        next(error);
    }
});

// step 5: routes that need a session
const { verifySession } = require("supertokens-node/recipe/session/framework/express");

const about = ({ session }, res) =>
    res.json({ userId: session.getUserId(), handle: session.getHandle(), payload: session.getAccessTokenPayload() });
app.get("/session", verifySession(), about);
app.get("/session-checked", verifySession({ checkDatabase: true }), about);

app.get("/optional", verifySession({ sessionRequired: false }), (req, res) => {
    res.json({ userId: req.session?.getUserId() ?? null });
});

app.post("/merge", verifySession(), async (req, res, next) => {
    try {
        await req.session.mergeIntoAccessTokenPayload(req.body);
        res.json({});
    } catch (error) {
        next(error);
    }
});

const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
app.get("/claim", verifySession({ overrideGlobalClaimValidators: onlyAdmins }), (req, res) => {
    res.json({ userId: req.session.getUserId() });
});

// step 4: the error handler, after all routes
app.use(errorHandler());

app.listen(port, "127.0.0.1", () => console.log("ready"));
