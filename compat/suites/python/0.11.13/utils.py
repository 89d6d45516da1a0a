"""What the tests of supertokens-python 0.11.13 import from their `tests.utils`. Upstream's module is not in the source
archive; this one follows from how the tests use it. They start and stop their core themselves, on port 3567."""

import os
import subprocess
import time
from http.cookies import SimpleCookie
from typing import Any, Dict, Optional
from unittest.mock import AsyncMock, MagicMock, patch

import httpx
from pytest import mark
from supertokens_python import InputAppInfo, Supertokens, SupertokensConfig
from supertokens_python.process_state import ProcessState
from supertokens_python.recipe.dashboard.recipe import DashboardRecipe
from supertokens_python.recipe.emailpassword.recipe import EmailPasswordRecipe
from supertokens_python.recipe.emailverification.recipe import EmailVerificationRecipe
from supertokens_python.recipe.jwt.recipe import JWTRecipe
from supertokens_python.recipe.openid.recipe import OpenIdRecipe
from supertokens_python.recipe.passwordless.recipe import PasswordlessRecipe
from supertokens_python.recipe.session.recipe import SessionRecipe
from supertokens_python.recipe.thirdparty.recipe import ThirdPartyRecipe
from supertokens_python.recipe.thirdpartyemailpassword.recipe import (
    ThirdPartyEmailPasswordRecipe,
)
from supertokens_python.recipe.thirdpartypasswordless.recipe import (
    ThirdPartyPasswordlessRecipe,
)
from supertokens_python.recipe.usermetadata.recipe import UserMetadataRecipe
from supertokens_python.recipe.userroles.recipe import UserRolesRecipe
from supertokens_python.utils import is_version_gte

__all__ = ["AsyncMock", "MagicMock"]

CORE = "http://localhost:3567"

TEST_ACCESS_TOKEN_MAX_AGE_CONFIG_KEY = "access_token_validity"
TEST_ACCESS_TOKEN_MAX_AGE_VALUE = 3600
TEST_REFRESH_TOKEN_MAX_AGE_CONFIG_KEY = "refresh_token_validity"
TEST_REFRESH_TOKEN_MAX_AGE_VALUE = 100 * 24 * 60
# Settings of cookies left the core before this release: its SDK sets them.
TEST_ACCESS_TOKEN_PATH_CONFIG_KEY = TEST_COOKIE_DOMAIN_CONFIG_KEY = None
TEST_COOKIE_SAME_SITE_CONFIG_KEY = TEST_COOKIE_SECURE_CONFIG_KEY = None
TEST_REFRESH_TOKEN_PATH_CONFIG_KEY = None
TEST_ACCESS_TOKEN_PATH_VALUE = "/"
TEST_COOKIE_DOMAIN_VALUE = "supertokens.io"
TEST_REFRESH_TOKEN_PATH_KEY_VALUE = "/auth/session/refresh"
# What the applications of the tests give their session recipe, or what follows from it.
TEST_DRIVER_CONFIG_ACCESS_TOKEN_PATH = "/"
TEST_DRIVER_CONFIG_REFRESH_TOKEN_PATH = "/auth/session/refresh"
TEST_DRIVER_CONFIG_COOKIE_DOMAIN = "supertokens.io"
TEST_DRIVER_CONFIG_COOKIE_SAME_SITE = "lax"

st_init_common_args = {
    "supertokens_config": SupertokensConfig(CORE),
    "app_info": InputAppInfo(
        app_name="SuperTokens Demo",
        api_domain="http://api.supertokens.io",
        website_domain="http://supertokens.io",
        api_base_path="/auth",
    ),
    "framework": "fastapi",
    "mode": "asgi",
}

folder = os.path.join(os.environ["SUITE_FOLDER"], "core")
configuration = os.path.join(folder, "config.yaml")
# Whose core is still here, for whoever has to end it when the tests were broken off.
started = os.path.join(folder, ".started", "python")
os.makedirs(os.path.dirname(started), exist_ok=True)
cores = []


def get_st_init_args(recipe_list: Any) -> Any:
    return {**st_init_common_args, "recipe_list": recipe_list}


def setup_st() -> None:
    """An empty configuration for the core that the test starts."""
    with open(configuration, "w"):
        pass


def set_key_value_in_config(key: Any, value: Any) -> None:
    if key is not None:
        with open(configuration, "a") as file:
            file.write(f"{key}: {value}\n")


def start_st(*_: Any, **__: Any) -> None:
    """Starts a core with nothing in it, on port 3567, and waits until it listens, 30 s at most."""
    log = os.path.join(folder, f"core-{time.time_ns()}.log")
    with open(log, "w") as output:
        core = subprocess.Popen(
            [os.environ["SUPERTOKENS_BINARY"], "start", "--test-mode"]
            + ["--port", "3567", "--database-url", "sqlite::memory:"],
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    cores.append(core)
    with open(started, "w") as file:
        file.write(str(core.pid))
    end = time.monotonic() + 30
    while True:
        with open(log) as said:
            text = said.read()
        if "\nStarted SuperTokens" in text:
            return
        if core.poll() is not None or time.monotonic() > end:
            core.kill()
            raise RuntimeError(f"the core did not start, in 30 s at most: {text}")
        time.sleep(0.02)


def clean_st() -> None:
    while cores:
        core = cores.pop()
        core.terminate()
        try:
            core.wait(10)
        except subprocess.TimeoutExpired:
            core.kill()
            raise
        finally:
            os.remove(started)


def reset() -> None:
    """Forgets every singleton of the SDK."""
    for thing in (
        DashboardRecipe,
        EmailPasswordRecipe,
        EmailVerificationRecipe,
        JWTRecipe,
        OpenIdRecipe,
        PasswordlessRecipe,
        SessionRecipe,
        ThirdPartyRecipe,
        ThirdPartyEmailPasswordRecipe,
        ThirdPartyPasswordlessRecipe,
        UserMetadataRecipe,
        UserRolesRecipe,
        Supertokens,
    ):
        thing.reset()
    ProcessState.get_instance().reset()


def setup_function(_: Any) -> None:
    reset()
    clean_st()
    setup_st()


def teardown_function(_: Any) -> None:
    reset()
    clean_st()


def extract_all_cookies(response: Any) -> Any:
    """The cookies an answer of the test client sets: name -> value and attributes; where an attribute is not there, "",
    for a flag None."""
    cookies = {}
    for line in response.raw.headers.getlist("set-cookie"):
        for name, morsel in SimpleCookie(line).items():
            flags = {flag: morsel[flag] or None for flag in ("secure", "httponly")}
            cookies[name] = {**dict(morsel), **flags, "value": morsel.value}
    return cookies


def newest_api_version() -> str:
    setup_st()
    start_st()
    newest = "0.0"
    for known in httpx.get(f"{CORE}/apiversion").json()["versions"]:
        newest = known if is_version_gte(known, newest) else newest
    clean_st()
    return newest


NEWEST = newest_api_version()


def min_api_version(version: str) -> Any:
    """Leaves a test out where the core answers no CDI as new as `version`."""
    return mark.skipif(
        not is_version_gte(NEWEST, version), reason=f"the core has no CDI {version}"
    )


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


def email_verify_token_request(
    client: Any,
    access_token: str,
    id_refresh_token: str,
    anti_csrf: Optional[str],
    user_id: str,
    use_server: bool = False,
) -> Any:
    return request_as_in_production(
        client,
        use_server,
        "/auth/user/email/verify/token",
        headers={"anti-csrf": anti_csrf or ""},
        cookies={"sAccessToken": access_token, "sIdRefreshToken": id_refresh_token},
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
