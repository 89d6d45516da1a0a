"""What everything else is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, TypeVar, Union

_T = TypeVar("_T")

MaybeAwaitable = Union[Awaitable[_T], _T]
UserContext = dict[str, Any]


class RecipeUserId:
    """The id of a user who logged in, apart from the primary user's, so that one is not taken for the other."""

    def __init__(self, recipe_user_id: str) -> None:
        if not isinstance(recipe_user_id, str):
            raise TypeError("a recipe user id must be a str")
        self.recipe_user_id = recipe_user_id

    def get_as_string(self) -> str:
        return self.recipe_user_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecipeUserId) and self.recipe_user_id == other.recipe_user_id

    def __hash__(self) -> int:
        return hash(self.recipe_user_id)

    def __repr__(self) -> str:
        return f"RecipeUserId({self.recipe_user_id!r})"


def text_of(recipe_user_id: RecipeUserId) -> str:
    if isinstance(recipe_user_id, RecipeUserId):
        return recipe_user_id.get_as_string()
    raise TypeError("recipe_user_id must be a RecipeUserId: use convert_to_recipe_user_id(id)")


class APIResponse(ABC):
    """What an endpoint answers."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]: ...


class GeneralErrorResponse(APIResponse):
    """An endpoint's refusal, whose message the website shows."""

    def __init__(self, message: str) -> None:
        self.status = "GENERAL_ERROR"
        self.message = message

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status, "message": self.message}
