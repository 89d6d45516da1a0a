"""The OpenID recipe: always there, without a setting."""

from __future__ import annotations

from typing import Any

from ..._errors import NotInThisPackageError
from ..._sdk import RecipeInit


def init(issuer: str | None = None, override: Any = None) -> RecipeInit:
    for name, value in (("issuer", issuer), ("override", override)):
        if value is not None:
            raise NotInThisPackageError(f"openid.init({name}=…)")
    return RecipeInit("openid", {})
