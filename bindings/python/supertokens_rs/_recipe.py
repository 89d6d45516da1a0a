"""The session recipe's functions: the SDK's own, the application's around them, and what the engine asks of both."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ._claims import judged
from ._engine import LOOPING, Callback, Waiting
from ._errors import claim_errors
from ._http import BaseResponse
from ._interfaces import APIInterface, APIOptions, ClaimValidatorsOverride, RecipeInterface
from ._results import (
    AccessTokenObj,
    ClaimsValidationResult,
    GetClaimValueOkResult,
    RegenerateAccessTokenOkResult,
    SessionDoesNotExistError,
    SessionInformationResult,
    SessionObj,
    SignOutOkayResponse,
    information_of,
)
from ._session import SessionClaim, SessionClaimValidator, SessionContainer, built, native_of, needed, session_of, update_of
from ._types import GeneralErrorResponse, RecipeUserId, UserContext, text_of

if TYPE_CHECKING:
    from ._call import Call
    from ._native import Session as Native
    from ._native import Step
    from ._sdk import Sdk, SessionConfig

class Originals(RecipeInterface):
    """The SDK's own functions. `sdk.functions` are those with the application's around them."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk

    # The default: validators of other recipes, of which there are none here.
    def get_global_claim_validators(self, tenant_id, user_id, recipe_user_id, claim_validators_added_by_other_recipes, user_context):  # pyright: ignore
        return claim_validators_added_by_other_recipes

    async def _run(self, name: str, user_context: UserContext | None, **given: Any) -> tuple[Call, Step]:
        call = self._sdk.call_of(None, user_context)
        return call, await self._sdk.engine.start(LOOPING, f"original.{name}", given, call)

    async def _value(self, name: str, user_context: UserContext, **given: Any) -> Any:
        _, step = await self._run(name, user_context, **given)
        return None if step[1] is None else json.loads(step[1])

    async def create_new_session(
        self,
        user_id: str,
        recipe_user_id: RecipeUserId,
        access_token_payload: dict[str, Any] | None,
        session_data_in_database: dict[str, Any] | None,
        disable_anti_csrf: bool | None,
        tenant_id: str,
        user_context: UserContext,
    ) -> SessionContainer:
        return needed(
            *await self._run(
                "createNewSession",
                user_context,
                userId=user_id,
                recipeUserId=text_of(recipe_user_id),
                accessTokenPayload=access_token_payload,
                sessionDataInDatabase=session_data_in_database or {},
                disableAntiCsrf=disable_anti_csrf,
                tenantId=tenant_id,
            )
        )

    async def get_session(
        self,
        access_token: str | None,
        anti_csrf_token: str | None = None,
        anti_csrf_check: bool | None = None,
        session_required: bool | None = None,
        check_database: bool | None = None,
        override_global_claim_validators: ClaimValidatorsOverride | None = None,
        user_context: UserContext | None = None,
    ) -> SessionContainer | None:
        # Validators are judged around it, whoever chooses them.
        options = {"antiCsrfCheck": anti_csrf_check, "sessionRequired": session_required, "checkDatabase": check_database}
        given = {"accessToken": access_token, "antiCsrfToken": anti_csrf_token, "options": options}
        return session_of(*await self._run("getSession", user_context, **given))

    async def validate_claims(
        self,
        user_id: str,
        recipe_user_id: RecipeUserId,
        access_token_payload: dict[str, Any],
        claim_validators: list[SessionClaimValidator],
        user_context: UserContext,
    ) -> ClaimsValidationResult:
        return await judged(LOOPING, user_id, recipe_user_id, access_token_payload, claim_validators, user_context)

    async def refresh_session(
        self, refresh_token: str, anti_csrf_token: str | None, disable_anti_csrf: bool, user_context: UserContext
    ) -> SessionContainer:
        given = {"refreshToken": refresh_token, "antiCsrfToken": anti_csrf_token, "disableAntiCsrf": disable_anti_csrf}
        return needed(*await self._run("refreshSession", user_context, **given))

    async def revoke_session(self, session_handle: str, user_context: UserContext) -> bool:
        return await self._value("revokeSession", user_context, sessionHandle=session_handle)

    async def revoke_all_sessions_for_user(
        self,
        user_id: str,
        revoke_sessions_for_linked_accounts: bool,
        tenant_id: str,
        revoke_across_all_tenants: bool,
        user_context: UserContext,
    ) -> list[str]:
        return await self._value(
            "revokeAllSessionsForUser",
            user_context,
            userId=user_id,
            revokeSessionsForLinkedAccounts=revoke_sessions_for_linked_accounts,
            tenantId=tenant_id,
            revokeAcrossAllTenants=revoke_across_all_tenants,
        )

    async def get_all_session_handles_for_user(
        self,
        user_id: str,
        fetch_sessions_for_linked_accounts: bool,
        tenant_id: str,
        fetch_across_all_tenants: bool,
        user_context: UserContext,
    ) -> list[str]:
        return await self._value(
            "getAllSessionHandlesForUser",
            user_context,
            userId=user_id,
            fetchSessionsForAllLinkedAccounts=fetch_sessions_for_linked_accounts,
            tenantId=tenant_id,
            fetchAcrossAllTenants=fetch_across_all_tenants,
        )

    async def revoke_multiple_sessions(self, session_handles: list[str], user_context: UserContext) -> list[str]:
        return await self._value("revokeMultipleSessions", user_context, sessionHandles=session_handles)

    async def get_session_information(self, session_handle: str, user_context: UserContext) -> SessionInformationResult | None:
        return information_of(await self._value("getSessionInformation", user_context, sessionHandle=session_handle))

    async def update_session_data_in_database(
        self, session_handle: str, new_session_data: dict[str, Any], user_context: UserContext
    ) -> bool:
        given = {"sessionHandle": session_handle, "newSessionData": new_session_data}
        return await self._value("updateSessionDataInDatabase", user_context, **given)

    async def merge_into_access_token_payload(
        self, session_handle: str, access_token_payload_update: dict[str, Any], user_context: UserContext
    ) -> bool:
        given = {"sessionHandle": session_handle, "accessTokenPayloadUpdate": access_token_payload_update}
        return await self._value("mergeIntoAccessTokenPayload", user_context, **given)

    async def fetch_and_set_claim(self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext) -> bool:
        functions = self._sdk.functions
        found = await LOOPING.value(functions.get_session_information(session_handle=session_handle, user_context=user_context))
        if found is None:
            return False
        payload = found.custom_claims_in_access_token_payload
        made = await built(LOOPING, claim, found.user_id, found.recipe_user_id, found.tenant_id, payload, user_context)
        return await self._merge(session_handle, update_of(claim, made, user_context), user_context)

    async def set_claim_value(self, session_handle: str, claim: SessionClaim[Any], value: Any, user_context: UserContext) -> bool:
        return await self._merge(session_handle, claim.add_to_payload_({}, value, user_context), user_context)

    async def get_claim_value(
        self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext
    ) -> SessionDoesNotExistError | GetClaimValueOkResult[Any]:
        functions = self._sdk.functions
        found = await LOOPING.value(functions.get_session_information(session_handle=session_handle, user_context=user_context))
        if found is None:
            return SessionDoesNotExistError()
        return GetClaimValueOkResult(claim.get_value_from_payload(found.custom_claims_in_access_token_payload, user_context))

    async def remove_claim(self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext) -> bool:
        return await self._merge(session_handle, claim.remove_from_payload_by_merge_({}, user_context), user_context)

    async def _merge(self, session_handle: str, update: dict[str, Any], user_context: UserContext) -> bool:
        merge = self._sdk.functions.merge_into_access_token_payload
        return await LOOPING.value(
            merge(session_handle=session_handle, access_token_payload_update=update, user_context=user_context)
        )

    async def regenerate_access_token(
        self, access_token: str, new_access_token_payload: dict[str, Any] | None, user_context: UserContext
    ) -> RegenerateAccessTokenOkResult | None:
        given = {"accessToken": access_token, "newAccessTokenPayload": new_access_token_payload}
        return _regenerated(access_token, await self._value("regenerateAccessToken", user_context, **given))


