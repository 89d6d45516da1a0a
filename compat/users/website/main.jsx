// The website: a page for those who are signed in, one for admins, and the prebuilt pages for all else. API is put in by the bundler.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import SuperTokens, { SuperTokensWrapper } from "supertokens-auth-react";
import EmailPassword from "supertokens-auth-react/recipe/emailpassword";
import { EmailPasswordPreBuiltUI } from "supertokens-auth-react/recipe/emailpassword/prebuiltui";
import EmailVerification from "supertokens-auth-react/recipe/emailverification";
import { EmailVerificationPreBuiltUI } from "supertokens-auth-react/recipe/emailverification/prebuiltui";
import Passwordless from "supertokens-auth-react/recipe/passwordless";
import { PasswordlessPreBuiltUI } from "supertokens-auth-react/recipe/passwordless/prebuiltui";
import Session, { SessionAuth } from "supertokens-auth-react/recipe/session";
import { AccessDeniedScreen, SessionPreBuiltUI } from "supertokens-auth-react/recipe/session/prebuiltui";
import ThirdParty, { Google } from "supertokens-auth-react/recipe/thirdparty";
import { ThirdPartyPreBuiltUI } from "supertokens-auth-react/recipe/thirdparty/prebuiltui";
import { UserRoleClaim } from "supertokens-auth-react/recipe/userroles";
import { canHandleRoute, getRoutingComponent } from "supertokens-auth-react/ui";

SuperTokens.init({
    appInfo: { appName: "Users", apiDomain: API, websiteDomain: window.location.origin, apiBasePath: "/auth", websiteBasePath: "/auth" },
    recipeList: [
        EmailPassword.init(),
        EmailVerification.init({ mode: "REQUIRED" }),
        ThirdParty.init({ signInAndUpFeature: { providers: [Google.init()] } }),
        Passwordless.init({ contactMethod: "EMAIL_OR_PHONE" }),
        Session.init(),
    ],
});

const PAGES = [EmailPasswordPreBuiltUI, EmailVerificationPreBuiltUI, PasswordlessPreBuiltUI, ThirdPartyPreBuiltUI, SessionPreBuiltUI];

/** What an address of the API answers; nothing until it has. */
function useAnswer(path) {
    const [answer, setAnswer] = useState();
    useEffect(() => {
        fetch(`${API}${path}`).then(async (response) => setAnswer(await response.json()));
    }, [path]);
    return answer;
}

async function signOut() {
    await Session.signOut();
    window.location.href = "/auth";
}

function Home() {
    const me = useAnswer("/me");
    if (!me) return <p>…</p>;
    return (
        <main>
            <h1>Welcome</h1>
            <dl>
                <dt>Person</dt>
                <dd id="person">{me.id}</dd>
                <dt>Reached at</dt>
                <dd id="reached-at">{[...me.emails, ...me.phoneNumbers].join(", ")}</dd>
                <dt>Ways in</dt>
                <dd id="ways">{me.ways.join(", ")}</dd>
                <dt>Roles</dt>
                <dd id="roles">{me.roles.join(", ") || "none"}</dd>
            </dl>
            <p>
                <a href="/admins">For admins</a> <button onClick={signOut}>Sign out</button>
            </p>
        </main>
    );
}

function Admins() {
    const answer = useAnswer("/admins-only");
    return (
        <main>
            <h1>Admins</h1>
            <p id="secret">{answer?.secret}</p>
        </main>
    );
}

const asAdmin = (validators) => [...validators, UserRoleClaim.validators.includes("admin")];

function Page() {
    if (canHandleRoute(PAGES)) return getRoutingComponent(PAGES);
    if (window.location.pathname === "/admins") {
        return (
            <SessionAuth overrideGlobalClaimValidators={asAdmin} accessDeniedScreen={AccessDeniedScreen}>
                <Admins />
            </SessionAuth>
        );
    }
    return (
        <SessionAuth>
            <Home />
        </SessionAuth>
    );
}

createRoot(document.getElementById("root")).render(
    <SuperTokensWrapper>
        <Page />
    </SuperTokensWrapper>,
);
