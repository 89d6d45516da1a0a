"""Types that recipes share."""

from typing import Any

from .._refused import member
from .._types import APIResponse as APIResponse
from .._types import GeneralErrorResponse as GeneralErrorResponse
from .._types import MaybeAwaitable as MaybeAwaitable
from .._types import RecipeUserId as RecipeUserId


def __getattr__(name: str) -> Any:
    return member("types", name)
