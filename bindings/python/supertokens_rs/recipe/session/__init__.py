"""The session recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..._http import BaseRequest as BaseRequest
from ..._sdk import InputErrorHandlers as InputErrorHandlers
from ..._sdk import RecipeInit, SessionConfig
from ..._sdk import SessionOverrideConfig as SessionOverrideConfig
from ..._session import SessionContainer as SessionContainer
from ..._session import TokenTransferMethod as TokenTransferMethod
from . import exceptions as exceptions
from .recipe import SessionRecipe as SessionRecipe

InputOverrideConfig = SessionOverrideConfig


def init(
    cookie_domain: str | None = None,
    older_cookie_domain: str | None = None,
    cookie_secure: bool | None = None,
    cookie_same_site: Literal["lax", "none", "strict"] | None = None,
    session_expired_status_code: int | None = None,
    anti_csrf: Literal["VIA_TOKEN", "VIA_CUSTOM_HEADER", "NONE"] | None = None,
    get_token_transfer_method: Callable[[BaseRequest, bool, dict[str, Any]], Literal["cookie", "header", "any"]] | None = None,
    error_handlers: InputErrorHandlers | None = None,
    override: SessionOverrideConfig | None = None,
    invalid_claim_status_code: int | None = None,
    use_dynamic_access_token_signing_key: bool | None = None,
    expose_access_token_to_frontend_in_cookie_based_auth: bool | None = None,
    jwks_refresh_interval_sec: int | None = None,
    verified_tokens_kept: int | None = None,
) -> RecipeInit:
    """The recipe for `recipe_list`. `verified_tokens_kept` is ours: so many checked tokens are remembered, 10,000 unless it is said;
    0 checks each signature each time."""
    config = SessionConfig(
        cookie_domain=cookie_domain,
        older_cookie_domain=older_cookie_domain,
        cookie_secure=cookie_secure,
        cookie_same_site=cookie_same_site,
        session_expired_status_code=session_expired_status_code,
        anti_csrf=anti_csrf,
        get_token_transfer_method=get_token_transfer_method,
        error_handlers=error_handlers,
        override=override,
        invalid_claim_status_code=invalid_claim_status_code,
        use_dynamic_access_token_signing_key=use_dynamic_access_token_signing_key,
        expose_access_token_to_frontend_in_cookie_based_auth=expose_access_token_to_frontend_in_cookie_based_auth,
        jwks_refresh_interval_sec=jwks_refresh_interval_sec,
        verified_tokens_kept=verified_tokens_kept,
    )
    return RecipeInit("session", config)
