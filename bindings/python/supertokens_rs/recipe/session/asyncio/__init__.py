"""The session recipe's functions as coroutines."""

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
_LOOPING = _engine.LOOPING


async def create_new_session(
    request: Any,
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None = None,
    session_data_in_database: dict[str, Any] | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return await _functions.create_new_session(
        _LOOPING,
        request,
        tenant_id,
        recipe_user_id,
        access_token_payload,
        session_data_in_database,
        user_context,
    )


async def create_new_session_without_request_response(
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None = None,
    session_data_in_database: dict[str, Any] | None = None,
    disable_anti_csrf: bool = False,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return await _functions.create_new_session_without_request_response(
        _LOOPING,
        tenant_id,
        recipe_user_id,
        access_token_payload,
        session_data_in_database,
        disable_anti_csrf,
        user_context,
    )


async def get_session(
    request: Any,
    session_required: bool | None = None,
    anti_csrf_check: bool | None = None,
    check_database: bool | None = None,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer | None:
    return await _functions.get_session(
        _LOOPING,
        request,
        session_required,
        anti_csrf_check,
        check_database,
        override_global_claim_validators,
        user_context,
    )


async def get_session_without_request_response(
    access_token: str,
    anti_csrf_token: str | None = None,
    anti_csrf_check: bool | None = None,
    session_required: bool | None = None,
    check_database: bool | None = None,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer | None:
    return await _functions.get_session_without_request_response(
        _LOOPING,
        access_token,
        anti_csrf_token,
        anti_csrf_check,
        session_required,
        check_database,
        override_global_claim_validators,
        user_context,
    )


async def refresh_session(request: Any, user_context: dict[str, Any] | None = None) -> SessionContainer:
    return await _functions.refresh_session(_LOOPING, request, user_context)


async def refresh_session_without_request_response(
    refresh_token: str,
    disable_anti_csrf: bool = False,
    anti_csrf_token: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionContainer:
    return await _functions.refresh_session_without_request_response(
        _LOOPING,
        refresh_token,
        disable_anti_csrf,
        anti_csrf_token,
        user_context,
    )


async def get_session_information(
    session_handle: str,
    user_context: dict[str, Any] | None = None,
) -> SessionInformationResult | None:
    return await _functions.get_session_information(_LOOPING, session_handle, user_context)


async def get_all_session_handles_for_user(
    user_id: str,
    fetch_sessions_for_linked_accounts: bool = True,
    tenant_id: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> list[str]:
    return await _functions.get_all_session_handles_for_user(
        _LOOPING,
        user_id,
        fetch_sessions_for_linked_accounts,
        tenant_id,
        user_context,
    )


async def revoke_all_sessions_for_user(
    user_id: str,
    revoke_sessions_for_linked_accounts: bool = True,
    tenant_id: str | None = None,
    user_context: dict[str, Any] | None = None,
) -> list[str]:
    return await _functions.revoke_all_sessions_for_user(
        _LOOPING,
        user_id,
        revoke_sessions_for_linked_accounts,
        tenant_id,
        user_context,
    )


async def revoke_session(session_handle: str, user_context: dict[str, Any] | None = None) -> bool:
    return await _functions.revoke_session(_LOOPING, session_handle, user_context)


async def revoke_multiple_sessions(session_handles: list[str], user_context: dict[str, Any] | None = None) -> list[str]:
    return await _functions.revoke_multiple_sessions(_LOOPING, session_handles, user_context)


async def update_session_data_in_database(
    session_handle: str,
    new_session_data: dict[str, Any],
    user_context: dict[str, Any] | None = None,
) -> bool:
    return await _functions.update_session_data_in_database(_LOOPING, session_handle, new_session_data, user_context)


async def merge_into_access_token_payload(
    session_handle: str,
    new_access_token_payload: dict[str, Any],
    user_context: dict[str, Any] | None = None,
) -> bool:
    return await _functions.merge_into_access_token_payload(_LOOPING, session_handle, new_access_token_payload, user_context)


async def validate_claims_for_session_handle(
    session_handle: str,
    override_global_claim_validators: ChosenForHandle | None = None,
    user_context: dict[str, Any] | None = None,
) -> SessionDoesNotExistError | ClaimsValidationResult:
    return await _functions.validate_claims_for_session_handle(
        _LOOPING,
        session_handle,
        override_global_claim_validators,
        user_context,
    )


async def fetch_and_set_claim(session_handle: str, claim: SessionClaim[Any], user_context: dict[str, Any] | None = None) -> bool:
    return await _functions.fetch_and_set_claim(_LOOPING, session_handle, claim, user_context)


async def set_claim_value(
    session_handle: str,
    claim: SessionClaim[_T],
    value: _T,
    user_context: dict[str, Any] | None = None,
) -> bool:
    return await _functions.set_claim_value(_LOOPING, session_handle, claim, value, user_context)


async def get_claim_value(
    session_handle: str,
    claim: SessionClaim[_T],
    user_context: dict[str, Any] | None = None,
) -> SessionDoesNotExistError | GetClaimValueOkResult[_T]:
    return await _functions.get_claim_value(_LOOPING, session_handle, claim, user_context)


async def remove_claim(session_handle: str, claim: SessionClaim[Any], user_context: dict[str, Any] | None = None) -> bool:
    return await _functions.remove_claim(_LOOPING, session_handle, claim, user_context)


async def create_jwt(
    payload: dict[str, Any],
    validity_seconds: int | None = None,
    use_static_signing_key: bool | None = None,
    user_context: dict[str, Any] | None = None,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    return await _functions.create_jwt(_LOOPING, payload, validity_seconds, use_static_signing_key, user_context)


async def get_jwks(user_context: dict[str, Any] | None = None) -> GetJWKSResult:
    return await _functions.get_jwks(_LOOPING, user_context)


async def get_open_id_discovery_configuration(user_context: dict[str, Any] | None = None) -> GetOpenIdDiscoveryConfigurationResult:
    return await _functions.get_open_id_discovery_configuration(_LOOPING, user_context)
