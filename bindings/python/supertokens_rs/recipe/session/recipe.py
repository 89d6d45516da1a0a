"""The recipe itself, as far as applications use it."""

from __future__ import annotations

from typing import Any

from ..._engine import LOOPING
from ..._http import BaseRequest
from ..._interfaces import APIInterface, ClaimValidatorsOverride, RecipeInterface
from ..._recipe import flags_of
from ..._sdk import SessionConfig, current
from ..._session import SessionContainer


class SessionRecipe:
    """What `init` has made of the session recipe."""

    recipe_id = "session"

    @staticmethod
    def get_instance() -> SessionRecipe:
        current()
        return SessionRecipe()

    @property
    def config(self) -> SessionConfig:
        return current().config

    @property
    def recipe_implementation(self) -> RecipeInterface:
        return current().functions

    @property
    def api_implementation(self) -> APIInterface:
        return current().session.apis

    async def verify_session(
        self,
        request: BaseRequest,
        anti_csrf_check: bool | None,
        session_required: bool,
        check_database: bool,
        override_global_claim_validators: ClaimValidatorsOverride | None,
        user_context: dict[str, Any],
    ) -> SessionContainer | None:
        sdk = current()
        flags = flags_of(anti_csrf_check, session_required, check_database, override_global_claim_validators)
        checks = (anti_csrf_check, session_required, check_database, override_global_claim_validators)
        return await sdk.verify_route(LOOPING, sdk.call_of(request, user_context), flags, *checks)
