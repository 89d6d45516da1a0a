"""What the tests of supertokens-python import from their `tests.utils`. Upstream's module is not in the source archive;
this one follows from how the tests use it. SUPERTOKENS_CORE says where the core is."""

import os
from contextlib import nullcontext
from http.cookies import SimpleCookie
from typing import Any, Dict, List, Optional
from unittest.mock import AsyncMock, MagicMock, patch
from uuid import uuid4

import httpx
from pytest import mark
from supertokens_python import InputAppInfo, Supertokens, SupertokensConfig
from supertokens_python.post_init_callbacks import PostSTInitCallbacks
from supertokens_python.process_state import ProcessState
from supertokens_python.recipe.accountlinking.recipe import AccountLinkingRecipe
from supertokens_python.recipe.dashboard.recipe import DashboardRecipe
from supertokens_python.recipe.emailpassword import asyncio as emailpassword_functions
from supertokens_python.recipe.emailpassword.recipe import EmailPasswordRecipe
from supertokens_python.recipe.emailverification.recipe import EmailVerificationRecipe
from supertokens_python.recipe.jwt.recipe import JWTRecipe
from supertokens_python.recipe.multifactorauth.recipe import MultiFactorAuthRecipe
from supertokens_python.recipe.multitenancy.recipe import MultitenancyRecipe
from supertokens_python.recipe.oauth2provider.recipe import OAuth2ProviderRecipe
from supertokens_python.recipe.openid.recipe import OpenIdRecipe
from supertokens_python.recipe.passwordless import asyncio as passwordless_functions
from supertokens_python.recipe.passwordless.recipe import PasswordlessRecipe
from supertokens_python.recipe.saml.recipe import SAMLRecipe
from supertokens_python.recipe.session.jwks import reset_jwks_cache
from supertokens_python.recipe.session.recipe import SessionRecipe
from supertokens_python.recipe.thirdparty import asyncio as thirdparty_functions
from supertokens_python.recipe.thirdparty.recipe import ThirdPartyRecipe
from supertokens_python.recipe.totp.recipe import TOTPRecipe
from supertokens_python.recipe.usermetadata.recipe import UserMetadataRecipe
from supertokens_python.recipe.userroles.recipe import UserRolesRecipe
from supertokens_python.recipe.webauthn.recipe import WebauthnRecipe
from supertokens_python.utils import is_version_gte

__all__ = ["AsyncMock", "MagicMock"]

CORE = os.environ["SUPERTOKENS_CORE"]

TEST_ACCESS_TOKEN_MAX_AGE_CONFIG_KEY = "access_token_validity"
TEST_ACCESS_TOKEN_MAX_AGE_VALUE = 3600
TEST_REFRESH_TOKEN_MAX_AGE_CONFIG_KEY = "refresh_token_validity"
TEST_REFRESH_TOKEN_MAX_AGE_VALUE = 100 * 24 * 60
# What the applications of the Flask tests give their session recipe, or what follows from it.
TEST_DRIVER_CONFIG_ACCESS_TOKEN_PATH = "/"
TEST_DRIVER_CONFIG_REFRESH_TOKEN_PATH = "/auth/session/refresh"
TEST_DRIVER_CONFIG_COOKIE_DOMAIN = "supertokens.io"
TEST_DRIVER_CONFIG_COOKIE_SAME_SITE = "lax"

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


def get_new_core_app_url(core_config: Optional[Dict[str, Any]] = None) -> str:
    """Makes an app of its own in the core; answers where it is."""
    app = f"py-{uuid4()}"
    made = httpx.put(
        f"{CORE}/recipe/multitenancy/app/v2",
        json={"appId": app, "coreConfig": core_config or {}},
    )
    assert made.status_code == 200 and made.json()["status"] == "OK", made.text
    return f"{CORE}/appid-{app}"


def get_st_init_args(url: str, recipe_list: List[Any]) -> Dict[str, Any]:
    return {
        "supertokens_config": SupertokensConfig(url),
        "app_info": InputAppInfo(
            app_name="SuperTokens Demo",
            api_domain="http://api.supertokens.io",
            website_domain="http://supertokens.io",
            api_base_path="/auth",
        ),
        "framework": "fastapi",
        "mode": "asgi",
        "recipe_list": recipe_list,
    }


def reset() -> None:
    """Forgets every singleton of the SDK; what the core has stays."""
    for thing in (
        AccountLinkingRecipe,
        DashboardRecipe,
        EmailPasswordRecipe,
        EmailVerificationRecipe,
        JWTRecipe,
        MultiFactorAuthRecipe,
        MultitenancyRecipe,
        OAuth2ProviderRecipe,
        OpenIdRecipe,
        PasswordlessRecipe,
        SAMLRecipe,
        SessionRecipe,
        ThirdPartyRecipe,
        TOTPRecipe,
        UserMetadataRecipe,
        UserRolesRecipe,
        WebauthnRecipe,
        PostSTInitCallbacks,
        Supertokens,
    ):
        thing.reset()
    ProcessState.get_instance().reset()
    reset_jwks_cache()


def min_api_version(version: str) -> Any:
    """Leaves a test out where the core answers no CDI as new as `version`."""
    newest = "0.0"
    for known in httpx.get(f"{CORE}/apiversion").json()["versions"]:
        newest = known if is_version_gte(known, newest) else newest
    return mark.skipif(
        not is_version_gte(newest, version), reason=f"the core has no CDI {version}"
    )


