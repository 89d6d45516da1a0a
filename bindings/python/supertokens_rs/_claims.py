"""Claims with the layout `{"v": value, "t": ms since 1970}`, their validators, and the rules by which payloads are judged: the one set of
rules that a package has by itself, because an application may call each part of it, replace it and extend it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from ._engine import Waiting
from ._errors import ClaimValidationError
from ._results import ClaimsValidationResult, ClaimValidationResult
from ._session import JSONObject, SessionClaim, SessionClaimValidator
from ._types import MaybeAwaitable, RecipeUserId, UserContext

JSONPrimitive = str | int | bool | None | dict[str, Any]
JSONPrimitiveList = list[Any]

_T = TypeVar("_T")
Primitive = TypeVar("Primitive", bound=JSONPrimitive)
PrimitiveList = TypeVar("PrimitiveList", bound=list[Any])
Fetcher = Callable[[str, RecipeUserId, str, dict[str, Any], UserContext], MaybeAwaitable["_T | None"]]


def _ms() -> int:
    return int(time.time() * 1000)


def _same(one: Any, other: Any) -> bool:
    """As JSON sees it, where true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


class _TimedClaim(SessionClaim[_T]):
    def __init__(self, key: str, fetch_value: Fetcher[_T], default_max_age_in_sec: int | None = None) -> None:
        super().__init__(key, fetch_value)
        self.default_max_age_in_sec = default_max_age_in_sec

    def add_to_payload_(self, payload: JSONObject, value: _T, user_context: UserContext | None = None) -> JSONObject:
        return {**payload, self.key: {"v": value, "t": _ms()}}

    def remove_from_payload_by_merge_(self, payload: JSONObject, user_context: UserContext | None = None) -> JSONObject:
        return {**payload, self.key: None}

    def remove_from_payload(self, payload: JSONObject, user_context: UserContext | None = None) -> JSONObject:
        return {name: value for name, value in payload.items() if name != self.key}

    def _member(self, payload: JSONObject, name: str) -> Any:
        stored: Any = payload.get(self.key)
        return cast("dict[str, Any]", stored).get(name) if isinstance(stored, dict) else None

    def get_value_from_payload(self, payload: JSONObject, user_context: UserContext | None = None) -> _T | None:
        return self._member(payload, "v")

    def get_last_refetch_time(self, payload: JSONObject, user_context: UserContext | None = None) -> int | None:
        return self._member(payload, "t")


class _Validator(SessionClaimValidator, Generic[_T]):
    """`fits(value)` is the test; `expected` describes it in the words of the website's validators."""

    def __init__(
        self, id_: str | None, claim: _TimedClaim[_T], max_age_in_sec: int | None, fits: Callable[[Any], bool], expected: dict[str, Any]
    ) -> None:
        super().__init__(claim.key if id_ is None else id_)
        self.claim = self._of = claim
        self.max_age_in_sec = claim.default_max_age_in_sec if max_age_in_sec is None else max_age_in_sec
        self._fits, self._expected = fits, expected

    def _age(self, payload: JSONObject, user_context: UserContext) -> float | None:
        """In seconds. None: its time is no number, which is too long ago."""
        time_: Any = self._of.get_last_refetch_time(payload, user_context)
        is_number = isinstance(time_, (int, float)) and not isinstance(time_, bool)
        return (_ms() - time_) / 1000 if is_number else None

    def _is_old(self, payload: JSONObject, user_context: UserContext) -> bool:
        if self.max_age_in_sec is None:
            return False
        age = self._age(payload, user_context)
        return age is None or age > self.max_age_in_sec

    def should_refetch(self, payload: JSONObject, user_context: UserContext) -> bool:
        return self._of.get_value_from_payload(payload, user_context) is None or self._is_old(payload, user_context)

    async def validate(self, payload: JSONObject, user_context: UserContext) -> ClaimValidationResult:
        value: Any = self._of.get_value_from_payload(payload, user_context)
        if value is None:
            return ClaimValidationResult(False, {"message": "value does not exist", **self._expected, "actualValue": None})
        if self._is_old(payload, user_context):
            age = self._age(payload, user_context)
            return ClaimValidationResult(False, {"message": "expired", "ageInSeconds": age, "maxAgeInSeconds": self.max_age_in_sec})
        if self._fits(value):
            return ClaimValidationResult(True)
        return ClaimValidationResult(False, {"message": "wrong value", **self._expected, "actualValue": value})


