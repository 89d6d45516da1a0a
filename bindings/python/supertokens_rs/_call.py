"""One call on behalf of the application: the request that it belongs to, the user context, and the validators that the engine knows by
their places in a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from ._http import Adapter, Answer, BaseRequest, BaseResponse, Change, Exchange, Parts

if TYPE_CHECKING:
    from ._sdk import Sdk
    from ._session import SessionClaimValidator, SessionContainer

# What the engine takes for an address ends at 65,534 bytes.
_LONGEST_PATH = 16_384


class Call:
    __slots__ = ("_context", "_given", "_parts", "_wrapped", "adapter", "choose", "made", "makes_session", "original", "sdk", "validators")

    def __init__(self, sdk: Sdk, adapter: Adapter | None, original: Any, user_context: dict[str, Any] | None) -> None:
        """`adapter` knows the framework of `original`; both are None without a request."""
        self.sdk = sdk
        self.adapter = adapter
        self.original = original
        self._given = user_context
        self._context: dict[str, Any] | None = None
        self._parts: Parts | None = None
        self._wrapped: BaseRequest | None = None
        self.makes_session = False
        self.choose: Any = None
        self.validators: list[SessionClaimValidator] | None = None
        self.made: dict[str, SessionContainer] | None = None

    def with_context(self, user_context: dict[str, Any] | None) -> Call:
        """The same request with another user context."""
        call = Call(self.sdk, self.adapter, self.original, user_context)
        call._parts, call._wrapped = self._parts, self._wrapped
        return call

    def parts(self) -> Parts | None:
        """Once, so that a session is found again whatever has become of the request."""
        if self._parts is None and self.adapter is not None:
            parts = self.adapter.parts(self.original)
            path = parts[1]
            if not path or len(path) > _LONGEST_PATH:
                # None of ours is so long, and for a check it is all the same.
                parts = (parts[0], "/", *parts[2:])
            self._parts = parts
        return self._parts

    @property
    def request(self) -> BaseRequest | None:
        if self._wrapped is None and self.adapter is not None:
            self._wrapped = self.adapter.wrap(self.original)
        return self._wrapped

    @property
    def exchange(self) -> Exchange:
        if self.adapter is None:
            raise RuntimeError("there is no request")
        return self.adapter.exchange(self.original)

    @property
    def response(self) -> BaseResponse | None:
        return None if self.adapter is None else self.exchange.response

    @property
    def user_context(self) -> dict[str, Any]:
        if self._context is None:
            self._context = context = {} if self._given is None else self._given
            if self.adapter is not None:
                defaults: Any = context.setdefault("_default", {})
                if isinstance(defaults, dict):
                    cast("dict[str, Any]", defaults).setdefault("request", self.request)
        return self._context

    def choices(self) -> str | None:
        return self.sdk.choices(self) if self.sdk.has_choices else None

    def apply(self, changes: list[Change] | None) -> None:
        if changes and self.adapter is not None:
            self.exchange.changes.extend(changes)

    def answer(self, engine: dict[str, Any]) -> Answer:
        """An answer of the engine's, unless a function of the application has given one."""
        exchange = self.exchange
        exchange.changes.extend((name, value) for name, value in engine["headers"])
        if exchange.response.is_touched:
            return exchange.response.answer()
        return Answer(engine["status"], engine["contentType"], engine["body"])

    def refer(self, validators: Iterable[SessionClaimValidator]) -> list[str]:
        """Names for validators."""
        from ._session import SessionClaimValidator

        if not isinstance(validators, (list, tuple)):
            raise TypeError("a list of claim validators was expected")
        if self.validators is None:
            self.validators = []
        names: list[str] = []
        for validator in validators:
            if not isinstance(validator, SessionClaimValidator):
                raise TypeError("a claim validator must be a SessionClaimValidator")
            names.append(str(len(self.validators)))
            self.validators.append(validator)
        return names

    def validators_of(self, names: list[str]) -> list[SessionClaimValidator]:
        known = self.validators or []
        return [known[int(name)] for name in names]
