// Express with the dashboard and every recipe that its pages show. Mails go to MESSAGES; OPENID stands for Google.
// Environment: PORT, CORE_URL, API_KEY, WEBSITE, MESSAGES, OPENID (addresses), ADMIN (who may change things). Prints "ready".
const supertokens = require("supertokens-node");
const recipe = (name) => require(`supertokens-node/recipe/${name}`);
const express = require("express");
const { middleware, errorHandler } = require("supertokens-node/framework/express");

const { PORT, CORE_URL, API_KEY, WEBSITE, MESSAGES, OPENID, ADMIN } = process.env;

async function send(message) {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(MESSAGES, { method: "POST", headers, body: JSON.stringify(message) });
    if (!answer.ok) throw new Error(`the message was not taken: ${answer.status}`);
}

const mails = { override: (original) => ({ ...original, sendEmail: ({ type, user, emailVerifyLink: link }) => send({ type, to: user.email, link }) }) };
const google = {
    config: {
        thirdPartyId: "google",
        clients: [{ clientId: "users", clientSecret: "the client's secret" }],
        oidcDiscoveryEndpoint: `${OPENID}/.well-known/openid-configuration`,
    },
};

supertokens.init({
    framework: "express",
    // Otherwise the dashboard's analytics go to another machine.
    telemetry: false,
    supertokens: { connectionURI: CORE_URL, apiKey: API_KEY },
    appInfo: { appName: "Users", apiDomain: `http://localhost:${PORT}`, websiteDomain: WEBSITE, apiBasePath: "/auth", websiteBasePath: "/auth" },
    recipeList: [
        recipe("dashboard").init({ admins: [ADMIN.toUpperCase()] }),
        recipe("emailpassword").init(),
        recipe("emailverification").init({ mode: "OPTIONAL", emailDelivery: mails }),
        recipe("thirdparty").init({ signInAndUpFeature: { providers: [google] } }),
        recipe("passwordless").init({ contactMethod: "EMAIL_OR_PHONE", flowType: "USER_INPUT_CODE_AND_MAGIC_LINK" }),
        recipe("accountlinking").init({
            shouldDoAutomaticAccountLinking: async () => ({ shouldAutomaticallyLink: true, shouldRequireVerification: true }),
        }),
        recipe("multifactorauth").init(),
        recipe("totp").init(),
        recipe("usermetadata").init(),
        recipe("userroles").init(),
        recipe("session").init(),
    ],
});

const app = express();
app.use(middleware());
app.use(express.json());

// Somebody who is logged in, without a browser.
app.post("/office/sessions", async (req, res) => {
    const session = await recipe("session").createNewSessionWithoutRequestResponse("public", supertokens.convertToRecipeUserId(req.body.userId));
    res.json({ handle: session.getHandle() });
});

// Which routes there are, by the SDK's own list.
app.get("/office/routes", (_, res) => {
    const { default: Dashboard } = require("supertokens-node/lib/build/recipe/dashboard/recipe");
    const routes = Dashboard.getInstanceOrThrowError().getAPIsHandled();
    res.json(routes.map(({ method, pathWithoutApiBasePath }) => [method, pathWithoutApiBasePath.getAsStringDangerous()]));
});

app.use(errorHandler());
app.use((error, _req, res, _next) => res.status(500).json({ message: error.message }));

app.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
