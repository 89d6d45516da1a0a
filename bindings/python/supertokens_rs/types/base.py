"""Ids."""

from .._types import MaybeAwaitable as MaybeAwaitable
from .._types import RecipeUserId as RecipeUserId
from .._types import UserContext as UserContext