def _regenerated(access_token: str, made: dict[str, Any] | None) -> RegenerateAccessTokenOkResult | None:
    """The session that the answer is about is the token's own."""
    if made is None:
        return None
    new = made["accessToken"]
    body = (access_token if new is None else new["token"]).split(".")[1]
    own = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    who = RecipeUserId(own.get("rsub", own["sub"]))
    session = SessionObj(own["sessionHandle"], own["sub"], who, made["userDataInJWT"], own.get("tId", "public"))
    return RegenerateAccessTokenOkResult(
        session, None if new is None else AccessTokenObj(new["token"], new["expiry"], new["createdTime"])
    )


class OriginalEndpoints(APIInterface):
    def __init__(self, sdk: Sdk) -> None:
        super().__init__()
        self._sdk = sdk

    async def refresh_post(self, api_options: APIOptions, user_context: UserContext) -> SessionContainer:
        call = self._sdk.call_of(api_options.request, user_context)
        return needed(call, await self._sdk.engine.start(LOOPING, "original.refreshPOST", {}, call))

    async def signout_post(
        self, session: SessionContainer, api_options: APIOptions, user_context: UserContext
    ) -> SignOutOkayResponse | GeneralErrorResponse:
        await session.revoke_session(user_context)
        return SignOutOkayResponse()

    async def verify_session(
        self,
        api_options: APIOptions,
        anti_csrf_check: bool | None,
        session_required: bool,
        check_database: bool,
        override_global_claim_validators: ClaimValidatorsOverride | None,
        user_context: UserContext,
    ) -> SessionContainer | None:
        call = self._sdk.call_of(api_options.request, user_context)
        flags = flags_of(anti_csrf_check, session_required, check_database, override_global_claim_validators)
        return await self._sdk.verify(LOOPING, call, flags, override_global_claim_validators)


