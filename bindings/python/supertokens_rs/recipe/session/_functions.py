"""The recipe's functions, written once for code with an event loop and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from ..._claims import difference, judged
from ..._engine import Waiting
from ..._interfaces import ClaimValidatorsOverride
from ..._recipe import flags_of
from ..._results import (
    ClaimsValidationResult,
    CreateJwtOkResult,
    CreateJwtResultUnsupportedAlgorithm,
    GetClaimValueOkResult,
    GetJWKSResult,
    GetOpenIdDiscoveryConfigurationResult,
    SessionDoesNotExistError,
    SessionInformationResult,
    document_of,
    information_of,
    jwt_of,
    keys_of,
)
from ..._sdk import Sdk, current
from ..._session import SessionClaim, SessionClaimValidator, SessionContainer, built, needed, session_of, update_of
from ..._types import MaybeAwaitable, RecipeUserId, UserContext, text_of

_T = TypeVar("_T")
ChosenForHandle = Callable[
    [list[SessionClaimValidator], SessionInformationResult, UserContext], MaybeAwaitable[list[SessionClaimValidator]]
]
# Only look for a session: on the path of the refresh endpoint nothing is refreshed.
_ONLY_LOOK = 32


def _a_request(request: Any) -> Any:
    if request is None:
        raise TypeError("a request is needed: without one, there are the functions …_without_request_response")
    return request


async def create_new_session(
    waiting: Waiting,
    request: Any,
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None,
    session_data_in_database: dict[str, Any] | None,
    user_context: UserContext | None,
) -> SessionContainer:
    sdk = current()
    call = sdk.call_of(_a_request(request), user_context)
    call.makes_session = True
    given = {
        "tenantId": tenant_id,
        "recipeUserId": text_of(recipe_user_id),
        "accessTokenPayload": access_token_payload,
        "sessionDataInDatabase": {} if session_data_in_database is None else session_data_in_database,
    }
    session = needed(call, await sdk.engine.start(waiting, "createNewSession", given, call))
    assert call.request is not None
    call.request.set_session(session)
    return session


async def create_new_session_without_request_response(
    waiting: Waiting,
    tenant_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any] | None,
    session_data_in_database: dict[str, Any] | None,
    disable_anti_csrf: bool,
    user_context: UserContext | None,
) -> SessionContainer:
    sdk = current()
    call = sdk.call_of(None, user_context)
    given = {
        "tenantId": tenant_id,
        "recipeUserId": text_of(recipe_user_id),
        "accessTokenPayload": access_token_payload,
        "sessionDataInDatabase": {} if session_data_in_database is None else session_data_in_database,
        "disableAntiCsrf": disable_anti_csrf,
    }
    return needed(call, await sdk.engine.start(waiting, "createNewSession", given, call))


async def get_session(
    waiting: Waiting,
    request: Any,
    session_required: bool | None,
    anti_csrf_check: bool | None,
    check_database: bool | None,
    override_global_claim_validators: ClaimValidatorsOverride | None,
    user_context: UserContext | None,
) -> SessionContainer | None:
    sdk = current()
    flags = flags_of(anti_csrf_check, session_required, check_database, override_global_claim_validators) | _ONLY_LOOK
    call = sdk.call_of(_a_request(request), user_context)
    return await sdk.verify(waiting, call, flags, override_global_claim_validators)


async def get_session_without_request_response(
    waiting: Waiting,
    access_token: str,
    anti_csrf_token: str | None,
    anti_csrf_check: bool | None,
    session_required: bool | None,
    check_database: bool | None,
    override_global_claim_validators: ClaimValidatorsOverride | None,
    user_context: UserContext | None,
) -> SessionContainer | None:
    sdk = current()
    call = sdk.call_of(None, user_context)
    call.choose = override_global_claim_validators
    given = {
        "accessToken": access_token,
        "antiCsrfToken": anti_csrf_token,
        "sessionRequired": session_required,
        "antiCsrfCheck": anti_csrf_check,
        "checkDatabase": check_database,
        "choose": override_global_claim_validators is not None,
    }
    return session_of(call, await sdk.engine.start(waiting, "getSession", given, call))


async def refresh_session(waiting: Waiting, request: Any, user_context: UserContext | None) -> SessionContainer:
    sdk = current()
    call = sdk.call_of(_a_request(request), user_context)
    session = needed(call, await sdk.engine.start(waiting, "refreshSession", {}, call))
    assert call.request is not None
    call.request.set_session(session)
    return session


async def _function(
    waiting: Waiting, sdk: Sdk, name: str, engine: str, given: dict[str, Any], user_context: UserContext | None, **kwargs: Any
) -> Any:
    """The application's function, where it has one; the engine's, without a detour, where it has not."""
    if engine in sdk.session.overridden:
        context = {} if user_context is None else user_context
        return True, await waiting.value(getattr(sdk.functions, name)(**kwargs, user_context=context))
    call = sdk.call_of(None, user_context)
    step = await sdk.engine.start(waiting, f"original.{engine}", given, call)
    return False, (call, step)


def _value(step: Any) -> Any:
    return None if step[1] is None else json.loads(step[1])


async def _plain(
    waiting: Waiting, name: str, engine: str, given: dict[str, Any], user_context: UserContext | None, **kwargs: Any
) -> Any:
    theirs, found = await _function(waiting, current(), name, engine, given, user_context, **kwargs)
    return found if theirs else _value(found[1])


async def refresh_session_without_request_response(
    waiting: Waiting, refresh_token: str, disable_anti_csrf: bool, anti_csrf_token: str | None, user_context: UserContext | None
) -> SessionContainer:
    kwargs = {"refresh_token": refresh_token, "anti_csrf_token": anti_csrf_token, "disable_anti_csrf": disable_anti_csrf}
    given = {"refreshToken": refresh_token, "antiCsrfToken": anti_csrf_token, "disableAntiCsrf": disable_anti_csrf}
    theirs, found = await _function(waiting, current(), "refresh_session", "refreshSession", given, user_context, **kwargs)
    return found if theirs else needed(*found)


async def get_session_information(
    waiting: Waiting, session_handle: str, user_context: UserContext | None
) -> SessionInformationResult | None:
    given, kwargs = {"sessionHandle": session_handle}, {"session_handle": session_handle}
    name, engine = "get_session_information", "getSessionInformation"
    theirs, found = await _function(waiting, current(), name, engine, given, user_context, **kwargs)
    return found if theirs else information_of(_value(found[1]))


async def get_all_session_handles_for_user(
    waiting: Waiting, user_id: str, linked: bool, tenant_id: str | None, user_context: UserContext | None
) -> list[str]:
    tenant, everywhere = tenant_id or "public", tenant_id is None
    return await _plain(
        waiting,
        "get_all_session_handles_for_user",
        "getAllSessionHandlesForUser",
        {"userId": user_id, "fetchSessionsForAllLinkedAccounts": linked, "tenantId": tenant, "fetchAcrossAllTenants": everywhere},
        user_context,
        user_id=user_id,
        fetch_sessions_for_linked_accounts=linked,
        tenant_id=tenant,
        fetch_across_all_tenants=everywhere,
    )


async def revoke_all_sessions_for_user(
    waiting: Waiting, user_id: str, linked: bool, tenant_id: str | None, user_context: UserContext | None
) -> list[str]:
    tenant, everywhere = tenant_id or "public", tenant_id is None
    return await _plain(
        waiting,
        "revoke_all_sessions_for_user",
        "revokeAllSessionsForUser",
        {"userId": user_id, "revokeSessionsForLinkedAccounts": linked, "tenantId": tenant, "revokeAcrossAllTenants": everywhere},
        user_context,
        user_id=user_id,
        revoke_sessions_for_linked_accounts=linked,
        tenant_id=tenant,
        revoke_across_all_tenants=everywhere,
    )


async def revoke_session(waiting: Waiting, session_handle: str, user_context: UserContext | None) -> bool:
    given = {"sessionHandle": session_handle}
    return await _plain(waiting, "revoke_session", "revokeSession", given, user_context, session_handle=session_handle)


async def revoke_multiple_sessions(waiting: Waiting, session_handles: list[str], user_context: UserContext | None) -> list[str]:
    given = {"sessionHandles": session_handles}
    name, engine = "revoke_multiple_sessions", "revokeMultipleSessions"
    return await _plain(waiting, name, engine, given, user_context, session_handles=session_handles)


async def update_session_data_in_database(
    waiting: Waiting, session_handle: str, new_session_data: dict[str, Any], user_context: UserContext | None
) -> bool:
    given = {"sessionHandle": session_handle, "newSessionData": new_session_data}
    kwargs = {"session_handle": session_handle, "new_session_data": new_session_data}
    return await _plain(waiting, "update_session_data_in_database", "updateSessionDataInDatabase", given, user_context, **kwargs)


async def merge_into_access_token_payload(
    waiting: Waiting, session_handle: str, update: dict[str, Any], user_context: UserContext | None
) -> bool:
    given = {"sessionHandle": session_handle, "accessTokenPayloadUpdate": update}
    kwargs = {"session_handle": session_handle, "access_token_payload_update": update}
    return await _plain(waiting, "merge_into_access_token_payload", "mergeIntoAccessTokenPayload", given, user_context, **kwargs)


async def validate_claims_for_session_handle(
    waiting: Waiting, session_handle: str, choose: ChosenForHandle | None, user_context: UserContext | None
) -> SessionDoesNotExistError | ClaimsValidationResult:
    sdk = current()
    context = {} if user_context is None else user_context
    found = await get_session_information(waiting, session_handle, context)
    if found is None:
        return SessionDoesNotExistError()
    asked = sdk.functions.get_global_claim_validators(
        tenant_id=found.tenant_id,
        user_id=found.user_id,
        recipe_user_id=found.recipe_user_id,
        claim_validators_added_by_other_recipes=[],
        user_context=context,
    )
    validators = await waiting.value(asked)
    if choose is not None:
        validators = await waiting.value(choose(validators, found, context))
    payload = found.custom_claims_in_access_token_payload
    if sdk.session.judges:
        judging = sdk.functions.validate_claims(
            user_id=found.user_id,
            recipe_user_id=found.recipe_user_id,
            access_token_payload=payload,
            claim_validators=validators,
            user_context=context,
        )
        result = await waiting.value(judging)
    else:
        result = await judged(waiting, found.user_id, found.recipe_user_id, payload, validators, context)
    if result.access_token_payload_update is not None:
        update = difference(payload, result.access_token_payload_update)
        if not await merge_into_access_token_payload(waiting, session_handle, update, context):
            return SessionDoesNotExistError()
    return ClaimsValidationResult(result.invalid_claims, result.access_token_payload_update)


async def _of_claim(waiting: Waiting, name: str, user_context: UserContext | None, **kwargs: Any) -> tuple[bool, Any]:
    """The application's function, where it has one."""
    sdk = current()
    if name not in sdk.session.theirs:
        return False, None
    context = {} if user_context is None else user_context
    return True, await waiting.value(getattr(sdk.functions, name)(**kwargs, user_context=context))


