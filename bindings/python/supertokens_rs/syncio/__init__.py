"""Functions of users, which are not in this package: each says so when it is called."""

from typing import Any

from .._refused import member


def __getattr__(name: str) -> Any:
    return member(__name__, name)