def outputs(value: Any) -> Any:
    """Beside pytest.raises(...): a context that hands out the value to expect."""
    return nullcontext(value)


def is_subset(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`, at any depth."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            key in whole and is_subset(whole[key], part[key]) for key in part
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(
            any(is_subset(candidate, item) for candidate in whole) for item in part
        )
    return whole == part


def extract_all_cookies(response: Any) -> Dict[str, Dict[str, Any]]:
    """The cookies an answer of the test client sets: name -> value and attributes; where an attribute is not there, "",
    for a flag None."""
    cookies: Dict[str, Dict[str, Any]] = {}
    for line in response.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(line).items():
            flags = {flag: morsel[flag] or None for flag in ("secure", "httponly")}
            cookies[name] = {**dict(morsel), **flags, "value": morsel.value}
    return cookies


def extract_info(response: Any) -> Dict[str, Any]:
    """What an answer says of the session: None where it says nothing, "" where it clears."""
    cookies, headers = extract_all_cookies(response), response.headers
    access = cookies.get("sAccessToken", {}).get("value")
    refresh = cookies.get("sRefreshToken", {}).get("value")
    info: Dict[str, Any] = {
        **cookies,
        "accessToken": access,
        "refreshToken": refresh,
        "antiCsrf": headers.get("anti-csrf"),
        "frontToken": headers.get("front-token"),
        "accessTokenFromHeader": headers.get("st-access-token"),
        "refreshTokenFromHeader": headers.get("st-refresh-token"),
        "status_code": response.status_code,
    }
    info["accessTokenFromAny"] = access or info["accessTokenFromHeader"]
    info["refreshTokenFromAny"] = refresh or info["refreshTokenFromHeader"]
    try:
        info["body"] = response.json()
    except ValueError:
        info["body"] = response.text
    return info


def assert_info_clears_tokens(info: Dict[str, Any], token_transfer_method: str) -> None:
    if token_transfer_method == "cookie":
        assert info["accessToken"] == "" and info["refreshToken"] == ""
        assert info["sAccessToken"]["expires"] == LONG_AGO
        assert info["sRefreshToken"]["expires"] == LONG_AGO
    else:
        assert info["accessTokenFromHeader"] == ""
        assert info["refreshTokenFromHeader"] == ""
    assert info["frontToken"] == "remove"
    assert info["antiCsrf"] is None


def request_as_in_production(client: Any, in_production: bool, path: str, **what: Any) -> Any:
    """POSTs; where asked, the SDK believes that no test runs, so that it sends by its default ways."""
    with patch.dict(os.environ):
        if in_production:
            os.environ["SUPERTOKENS_ENV"] = "production"
        return client.post(url=path, **what)


def form(**fields: str) -> Dict[str, Any]:
    return {"formFields": [{"id": id, "value": value} for id, value in fields.items()]}


def sign_up_request(client: Any, email: str, password: str) -> Any:
    return client.post(url="/auth/signup", json=form(email=email, password=password))


def reset_password_request(client: Any, email: str, use_server: bool = False) -> Any:
    path = "/auth/user/password/reset/token"
    return request_as_in_production(client, use_server, path, json=form(email=email))


def sign_in_request(client: Any, email: str, password: str) -> Any:
    return client.post(url="/auth/signin", json=form(email=email, password=password))


def email_verify_token_request(
    client: Any,
    access_token: str,
    anti_csrf: Optional[str],
    user_id: str,
    use_server: bool = False,
) -> Any:
    return request_as_in_production(
        client,
        use_server,
        "/auth/user/email/verify/token",
        headers={"anti-csrf": anti_csrf or ""},
        cookies={"sAccessToken": access_token},
        json={"userId": user_id},
    )


def sign_in_up_request(client: Any, email: str, use_server: bool = False) -> Any:
    body = {"email": email}
    return request_as_in_production(client, use_server, "/auth/signinup/code", json=body)


def sign_in_up_request_phone(client: Any, phone: str, use_server: bool = False) -> Any:
    body = {"phoneNumber": phone}
    return request_as_in_production(client, use_server, "/auth/signinup/code", json=body)


def sign_in_up_request_code_resend(
    client: Any, device_id: str, pre_auth_session_id: str, use_server: bool = False
) -> Any:
    path = "/auth/signinup/code/resend"
    body = {"deviceId": device_id, "preAuthSessionId": pre_auth_session_id}
    return request_as_in_production(client, use_server, path, json=body)


async def create_users(
    emailpassword: bool = False, passwordless: bool = False, thirdparty: bool = False
) -> None:
    """Those whom the searches of the tests look for, and some whom they must not find: an address or a number is found by
    its beginning, an address by its host's too."""
    if emailpassword:
        for email in ("tina@example.com", "tom@example.com", "t@t.example.com"):
            await emailpassword_functions.sign_up("public", email, "validpass123")
        for email in ("ada@test.com", "eve@t.org", "john@example.com", "kiresh@example.com"):
            await emailpassword_functions.sign_up("public", email, "validpass123")
    if passwordless:
        for phone in ("+15550000001", "+15550000002", "+15550000003", "+447700900123"):
            await passwordless_functions.signinup("public", None, phone, None)
    if thirdparty:
        for provider, user in (("google", 1), ("google", 2), ("google", 3), ("apple", 4)):
            await thirdparty_functions.manually_create_or_update_user(
                "public", provider, f"{provider}-{user}", f"user{user}@example.com", True
            )
