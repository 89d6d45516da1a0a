"""Errors that the SDK answers by itself, and those of its calls. Those of sessions may be raised by an application too, anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ._types import RecipeUserId

ResponseMutator = Callable[[Any, dict[str, Any]], None]


class SuperTokensError(Exception):
    """What the middlewares answer, where they have an answer for it."""


class GeneralError(SuperTokensError):
    pass


class BadInputError(SuperTokensError):
    pass


class PluginError(SuperTokensError):
    pass


class NotInThisPackageError(Exception):
    """What this package does not have, under the names that applications may know."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"supertokens-rs has sessions, claims and JWTs only. {what} needs supertokens-python: keep that package for it, with the "
            "same connection_uri; sessions of both are the same sessions."
        )
        self.type = "NOT_IN_THIS_PACKAGE"


class EngineError(Exception):
    """A call that has failed for another reason. `code`: CORE, SETTINGS, TOO_LARGE or PANIC."""

    def __init__(self, message: str, code: str, details: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class SuperTokensSessionError(SuperTokensError):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Changes of a response that others have noted on it, as official does; they are made where it is answered.
        self.response_mutators: list[ResponseMutator] = []


class TokenTheftError(SuperTokensSessionError):
    def __init__(self, user_id: str, recipe_user_id: RecipeUserId, session_handle: str) -> None:
        super().__init__("token theft detected")
        self.user_id = user_id
        self.recipe_user_id = recipe_user_id
        self.session_handle = session_handle


class UnauthorisedError(SuperTokensSessionError):
    def __init__(self, msg: str, clear_tokens: bool = True) -> None:
        super().__init__(msg)
        self.clear_tokens = clear_tokens


class TryRefreshTokenError(SuperTokensSessionError):
    pass


class ClearDuplicateSessionCookiesError(SuperTokensSessionError):
    pass


class ClaimValidationError:
    def __init__(self, id_: str, reason: str | dict[str, Any] | None) -> None:
        self.id_ = id_
        self.reason = reason

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id_} if self.reason is None else {"id": self.id_, "reason": self.reason}


class InvalidClaimsError(SuperTokensSessionError):
    def __init__(self, msg: str, payload: list[ClaimValidationError]) -> None:
        super().__init__(msg)
        self.payload = payload


def claim_errors(found: Sequence[dict[str, Any]]) -> list[ClaimValidationError]:
    return [ClaimValidationError(one["id"], one.get("reason")) for one in found]


def error_of(code: str, message: str, data: Any) -> Exception:
    """What the engine has failed with."""
    if code == "UNAUTHORISED":
        return UnauthorisedError(message, bool(data["clearTokens"]))
    if code == "TRY_REFRESH_TOKEN":
        return TryRefreshTokenError(message)
    if code == "TOKEN_THEFT_DETECTED":
        return TokenTheftError(data["userId"], RecipeUserId(data["recipeUserId"]), data["sessionHandle"])
    if code == "INVALID_CLAIMS":
        return InvalidClaimsError(message, claim_errors(data))
    if code == "CLEAR_DUPLICATE_SESSION_COOKIES":
        return ClearDuplicateSessionCookiesError(message)
    if code == "BAD_INPUT_ERROR":
        return BadInputError(message)
    return EngineError(message, code, data)


def _sayable(value: object) -> str:
    try:
        return str(value).encode("utf-8", "replace").decode()
    except Exception:
        # An application's error may fail even at this.
        return type(value).__name__


def _plain(reason: Any) -> Any:
    """A reason goes to the browser, as far as JSON can say it."""
    try:
        text = json.dumps(reason, allow_nan=False, ensure_ascii=False)
        return json.loads(text.encode("utf-8", "replace"))
    except (TypeError, ValueError, RecursionError):
        return None


def _failed(claim: ClaimValidationError) -> dict[str, Any]:
    reason = _plain(claim.reason)
    return {"id": _sayable(claim.id_)} if reason is None else {"id": _sayable(claim.id_), "reason": reason}


def thrown_of(error: BaseException) -> dict[str, Any] | None:
    """The same in the engine's words, and no more of it than JSON can say. None: it is none that the engine knows."""

    def of(code: str, data: Any = None) -> dict[str, Any]:
        return {"code": code, "message": _sayable(error), "data": data}

    if isinstance(error, UnauthorisedError):
        return of("UNAUTHORISED", {"clearTokens": bool(error.clear_tokens)})
    if isinstance(error, TryRefreshTokenError):
        return of("TRY_REFRESH_TOKEN")
    if isinstance(error, TokenTheftError):
        id_: Any = error.recipe_user_id
        recipe_user = id_.get_as_string() if isinstance(id_, RecipeUserId) else id_
        who = {"userId": error.user_id, "recipeUserId": recipe_user, "sessionHandle": error.session_handle}
        return of("TOKEN_THEFT_DETECTED", {name: _sayable(value) for name, value in who.items()})
    if isinstance(error, InvalidClaimsError):
        return of("INVALID_CLAIMS", [_failed(one) for one in error.payload])
    if isinstance(error, ClearDuplicateSessionCookiesError):
        return of("CLEAR_DUPLICATE_SESSION_COOKIES")
    if isinstance(error, BadInputError):
        return of("BAD_INPUT_ERROR")
    return None


def data_of(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def raise_bad_input_exception(msg: str) -> NoReturn:
    raise BadInputError(msg)


def raise_general_exception(msg: str | Exception, previous: Exception | None = None) -> NoReturn:
    raise GeneralError(msg) from previous


def raise_token_theft_exception(user_id: str, recipe_user_id: RecipeUserId, session_handle: str) -> NoReturn:
    raise TokenTheftError(user_id, recipe_user_id, session_handle)


def raise_try_refresh_token_exception(ex: str | Exception) -> NoReturn:
    raise TryRefreshTokenError(ex) from (ex if isinstance(ex, Exception) else None)


def raise_unauthorised_exception(
    msg: str, clear_tokens: bool = True, response_mutators: list[ResponseMutator] | None = None
) -> NoReturn:
    error = UnauthorisedError(msg, clear_tokens)
    error.response_mutators.extend(response_mutators or [])
    raise error


def raise_clear_duplicate_session_cookies_exception(msg: str, response_mutators: list[ResponseMutator]) -> NoReturn:
    error = ClearDuplicateSessionCookiesError(msg)
    error.response_mutators.extend(response_mutators)
    raise error


def raise_invalid_claims_exception(msg: str, payload: list[ClaimValidationError]) -> NoReturn:
    raise InvalidClaimsError(msg, payload)
