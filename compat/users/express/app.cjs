// Express with every recipe that makes a user. What it would send as e-mail or message goes to MESSAGES, and OPENID stands for Google.
// Environment: PORT, CORE_URL, API_KEY, WEBSITE (where the pages are), MESSAGES, OPENID (addresses). Prints "ready".
const supertokens = require("supertokens-node");
const AccountLinking = require("supertokens-node/recipe/accountlinking");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const EmailVerification = require("supertokens-node/recipe/emailverification");
const Passwordless = require("supertokens-node/recipe/passwordless");
const Session = require("supertokens-node/recipe/session");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const UserRoles = require("supertokens-node/recipe/userroles");

const { PORT, CORE_URL, API_KEY, WEBSITE, MESSAGES, OPENID } = process.env;

async function send(message) {
    const answer = await fetch(MESSAGES, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(message),
    });
    if (!answer.ok) throw new Error(`the message was not taken: ${answer.status}`);
}

const mails = (write) => ({ override: (original) => ({ ...original, sendEmail: (input) => send({ type: input.type, ...write(input) }) }) });
const login = ({ email, phoneNumber, userInputCode, urlWithLinkCode }) => ({
    to: email ?? phoneNumber,
    code: userInputCode,
    link: urlWithLinkCode,
});

supertokens.init({
    framework: "express",
    supertokens: { connectionURI: CORE_URL, apiKey: API_KEY },
    appInfo: { appName: "Users", apiDomain: `http://localhost:${PORT}`, websiteDomain: WEBSITE, apiBasePath: "/auth", websiteBasePath: "/auth" },
    recipeList: [
        EmailPassword.init({ emailDelivery: mails(({ user, passwordResetLink }) => ({ to: user.email, link: passwordResetLink })) }),
        EmailVerification.init({
            mode: "REQUIRED",
            emailDelivery: mails(({ user, emailVerifyLink }) => ({ to: user.email, link: emailVerifyLink })),
        }),
        ThirdParty.init({
            signInAndUpFeature: {
                providers: [
                    {
                        config: {
                            thirdPartyId: "google",
                            clients: [{ clientId: "users", clientSecret: "the client's secret" }],
                            oidcDiscoveryEndpoint: `${OPENID}/.well-known/openid-configuration`,
                        },
                    },
                ],
            },
        }),
        Passwordless.init({
            contactMethod: "EMAIL_OR_PHONE",
            flowType: "USER_INPUT_CODE_AND_MAGIC_LINK",
            emailDelivery: mails(login),
            smsDelivery: { override: (original) => ({ ...original, sendSms: (input) => send({ type: "SMS", ...login(input) }) }) },
        }),
        AccountLinking.init({
            shouldDoAutomaticAccountLinking: async () => ({ shouldAutomaticallyLink: true, shouldRequireVerification: true }),
        }),
        UserRoles.init(),
        Session.init(),
    ],
});

const express = require("express");
const cors = require("cors");
const { middleware, errorHandler } = require("supertokens-node/framework/express");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");

const app = express();
app.use(cors({ origin: WEBSITE, allowedHeaders: ["content-type", ...supertokens.getAllCORSHeaders()], credentials: true }));
app.use(middleware());
app.use(express.json());

app.get("/me", verifySession(), async (req, res) => {
    const { id, emails, phoneNumbers, loginMethods } = await supertokens.getUser(req.session.getUserId());
    const { roles } = await UserRoles.getRolesForUser("public", id);
    res.json({ id, emails, phoneNumbers, ways: loginMethods.map(({ recipeId }) => recipeId).sort(), roles });
});

const onlyAdmins = (validators) => [...validators, UserRoles.UserRoleClaim.validators.includes("admin")];
app.get("/admins-only", verifySession({ overrideGlobalClaimValidators: onlyAdmins }), (_, res) => res.json({ secret: "for admins" }));

// What an office would do behind closed doors: nobody but the test reaches this address.
app.post("/office/admins", async (req, res) => {
    await UserRoles.createNewRoleOrAddPermissions("admin", ["read:everything"]);
    res.json(await UserRoles.addRoleToUser("public", req.body.userId, "admin"));
});

app.use(errorHandler());
app.use((error, _req, res, _next) => {
    console.error(error);
    res.status(500).json({ message: error.message });
});

app.listen(Number(PORT), "127.0.0.1", () => console.log("ready"));