async def fetch_and_set_claim(
    waiting: Waiting, session_handle: str, claim: SessionClaim[Any], user_context: UserContext | None
) -> bool:
    theirs, given = await _of_claim(waiting, "fetch_and_set_claim", user_context, session_handle=session_handle, claim=claim)
    if theirs:
        return given
    context = {} if user_context is None else user_context
    found = await get_session_information(waiting, session_handle, context)
    if found is None:
        return False
    payload = found.custom_claims_in_access_token_payload
    made = await built(waiting, claim, found.user_id, found.recipe_user_id, found.tenant_id, payload, context)
    return await merge_into_access_token_payload(waiting, session_handle, update_of(claim, made, context), context)


async def set_claim_value(
    waiting: Waiting, session_handle: str, claim: SessionClaim[_T], value: _T, user_context: UserContext | None
) -> bool:
    kwargs = {"session_handle": session_handle, "claim": claim, "value": value}
    theirs, given = await _of_claim(waiting, "set_claim_value", user_context, **kwargs)
    if theirs:
        return given
    update = claim.add_to_payload_({}, value, user_context or {})
    return await merge_into_access_token_payload(waiting, session_handle, update, user_context)


async def get_claim_value(
    waiting: Waiting, session_handle: str, claim: SessionClaim[_T], user_context: UserContext | None
) -> SessionDoesNotExistError | GetClaimValueOkResult[_T]:
    theirs, given = await _of_claim(waiting, "get_claim_value", user_context, session_handle=session_handle, claim=claim)
    if theirs:
        return given
    found = await get_session_information(waiting, session_handle, user_context)
    if found is None:
        return SessionDoesNotExistError()
    return GetClaimValueOkResult(claim.get_value_from_payload(found.custom_claims_in_access_token_payload, user_context or {}))


