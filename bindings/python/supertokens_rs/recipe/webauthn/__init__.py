"""Not in this package: each name says so when it is called."""

from typing import Any

from ..._refused import below, recipe

_get = recipe(__name__)
below(__name__)


def __getattr__(name: str) -> Any:
    return _get(name)
