"""The session recipe's functions for code without an event loop: they keep the thread, and give the interpreter back while they wait."""

from __future__ import annotations

from typing import Any, TypeVar

from .... import _engine
from ...._interfaces import ClaimValidatorsOverride
from ...._results import (
    ClaimsValidationResult,
    CreateJwtOkResult,
    CreateJwtResultUnsupportedAlgorithm,
    GetClaimValueOkResult,
    GetJWKSResult,
    GetOpenIdDiscoveryConfigurationResult,
    SessionDoesNotExistError,
    SessionInformationResult,
)
from ...._session import SessionClaim, SessionContainer
from ...._types import RecipeUserId
from .. import _functions
from .._functions import ChosenForHandle

_T = TypeVar("_T")
_BLOCKING = _engine.BLOCKING
_now = _engine.now


def create_new_session(
    request: Any,
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None = None,
    session_data_in_database: dict[str, Any] | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return _now(
        _functions.create_new_session(
            _BLOCKING,
            request,
            tenant_id,
            recipe_user_id,
            access_token_payload,
            session_data_in_database,
            user_context,
        )
    )


def create_new_session_without_request_response(
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None = None,
    session_data_in_database: dict[str, Any] | None = None,
    disable_anti_csrf: bool = False,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return _now(
        _functions.create_new_session_without_request_response(
            _BLOCKING,
            tenant_id,
            recipe_user_id,
            access_token_payload,
            session_data_in_database,
            disable_anti_csrf,
            user_context,
        )
    )


def get_session(
    request: Any,
    session_required: bool = True,
    anti_csrf_check: bool | None = None,
    check_database: bool | None = None,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer | None:
    return _now(
        _functions.get_session(
            _BLOCKING,
            request,
            session_required,
            anti_csrf_check,
            check_database,
            override_global_claim_validators,
            user_context,
        )
    )


def get_session_without_request_response(
    access_token: str,
    anti_csrf_token: str | None = None,
    anti_csrf_check: bool | None = None,
    session_required: bool | None = None,
    check_database: bool | None = None,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer | None:
    return _now(
        _functions.get_session_without_request_response(
            _BLOCKING,
            access_token,
            anti_csrf_token,
            anti_csrf_check,
            session_required,
            check_database,
            override_global_claim_validators,
            user_context,
        )
    )


def refresh_session(request: Any, user_context: dict[str, Any] | None = None) -> SessionContainer:
    return _now(_functions.refresh_session(_BLOCKING, request, user_context))


def refresh_session_without_request_response(
    refresh_token: str,
    disable_anti_csrf: bool = False,
    anti_csrf_token: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return _now(
        _functions.refresh_session_without_request_response(
            _BLOCKING,
            refresh_token,
            disable_anti_csrf,
            anti_csrf_token,
            user_context,
        )
    )


def get_session_information(session_handle: str, user_context: dict[str, Any] | None = None) -> SessionInformationResult | None:
    return _now(_functions.get_session_information(_BLOCKING, session_handle, user_context))


def get_all_session_handles_for_user(
    user_id: str,
    fetch_sessions_for_linked_accounts: bool = True,
    tenant_id: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> list[str]:
    return _now(
        _functions.get_all_session_handles_for_user(
            _BLOCKING,
            user_id,
            fetch_sessions_for_linked_accounts,
            tenant_id,
            user_context,
        )
    )


def revoke_all_sessions_for_user(
    user_id: str,
    revoke_sessions_for_linked_accounts: bool = True,
    tenant_id: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> list[str]:
    return _now(
        _functions.revoke_all_sessions_for_user(
            _BLOCKING,
            user_id,
            revoke_sessions_for_linked_accounts,
            tenant_id,
            user_context,
        )
    )


def revoke_session(session_handle: str, user_context: dict[str, Any] | None = None) -> bool:
    return _now(_functions.revoke_session(_BLOCKING, session_handle, user_context))


def revoke_multiple_sessions(session_handles: list[str], user_context: dict[str, Any] | None = None) -> list[str]:
    return _now(_functions.revoke_multiple_sessions(_BLOCKING, session_handles, user_context))


def update_session_data_in_database(
    session_handle: str,
    new_session_data: dict[str, Any],
    user_context: dict[str, Any] | None = None,
) -> bool:
    return _now(_functions.update_session_data_in_database(_BLOCKING, session_handle, new_session_data, user_context))


def merge_into_access_token_payload(
    session_handle: str,
    new_access_token_payload: dict[str, Any],
    user_context: dict[str, Any] | None = None,
) -> bool:
    return _now(_functions.merge_into_access_token_payload(_BLOCKING, session_handle, new_access_token_payload, user_context))


def validate_claims_for_session_handle(
    session_handle: str,
    override_global_claim_validators: ChosenForHandle | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionDoesNotExistError | ClaimsValidationResult:
    return _now(
        _functions.validate_claims_for_session_handle(
            _BLOCKING,
            session_handle,
            override_global_claim_validators,
            user_context,
        )
    )


def fetch_and_set_claim(session_handle: str, claim: SessionClaim[Any], user_context: dict[str, Any] | None = None) -> bool:
    return _now(_functions.fetch_and_set_claim(_BLOCKING, session_handle, claim, user_context))


def set_claim_value(session_handle: str, claim: SessionClaim[_T], value: _T, user_context: dict[str, Any] | None = None) -> bool:
    return _now(_functions.set_claim_value(_BLOCKING, session_handle, claim, value, user_context))


def get_claim_value(
    session_handle: str,
    claim: SessionClaim[_T],
    user_context: dict[str, Any] | None = None,
) -> SessionDoesNotExistError | GetClaimValueOkResult[_T]:
    return _now(_functions.get_claim_value(_BLOCKING, session_handle, claim, user_context))


def remove_claim(session_handle: str, claim: SessionClaim[Any], user_context: dict[str, Any] | None = None) -> bool:
    return _now(_functions.remove_claim(_BLOCKING, session_handle, claim, user_context))


def create_jwt(
    payload: dict[str, Any],
    validity_seconds: int | None = None,
    use_static_signing_key: bool | None = None,
    user_context: dict[str, Any] | None = None,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    return _now(_functions.create_jwt(_BLOCKING, payload, validity_seconds, use_static_signing_key, user_context))


def get_jwks(user_context: dict[str, Any] | None = None) -> GetJWKSResult:
    return _now(_functions.get_jwks(_BLOCKING, user_context))


def get_open_id_discovery_configuration(user_context: dict[str, Any] | None = None) -> GetOpenIdDiscoveryConfigurationResult:
    return _now(_functions.get_open_id_discovery_configuration(_BLOCKING, user_context))
