"""supertokens_rs: sessions by the engine of supertokens-rs, under the names of supertokens_python."""

from __future__ import annotations

from typing import Any, Literal

from . import _sdk
from ._engine import BLOCKING, LOOPING, Waiting, now
from ._errors import NotInThisPackageError as NotInThisPackageError
from ._http import BaseRequest
from ._sdk import AppInfo as AppInfo
from ._sdk import EmbeddedCore as EmbeddedCore
from ._sdk import InputAppInfo as InputAppInfo
from ._sdk import RecipeInit as RecipeInit
from ._sdk import SupertokensConfig as SupertokensConfig
from ._types import RecipeUserId as RecipeUserId


def init(
    app_info: InputAppInfo,
    framework: Literal["fastapi", "flask", "django"],
    supertokens_config: SupertokensConfig,
    recipe_list: list[RecipeInit],
    mode: Literal["asgi", "wsgi"] | None = None,
    telemetry: bool | None = None,
    debug: bool | None = None,
    experimental: Any = None,
) -> None:
    """Checks all settings at once, and opens nothing: that does the first call. A second one is passed over.

    Raises `EngineError` of `supertokens_rs.exceptions`, with a text that names the setting. `telemetry` is accepted, and nothing is sent.
    """
    if _sdk.is_there():
        return
    if experimental is not None:
        raise NotInThisPackageError("experimental")
    _sdk.put(_sdk.Sdk(app_info, framework, supertokens_config, recipe_list, mode, debug))


def get_all_cors_headers() -> list[str]:
    of_session = ["anti-csrf", "authorization", "st-auth-mode"] if "session" in _sdk.current().recipes else []
    return ["rid", "fdi-version", *of_session]


def is_recipe_initialized(recipe_id: str) -> bool:
    return recipe_id in _sdk.current().recipes


def convert_to_recipe_user_id(user_id: str) -> RecipeUserId:
    return RecipeUserId(user_id)


def get_request_from_user_context(user_context: dict[str, Any] | None) -> BaseRequest | None:
    defaults = (user_context or {}).get("_default")
    return defaults.get("request") if isinstance(defaults, dict) else None  # pyright: ignore


async def _open(waiting: Waiting) -> None:
    sdk = _sdk.current()
    await sdk.engine.start(waiting, "open", {}, sdk.call_of(None, None))


async def ready() -> None:
    """Opens the core now, and says what is wrong."""
    await _open(LOOPING)


def sync_ready() -> None:
    """As `ready`, without an event loop."""
    now(_open(BLOCKING))


def close() -> None:
    """Lets go of the core, so that another `init` counts: it ends when what is under way is done. For tests."""
    _sdk.put(None)
