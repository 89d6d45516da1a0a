// AWS Lambda functions behind API Gateway, along the six steps of the Backend Integration page.

// step 2: initialise
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { createSession, role } = require("../session.cjs");

const websiteDomain = "http://localhost:3000";

supertokens.init({
    framework: "awsLambda",
    isInServerlessEnv: true,
    supertokens: { connectionURI: process.env.CORE_URL, apiKey: process.env.API_KEY },
    appInfo: {
        appName: "compat",
        apiDomain: `http://localhost:${process.env.PORT}`,
        websiteDomain,
        apiBasePath: "/auth",
        websiteBasePath: "/auth",
    },
    recipeList: [Session.init()],
});

// step 3: CORS, around each function
const corsHeaders = { "access-control-allow-origin": websiteDomain, "access-control-allow-credentials": "true" };
const preflightHeaders = {
    ...corsHeaders,
    "access-control-allow-methods": "GET,POST,OPTIONS",
    "access-control-allow-headers": ["content-type", ...supertokens.getAllCORSHeaders()].join(","),
};

function withCors(handler) {
    return async (event, context) => {
        const method = event.httpMethod ?? event.requestContext.http.method;
        if (method === "OPTIONS") return { statusCode: 204, headers: preflightHeaders };
        const answer = await handler(event, context);
        return { ...answer, headers: { ...answer.headers, ...corsHeaders } };
    };
}

// step 3: the SuperTokens APIs, a function of their own for /auth/{proxy+}; it handles its errors itself (step 4)
const { middleware } = require("supertokens-node/framework/awsLambda");

exports.auth = withCors(middleware());

const json = (body) => ({ statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

exports.login = withCors(
    middleware(async (event) => {
        const { userId, payload } = JSON.parse(event.body);
        const session = await createSession(event, event, userId, payload);
        return json({ userId, handle: session.getHandle() });
    }),
);

// step 5: functions that need a session
const { verifySession } = require("supertokens-node/recipe/session/framework/awsLambda");

const about = async ({ session }) =>
    json({ userId: session.getUserId(), handle: session.getHandle(), payload: session.getAccessTokenPayload() });
exports.session = withCors(verifySession(about));
exports.sessionChecked = withCors(verifySession(about, { checkDatabase: true }));

const whoever = async ({ session }) => json({ userId: session?.getUserId() ?? null });
exports.optional = withCors(verifySession(whoever, { sessionRequired: false }));

exports.merge = withCors(
    verifySession(async (event) => {
        await event.session.mergeIntoAccessTokenPayload(JSON.parse(event.body));
        return json({});
    }),
);

const onlyAdmins = (validators) => [...validators, role.validators.hasValue("admin")];
exports.claim = withCors(verifySession(whoever, { overrideGlobalClaimValidators: onlyAdmins }));