class PrimitiveClaimValidators(Generic[Primitive]):
    def __init__(self, claim: _TimedClaim[Primitive], default_max_age_in_sec: int | None = None) -> None:
        self.claim = claim
        self.default_max_age_in_sec = default_max_age_in_sec

    def has_value(self, val: Primitive, max_age_in_sec: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return _Validator(id_, self.claim, max_age_in_sec, lambda value: _same(value, val), {"expectedValue": val})


class PrimitiveClaim(_TimedClaim[Primitive]):
    """A value, and when it was found out."""

    def __init__(self, key: str, fetch_value: Fetcher[Primitive], default_max_age_in_sec: int | None = None) -> None:
        super().__init__(key, fetch_value, default_max_age_in_sec)
        self.validators: PrimitiveClaimValidators[Primitive] = PrimitiveClaimValidators(self, default_max_age_in_sec)


class BooleanClaimValidators(PrimitiveClaimValidators[bool]):
    def is_true(self, max_age: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self.has_value(True, max_age, id_)

    def is_false(self, max_age: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self.has_value(False, max_age, id_)


class BooleanClaim(PrimitiveClaim[bool]):
    def __init__(self, key: str, fetch_value: Fetcher[bool], default_max_age_in_sec: int | None = None) -> None:
        super().__init__(key, fetch_value, default_max_age_in_sec)
        self.validators: BooleanClaimValidators = BooleanClaimValidators(self, default_max_age_in_sec)  # pyright: ignore[reportIncompatibleVariableOverride]


def _includes(value: list[Any], one: Any) -> bool:
    return any(_same(of, one) for of in value)


class PrimitiveArrayClaimValidators(Generic[PrimitiveList]):
    def __init__(self, claim: _TimedClaim[PrimitiveList], default_max_age_in_sec: int | None = None) -> None:
        self.claim = claim
        self.default_max_age_in_sec = default_max_age_in_sec

    def _of(self, id_: str | None, max_age: int | None, fits: Callable[[list[Any]], bool], expected: dict[str, Any]) -> SessionClaimValidator:
        # What is no list includes nothing, and excludes nothing either.
        return _Validator(id_, self.claim, max_age, lambda value: isinstance(value, list) and fits(cast("list[Any]", value)), expected)

    def includes(self, val: Any, max_age_in_seconds: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self._of(id_, max_age_in_seconds, lambda value: _includes(value, val), {"expectedToInclude": val})

    def excludes(self, val: Any, max_age_in_seconds: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self._of(id_, max_age_in_seconds, lambda value: not _includes(value, val), {"expectedToNotInclude": val})

    def includes_all(self, val: PrimitiveList, max_age_in_seconds: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self._of(id_, max_age_in_seconds, lambda value: all(_includes(value, one) for one in val), {"expectedToInclude": val})

    def includes_any(self, val: PrimitiveList, max_age_in_seconds: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        expected = {"expectedToIncludeAtLeastOneOf": val}
        return self._of(id_, max_age_in_seconds, lambda value: any(_includes(value, one) for one in val), expected)

    def excludes_all(self, val: PrimitiveList, max_age_in_seconds: int | None = None, id_: str | None = None) -> SessionClaimValidator:
        return self._of(id_, max_age_in_seconds, lambda value: not any(_includes(value, one) for one in val), {"expectedToNotInclude": val})


class PrimitiveArrayClaim(_TimedClaim[PrimitiveList]):
    """A list of values, and when it was found out."""

    def __init__(self, key: str, fetch_value: Fetcher[PrimitiveList], default_max_age_in_sec: int | None = None) -> None:
        super().__init__(key, fetch_value, default_max_age_in_sec)
        self.validators: PrimitiveArrayClaimValidators[PrimitiveList] = PrimitiveArrayClaimValidators(self, default_max_age_in_sec)


async def judged(
    waiting: Waiting,
    user_id: str,
    recipe_user_id: RecipeUserId,
    access_token_payload: dict[str, Any],
    claim_validators: list[SessionClaimValidator],
    user_context: UserContext,
) -> ClaimsValidationResult:
    """Judges a payload. Values that a validator finds absent or too old are fetched before anything is judged."""
    before = json.dumps(access_token_payload)
    payload = access_token_payload
    for validator in claim_validators:
        claim = validator.claim
        if claim is None or not await waiting.value(validator.should_refetch(payload, user_context)):
            continue
        tenant = payload.get("tId", "public")
        value = await waiting.value(claim.fetch_value(user_id, recipe_user_id, tenant, payload, user_context))
        payload = claim.remove_from_payload(payload, user_context) if value is None else claim.add_to_payload_(payload, value, user_context)
    invalid: list[ClaimValidationError] = []
    for validator in claim_validators:
        result = await waiting.value(validator.validate(payload, user_context))
        if getattr(result, "is_valid", None) is not True:
            invalid.append(ClaimValidationError(validator.id, getattr(result, "reason", None)))
    return ClaimsValidationResult(invalid, None if json.dumps(payload, allow_nan=False) == before else payload)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The members that changed; None for those that went."""
    update = {name: value for name, value in after.items() if name not in before or json.dumps(before[name]) != json.dumps(value)}
    return {**update, **{name: None for name in before if name not in after}}
