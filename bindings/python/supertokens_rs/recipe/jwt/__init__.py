"""The JWT recipe: always there; list it to change its setting."""

from __future__ import annotations

from typing import Any

from ..._errors import NotInThisPackageError
from ..._sdk import RecipeInit


def init(jwt_validity_seconds: int | None = None, override: Any = None) -> RecipeInit:
    if override is not None:
        raise NotInThisPackageError("jwt.init(override=…)")
    return RecipeInit("jwt", {"jwtValiditySeconds": jwt_validity_seconds})
