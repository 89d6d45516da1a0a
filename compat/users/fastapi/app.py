"""FastAPI with every recipe that makes a user. What it would send as e-mail or message goes to MESSAGES, and OPENID stands for Google.

Environment: PORT, CORE_URL, API_KEY, WEBSITE, MESSAGES, OPENID (addresses). Prints "ready".
"""

import os
import socket

import httpx
from supertokens_python import InputAppInfo, SupertokensConfig, get_all_cors_headers, init
from supertokens_python.asyncio import get_user
from supertokens_python.ingredients.emaildelivery.types import EmailDeliveryConfig
from supertokens_python.ingredients.smsdelivery.types import SMSDeliveryConfig
from supertokens_python.recipe import (
    accountlinking,
    emailpassword,
    emailverification,
    passwordless,
    session,
    thirdparty,
    userroles,
)
from supertokens_python.recipe.accountlinking.types import ShouldAutomaticallyLink
from supertokens_python.recipe.session.framework.fastapi import verify_session
from supertokens_python.recipe.thirdparty.provider import ProviderClientConfig, ProviderConfig, ProviderInput
from supertokens_python.recipe.userroles.asyncio import (
    add_role_to_user,
    create_new_role_or_add_permissions,
    get_roles_for_user,
)

port = int(os.environ["PORT"])
website = os.environ["WEBSITE"]


async def send(**message):
    async with httpx.AsyncClient() as client:
        (await client.post(os.environ["MESSAGES"], json=message)).raise_for_status()


def mails(type, write):
    """Instead of sending an e-mail, hands over what it would say."""

    def override(original):
        async def send_email(template_vars, user_context):
            await send(type=type, **write(template_vars))

        original.send_email = send_email
        return original

    return EmailDeliveryConfig(override=override)


def short_messages(original):
    async def send_sms(template_vars, user_context):
        await send(type="SMS", to=template_vars.phone_number, **login(template_vars))

    original.send_sms = send_sms
    return original


def login(about):
    return {"code": about.user_input_code, "link": about.url_with_link_code}


async def always_when_verified(*_):
    return ShouldAutomaticallyLink(should_require_verification=True)


google = ProviderInput(
    config=ProviderConfig(
        third_party_id="google",
        clients=[ProviderClientConfig(client_id="users", client_secret="the client's secret")],
        oidc_discovery_endpoint=f"{os.environ['OPENID']}/.well-known/openid-configuration",
    )
)

init(
    app_info=InputAppInfo(
        app_name="Users",
        api_domain=f"http://localhost:{port}",
        website_domain=website,
        api_base_path="/auth",
        website_base_path="/auth",
    ),
    supertokens_config=SupertokensConfig(connection_uri=os.environ["CORE_URL"], api_key=os.environ["API_KEY"]),
    framework="fastapi",
    recipe_list=[
        emailpassword.init(
            email_delivery=mails("PASSWORD_RESET", lambda about: {"to": about.user.email, "link": about.password_reset_link})
        ),
        emailverification.init(
            mode="REQUIRED",
            email_delivery=mails("EMAIL_VERIFICATION", lambda about: {"to": about.user.email, "link": about.email_verify_link}),
        ),
        thirdparty.init(sign_in_and_up_feature=thirdparty.SignInAndUpFeature(providers=[google])),
        passwordless.init(
            contact_config=passwordless.ContactEmailOrPhoneConfig(),
            flow_type="USER_INPUT_CODE_AND_MAGIC_LINK",
            email_delivery=mails("PASSWORDLESS_LOGIN", lambda about: {"to": about.email, **login(about)}),
            sms_delivery=SMSDeliveryConfig(override=short_messages),
        ),
        accountlinking.init(should_do_automatic_account_linking=always_when_verified),
        userroles.init(),
        session.init(),
    ],
    mode="asgi",
    telemetry=False,
)

from fastapi import Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from supertokens_python.framework.fastapi import get_middleware

app = FastAPI()
app.add_middleware(get_middleware())


@app.get("/me")
async def me(of: session.SessionContainer = Depends(verify_session())):
    user = await get_user(of.get_user_id())
    return {
        "id": user.id,
        "emails": user.emails,
        "phoneNumbers": user.phone_numbers,
        "ways": sorted(method.recipe_id for method in user.login_methods),
        "roles": (await get_roles_for_user("public", user.id)).roles,
    }


def only_admins(validators, *_):
    return validators + [userroles.UserRoleClaim.validators.includes("admin")]


@app.get("/admins-only")
async def admins_only(_: session.SessionContainer = Depends(verify_session(override_global_claim_validators=only_admins))):
    return {"secret": "for admins"}


@app.post("/office/admins")
async def make_admin(request: Request):
    """What an office would do behind closed doors: nobody but the test reaches this address."""
    await create_new_role_or_add_permissions("admin", ["read:everything"])
    await add_role_to_user("public", (await request.json())["userId"], "admin")
    return {"status": "OK"}


app.add_middleware(
    CORSMiddleware,
    allow_origins=[website],
    allow_credentials=True,
    allow_methods=["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"],
    allow_headers=["Content-Type"] + get_all_cors_headers(),
)

if __name__ == "__main__":
    import uvicorn

    listening = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