def flags_of(anti_csrf_check: bool | None, session_required: bool | None, check_database: bool | None, choose: object) -> int:
    """As `Checks` of the bridge reads them."""
    return (
        (1 if session_required is False else 0)
        | (2 if check_database else 0)
        | (0 if anti_csrf_check is None else 4 if anti_csrf_check else 8)
        | (0 if choose is None else 16)
    )


# What the engine asks for if it is overridden, by the names of both; the others are called from here only.
ASKED = {
    "create_new_session": "createNewSession",
    "get_session": "getSession",
    "refresh_session": "refreshSession",
    "get_global_claim_validators": "getGlobalClaimValidators",
    "get_session_information": "getSessionInformation",
    "get_all_session_handles_for_user": "getAllSessionHandlesForUser",
    "revoke_all_sessions_for_user": "revokeAllSessionsForUser",
    "revoke_session": "revokeSession",
    "revoke_multiple_sessions": "revokeMultipleSessions",
    "update_session_data_in_database": "updateSessionDataInDatabase",
    "merge_into_access_token_payload": "mergeIntoAccessTokenPayload",
    "regenerate_access_token": "regenerateAccessToken",
}
FUNCTIONS = tuple(RecipeInterface.__abstractmethods__)
ENDPOINTS = {"refresh_post": "refreshPOST", "signout_post": "signOutPOST"}
ERRORS = {
    "on_unauthorised": "onUnauthorised",
    "on_try_refresh_token": "onTryRefreshToken",
    "on_token_theft_detected": "onTokenTheftDetected",
    "on_invalid_claim": "onInvalidClaim",
    "on_clear_duplicate_session_cookies": "onClearDuplicateSessionCookies",
}


def _changed(original: Any, override: Any, what: str, names: tuple[str, ...]) -> Any:
    """The object that an override has made of the original."""
    if override is None:
        return original
    if not callable(override):
        raise ValueError(f"session.init: override.{what} must be a function")
    made = override(original)
    for name in names:
        if not callable(getattr(made, name, None)):
            raise ValueError(f"session.init: override.{what} must give an object with all functions, and gives no {name}")
    return made


def _is_own(original: Any, made: Any, name: str) -> bool:
    own = cast("type[Any]", type(original))
    return getattr(made, name) == getattr(own, name).__get__(original)


