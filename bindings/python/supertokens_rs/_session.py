"""A session in hand, and the claims in it. Most sessions are only looked at: they are the texts that a check has given. One that is changed,
or whose tokens are read, is found again by the engine, which then knows the newest tokens."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from ._engine import BLOCKING, LOOPING, Waiting, now
from ._errors import EngineError
from ._results import ClaimValidationResult, GetSessionTokensDangerouslyDict
from ._types import MaybeAwaitable, RecipeUserId, UserContext

if TYPE_CHECKING:
    from ._call import Call
    from ._native import Session as Native
    from ._native import Step

_T = TypeVar("_T")

JSONObject = dict[str, Any]
TokenTransferMethod = Literal["cookie", "header"]


class SessionClaim(ABC, Generic[_T]):
    """A value in the payload. Extend it for a layout of your own."""

    def __init__(
        self, key: str, fetch_value: Callable[[str, RecipeUserId, str, dict[str, Any], UserContext], MaybeAwaitable[_T | None]]
    ) -> None:
        if not isinstance(key, str):
            raise TypeError("a claim's key must be a str")
        if not callable(fetch_value):
            raise TypeError(f"the claim {key} needs a function fetch_value")
        self.key = key
        self.fetch_value = fetch_value

    @abstractmethod
    def add_to_payload_(self, payload: JSONObject, value: _T, user_context: UserContext | None = None) -> JSONObject: ...

    @abstractmethod
    def remove_from_payload_by_merge_(self, payload: JSONObject, user_context: UserContext | None = None) -> JSONObject:
        """A payload that, merged into another, takes the claim away: None in its place."""

    @abstractmethod
    def remove_from_payload(self, payload: JSONObject, user_context: UserContext | None = None) -> JSONObject: ...

    @abstractmethod
    def get_value_from_payload(self, payload: JSONObject, user_context: UserContext | None = None) -> _T | None: ...

    async def build(
        self, user_id: str, recipe_user_id: RecipeUserId, tenant_id: str, current_payload: dict[str, Any], user_context: UserContext
    ) -> JSONObject:
        return await built(LOOPING, self, user_id, recipe_user_id, tenant_id, current_payload, user_context)


async def built(
    waiting: Waiting,
    claim: SessionClaim[Any],
    user_id: str,
    recipe_user_id: RecipeUserId,
    tenant_id: str,
    current_payload: dict[str, Any],
    user_context: UserContext,
) -> JSONObject:
    # One that an application has extended may build in its own way.
    if cast("type[Any]", type(claim)).build is not cast("type[Any]", SessionClaim).build:
        return await waiting.value(claim.build(user_id, recipe_user_id, tenant_id, current_payload, user_context))
    value = await waiting.value(claim.fetch_value(user_id, recipe_user_id, tenant_id, current_payload, user_context))
    return {} if value is None else claim.add_to_payload_({}, value, user_context)


def update_of(claim: SessionClaim[Any], made: JSONObject, user_context: UserContext) -> JSONObject:
    """Where there is no value, the session shall not keep an old one."""
    return made or claim.remove_from_payload_by_merge_({}, user_context)


class SessionClaimValidator(ABC):
    """Judges a payload. With a claim, a value that is absent or too old is fetched before."""

    id: str
    claim: SessionClaim[Any] | None = None

    def __init__(self, id_: str) -> None:
        if not isinstance(id_, str):
            raise TypeError("a claim validator must have an id_")
        self.id = id_

    @abstractmethod
    async def validate(self, payload: JSONObject, user_context: UserContext) -> ClaimValidationResult: ...

    def should_refetch(self, payload: JSONObject, user_context: UserContext) -> MaybeAwaitable[bool]:
        return False


class SessionContainer:
    """A session. Its methods with `sync_` are for code without an event loop."""

    def __init__(self, call: Call, step: Step) -> None:
        """Made by the SDK."""
        self._call = call
        self._native: Native | None = None
        self._payload: dict[str, Any] | None = None
        if step[0] == 4:
            _, self.user_id, self._recipe_user_id, self.tenant_id, self.session_handle, self._payload_text = step
        else:
            self._payload_text = ""
            self._hold(step[3])

    def _hold(self, native: Native) -> None:
        self._native, self._engine = native, self._call.sdk.engine.native
        self.user_id, self._recipe_user_id, self.tenant_id, self.session_handle = native.names()
        text = native.payload_text()
        # The same object as long as it says the same: the application may hold it.
        if text != self._payload_text:
            self._payload_text, self._payload = text, None

    async def _held(self, waiting: Waiting) -> Native:
        engine = self._call.sdk.engine
        if self._native is not None:
            if self._engine is not engine.native:
                raise EngineError("this session was found before the process forked: look for it again", "SETTINGS")
            return self._native
        step = await engine.start(waiting, "resumeSession", {}, self._call)
        if self._native is None:
            self._hold(step[3])
        assert self._native is not None
        return self._native

    async def _run(self, waiting: Waiting, name: str, given: Any, user_context: UserContext | None) -> Any:
        session = await self._held(waiting)
        call = self._call.with_context(user_context)
        of = given(call) if callable(given) else given
        step = await self._call.sdk.engine.start(waiting, f"session.{name}", of, call, session)
        if step[3] is not None:
            self._hold(step[3])
        return None if step[1] is None else json.loads(step[1])

    def get_user_id(self, user_context: UserContext | None = None) -> str:
        return self.user_id

    def get_recipe_user_id(self, user_context: UserContext | None = None) -> RecipeUserId:
        return RecipeUserId(self._recipe_user_id)

    def get_tenant_id(self, user_context: UserContext | None = None) -> str:
        return self.tenant_id

    def get_handle(self, user_context: UserContext | None = None) -> str:
        return self.session_handle

    def get_access_token(self, user_context: UserContext | None = None) -> str:
        # The keys that have just verified the token are known, so it does not wait.
        return now(self._held(BLOCKING)).access_token()

    def get_access_token_payload(self, user_context: UserContext | None = None) -> dict[str, Any]:
        if self._payload is None:
            self._payload = json.loads(self._payload_text)
        return self._payload  # pyright: ignore[reportReturnType]

    def get_all_session_tokens_dangerously(self) -> GetSessionTokensDangerouslyDict:
        return json.loads(now(self._held(BLOCKING)).tokens())

    @property
    def recipe_user_id(self) -> RecipeUserId:
        return self.get_recipe_user_id()

    @property
    def access_token(self) -> str:
        return self.get_access_token()

    @property
    def user_data_in_access_token(self) -> dict[str, Any]:
        return self.get_access_token_payload()

    def __getitem__(self, item: str) -> Any:
        return getattr(self, item)

    async def _revoke(self, waiting: Waiting, user_context: UserContext | None) -> None:
        await self._run(waiting, "revoke", {}, user_context)

    async def _information(self, waiting: Waiting, user_context: UserContext | None) -> dict[str, Any]:
        return await self._run(waiting, "information", {}, user_context)

    async def _update(self, waiting: Waiting, data: dict[str, Any], user_context: UserContext | None) -> None:
        await self._run(waiting, "updateData", {"data": data}, user_context)

    async def _merge(self, waiting: Waiting, update: JSONObject, user_context: UserContext | None) -> None:
        await self._run(waiting, "merge", {"update": update}, user_context)

    async def _assert(self, waiting: Waiting, validators: list[SessionClaimValidator], user_context: UserContext | None) -> None:
        def named(call: Call) -> dict[str, Any]:
            return {"validators": call.refer(validators)}

        await self._run(waiting, "assertClaims", named, user_context)

    async def _fetch(self, waiting: Waiting, claim: SessionClaim[Any], user_context: UserContext | None) -> None:
        context = {} if user_context is None else user_context
        who = (self.user_id, self.get_recipe_user_id(), self.tenant_id, self.get_access_token_payload())
        made = await built(waiting, claim, *who, context)
        await self._merge(waiting, update_of(claim, made, context), user_context)

    async def _set(self, waiting: Waiting, claim: SessionClaim[Any], value: Any, user_context: UserContext | None) -> None:
        await self._merge(waiting, claim.add_to_payload_({}, value, user_context or {}), user_context)

    async def _remove(self, waiting: Waiting, claim: SessionClaim[Any], user_context: UserContext | None) -> None:
        await self._merge(waiting, claim.remove_from_payload_by_merge_({}, user_context or {}), user_context)

    async def _attach(self, waiting: Waiting, request: Any, transfer_method: TokenTransferMethod, user_context: UserContext | None) -> None:
        session = await self._held(waiting)
        sdk = self._call.sdk
        call = sdk.call_of(request, user_context)
        step = await sdk.engine.start(waiting, "session.attach", {"transferMethod": transfer_method}, call, session)
        self._call = call
        self._hold(step[3])
        if call.request is not None:
            call.request.set_session(self)

    async def revoke_session(self, user_context: UserContext | None = None) -> None:
        await self._revoke(LOOPING, user_context)

    async def get_session_data_from_database(self, user_context: UserContext | None = None) -> dict[str, Any]:
        return (await self._information(LOOPING, user_context))["sessionDataInDatabase"]

    async def update_session_data_in_database(self, new_session_data: dict[str, Any], user_context: UserContext | None = None) -> None:
        await self._update(LOOPING, new_session_data, user_context)

    async def merge_into_access_token_payload(
        self, access_token_payload_update: JSONObject, user_context: UserContext | None = None
    ) -> None:
        await self._merge(LOOPING, access_token_payload_update, user_context)

    async def get_time_created(self, user_context: UserContext | None = None) -> int:
        return (await self._information(LOOPING, user_context))["timeCreated"]

    async def get_expiry(self, user_context: UserContext | None = None) -> int:
        return (await self._information(LOOPING, user_context))["expiry"]

    async def assert_claims(self, claim_validators: list[SessionClaimValidator], user_context: UserContext | None = None) -> None:
        await self._assert(LOOPING, claim_validators, user_context)

    async def fetch_and_set_claim(self, claim: SessionClaim[Any], user_context: UserContext | None = None) -> None:
        await self._fetch(LOOPING, claim, user_context)

    async def set_claim_value(self, claim: SessionClaim[_T], value: _T, user_context: UserContext | None = None) -> None:
        await self._set(LOOPING, claim, value, user_context)

    async def get_claim_value(self, claim: SessionClaim[_T], user_context: UserContext | None = None) -> _T | None:
        return claim.get_value_from_payload(self.get_access_token_payload(), user_context or {})

    async def remove_claim(self, claim: SessionClaim[Any], user_context: UserContext | None = None) -> None:
        await self._remove(LOOPING, claim, user_context)

    async def attach_to_request_response(
        self, request: Any, transfer_method: TokenTransferMethod, user_context: UserContext | None = None
    ) -> None:
        await self._attach(LOOPING, request, transfer_method, user_context)

    def sync_revoke_session(self, user_context: UserContext | None = None) -> None:
        now(self._revoke(BLOCKING, user_context))

    def sync_get_session_data_from_database(self, user_context: UserContext | None = None) -> dict[str, Any]:
        return now(self._information(BLOCKING, user_context))["sessionDataInDatabase"]

    def sync_update_session_data_in_database(self, new_session_data: dict[str, Any], user_context: UserContext | None = None) -> None:
        now(self._update(BLOCKING, new_session_data, user_context))

    def sync_merge_into_access_token_payload(
        self, access_token_payload_update: dict[str, Any], user_context: UserContext | None = None
    ) -> None:
        now(self._merge(BLOCKING, access_token_payload_update, user_context))

    def sync_get_time_created(self, user_context: UserContext | None = None) -> int:
        return now(self._information(BLOCKING, user_context))["timeCreated"]

    def sync_get_expiry(self, user_context: UserContext | None = None) -> int:
        return now(self._information(BLOCKING, user_context))["expiry"]

    def sync_assert_claims(self, claim_validators: list[SessionClaimValidator], user_context: UserContext | None = None) -> None:
        now(self._assert(BLOCKING, claim_validators, user_context))

    def sync_fetch_and_set_claim(self, claim: SessionClaim[Any], user_context: UserContext | None = None) -> None:
        now(self._fetch(BLOCKING, claim, user_context))

    def sync_set_claim_value(self, claim: SessionClaim[_T], value: _T, user_context: UserContext | None = None) -> None:
        now(self._set(BLOCKING, claim, value, user_context))

    def sync_get_claim_value(self, claim: SessionClaim[_T], user_context: UserContext | None = None) -> _T | None:
        return claim.get_value_from_payload(self.get_access_token_payload(), user_context or {})

    def sync_remove_claim(self, claim: SessionClaim[Any], user_context: UserContext | None = None) -> None:
        now(self._remove(BLOCKING, claim, user_context))

    def sync_attach_to_request_response(
        self, request: Any, transfer_method: TokenTransferMethod, user_context: UserContext | None = None
    ) -> None:
        now(self._attach(BLOCKING, request, transfer_method, user_context))


def session_of(call: Call, step: Step) -> SessionContainer | None:
    """None where nothing was found."""
    if step[0] == 4:
        return SessionContainer(call, step)
    if step[3] is None:
        return None
    if call.made is not None:
        # The object that an override has given stays the application's.
        made = call.made.get(step[3].names()[3])
        if made is not None:
            made._call = call
            made._hold(step[3])
            return made
    return SessionContainer(call, step)


def needed(call: Call, step: Step) -> SessionContainer:
    found = session_of(call, step)
    if found is None:
        raise RuntimeError("there is no session")
    return found


async def native_of(waiting: Waiting, session: object, what: str) -> Native:
    """The engine's object, for an answer to it."""
    if not isinstance(session, SessionContainer):
        raise TypeError(f"{what} must give a session of supertokens_rs")
    return await session._held(waiting)