async def remove_claim(waiting: Waiting, session_handle: str, claim: SessionClaim[Any], user_context: UserContext | None) -> bool:
    theirs, given = await _of_claim(waiting, "remove_claim", user_context, session_handle=session_handle, claim=claim)
    if theirs:
        return given
    update = claim.remove_from_payload_by_merge_({}, user_context or {})
    return await merge_into_access_token_payload(waiting, session_handle, update, user_context)


async def create_jwt(
    waiting: Waiting,
    payload: dict[str, Any] | None,
    validity_seconds: int | None,
    use_static_signing_key: bool | None,
    user_context: UserContext | None,
    with_issuer: bool = True,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    """With an issuer the token carries `iss`, unless the payload has one."""
    sdk = current()
    given = {"payload": payload, "validitySeconds": validity_seconds, "useStaticSigningKey": use_static_signing_key}
    name = "createJWT" if with_issuer else "original.createJWT"
    return jwt_of(_value(await sdk.engine.start(waiting, name, given, sdk.call_of(None, user_context))))


async def get_jwks(waiting: Waiting, user_context: UserContext | None) -> GetJWKSResult:
    sdk = current()
    return keys_of(_value(await sdk.engine.start(waiting, "original.getJWKS", {}, sdk.call_of(None, user_context))))


async def get_open_id_discovery_configuration(
    waiting: Waiting, user_context: UserContext | None
) -> GetOpenIdDiscoveryConfigurationResult:
    sdk = current()
    call = sdk.call_of(None, user_context)
    return document_of(_value(await sdk.engine.start(waiting, "original.getOpenIdDiscoveryConfiguration", {}, call)))