class SessionFunctions:
    def __init__(self, sdk: Sdk, config: SessionConfig) -> None:
        self.sdk = sdk
        self.config = config
        own, endpoints = Originals(sdk), OriginalEndpoints(sdk)
        override = config.override
        self.functions: RecipeInterface = _changed(own, override and override.functions, "functions", FUNCTIONS)
        names = (*ENDPOINTS, "verify_session")
        self.apis: APIInterface = _changed(endpoints, override and override.apis, "apis", names)
        # What the application has put in the place of ours.
        self.theirs = {name for name in FUNCTIONS if not _is_own(own, self.functions, name)}
        self.overridden = [engine for name, engine in ASKED.items() if name in self.theirs]
        self.overridden += [engine for name, engine in ENDPOINTS.items() if not _is_own(endpoints, self.apis, name)]
        self.judges = "validate_claims" in self.theirs
        self.verifies = not _is_own(endpoints, self.apis, "verify_session")
        off = {"refreshPOST": "disable_refresh_post", "signOutPOST": "disable_signout_post"}
        self.disabled = [engine for engine, name in off.items() if getattr(self.apis, name, False)]
        self.overridden = [name for name in self.overridden if name not in self.disabled]

    def options_of(self, call: Call) -> APIOptions:
        """What official hands to an endpoint."""
        if call.request is None:
            raise RuntimeError("there is no request")
        return APIOptions(call.request, call.response, "session", self.config, self.functions)

    def callbacks(self) -> dict[str, Callback]:
        """What the engine may ask, by its name."""
        functions, apis = self.functions, self.apis

        async def create(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            made = functions.create_new_session(
                user_id=given["userId"],
                recipe_user_id=RecipeUserId(given["recipeUserId"]),
                access_token_payload=given["accessTokenPayload"],
                session_data_in_database=given["sessionDataInDatabase"],
                disable_anti_csrf=given["disableAntiCsrf"],
                tenant_id=given["tenantId"],
                user_context=call.user_context,
            )
            return await self.giving(waiting, "create_new_session", made, call)

        async def get(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            options = given["options"]
            found = functions.get_session(
                access_token=given["accessToken"],
                anti_csrf_token=given["antiCsrfToken"],
                anti_csrf_check=options["antiCsrfCheck"],
                session_required=options["sessionRequired"],
                check_database=options["checkDatabase"],
                override_global_claim_validators=call.choose,
                user_context=call.user_context,
            )
            return await self.giving(waiting, "get_session", found, call, optional=True)

        async def refresh(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            made = functions.refresh_session(
                refresh_token=given["refreshToken"],
                anti_csrf_token=given["antiCsrfToken"],
                disable_anti_csrf=given["disableAntiCsrf"],
                user_context=call.user_context,
            )
            return await self.giving(waiting, "refresh_session", made, call)

        async def global_validators(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            chosen = functions.get_global_claim_validators(
                tenant_id=given["tenantId"],
                user_id=given["userId"],
                recipe_user_id=RecipeUserId(given["recipeUserId"]),
                claim_validators_added_by_other_recipes=call.validators_of(given["validators"]),
                user_context=call.user_context,
            )
            return call.refer(await waiting.value(chosen)), None

        async def choose(waiting: Waiting, given: dict[str, Any], call: Call, session: Native | None):
            found = SessionContainer(call, (0, None, None, session))
            chosen = call.choose(call.validators_of(given["validators"]), found, call.user_context)
            return call.refer(await waiting.value(chosen)), None

        async def validate(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            who = RecipeUserId(given["recipeUserId"])
            validators = call.validators_of(given["validators"])
            if self.judges:
                asked = functions.validate_claims(
                    user_id=given["userId"],
                    recipe_user_id=who,
                    access_token_payload=given["accessTokenPayload"],
                    claim_validators=validators,
                    user_context=call.user_context,
                )
                result = await waiting.value(asked)
            else:
                result = await judged(waiting, given["userId"], who, given["accessTokenPayload"], validators, call.user_context)
            return result.to_json(), None

        async def information(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            asked = functions.get_session_information(session_handle=given["sessionHandle"], user_context=call.user_context)
            found = await waiting.value(asked)
            return None if found is None else found.to_json(), None

        async def regenerate(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            asked = functions.regenerate_access_token(
                access_token=given["accessToken"],
                new_access_token_payload=given["newAccessTokenPayload"],
                user_context=call.user_context,
            )
            made = await waiting.value(asked)
            if made is None:
                return None, None
            answer = made.to_json()
            return {"userDataInJWT": answer["session"]["userDataInJWT"], "accessToken": answer["accessToken"]}, None

        def plain(name: str, **names: str) -> Callback:
            async def run(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
                kwargs = {ours: given[engine] for ours, engine in names.items()}
                return await waiting.value(getattr(functions, name)(**kwargs, user_context=call.user_context)), None

            return run

        async def refresh_post(waiting: Waiting, _given: dict[str, Any], call: Call, _: Native | None):
            made = apis.refresh_post(self.options_of(call), call.user_context)
            return await self.giving(waiting, "refresh_post", made, call)

        async def signout_post(waiting: Waiting, _given: dict[str, Any], call: Call, session: Native | None):
            found = SessionContainer(call, (0, None, None, session))
            done = await waiting.value(apis.signout_post(found, self.options_of(call), call.user_context))
            return done.to_json(), None

        user = {"user_id": "userId", "tenant_id": "tenantId"}
        handle = {"session_handle": "sessionHandle"}
        return {
            "createNewSession": create,
            "getSession": get,
            "refreshSession": refresh,
            "getGlobalClaimValidators": global_validators,
            "chooseValidators": choose,
            "validateClaims": validate,
            "getSessionInformation": information,
            "regenerateAccessToken": regenerate,
            "getAllSessionHandlesForUser": plain(
                "get_all_session_handles_for_user",
                **user,
                fetch_sessions_for_linked_accounts="fetchSessionsForAllLinkedAccounts",
                fetch_across_all_tenants="fetchAcrossAllTenants",
            ),
            "revokeAllSessionsForUser": plain(
                "revoke_all_sessions_for_user",
                **user,
                revoke_sessions_for_linked_accounts="revokeSessionsForLinkedAccounts",
                revoke_across_all_tenants="revokeAcrossAllTenants",
            ),
            "revokeSession": plain("revoke_session", **handle),
            "revokeMultipleSessions": plain("revoke_multiple_sessions", session_handles="sessionHandles"),
            "updateSessionDataInDatabase": plain("update_session_data_in_database", **handle, new_session_data="newSessionData"),
            "mergeIntoAccessTokenPayload": plain(
                "merge_into_access_token_payload", **handle, access_token_payload_update="accessTokenPayloadUpdate"
            ),
            "refreshPOST": refresh_post,
            "signOutPOST": signout_post,
            **self.handlers(),
        }

    async def giving(self, waiting: Waiting, name: str, given: Any, call: Call, optional: bool = False) -> tuple[Any, Native | None]:
        """A session of the application's, for the engine; the object itself is what the application shall get back."""
        session = await waiting.value(given)
        if session is None and optional:
            return None, None
        held = await native_of(waiting, session, f"the override of {name}")
        assert isinstance(session, SessionContainer)
        if call.made is None:
            call.made = {}
        call.made[session.get_handle()] = session
        return None, held

    def handlers(self) -> dict[str, Callback]:
        handlers = self.config.error_handlers

        def told(name: str, read: Callable[[dict[str, Any]], tuple[Any, ...]]) -> Callback:
            async def run(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
                answered = await waiting.value(getattr(handlers, name)(call.request, *read(given), call.response))
                if not isinstance(answered, BaseResponse):
                    raise TypeError(f"{name} must give the response")
                if answered is not call.response:
                    call.exchange.replace(answered)
                return None, None

            return run

        def message(given: dict[str, Any]) -> tuple[Any, ...]:
            return (given["message"],)

        def theft(given: dict[str, Any]) -> tuple[Any, ...]:
            return given["sessionHandle"], given["userId"], RecipeUserId(given["recipeUserId"])

        def claims(given: dict[str, Any]) -> tuple[Any, ...]:
            return (claim_errors(given["errors"]),)

        reads = {"on_token_theft_detected": theft, "on_invalid_claim": claims}
        return {engine: told(name, reads.get(name, message)) for name, engine in ERRORS.items()}


