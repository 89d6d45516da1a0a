"""What this package does not have, under the names that applications may know: said where it is called, never on import."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from ._errors import NotInThisPackageError


class _Refused(type):
    """Of names that may stand in annotations, have members, and be bases."""

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise NotInThisPackageError(f"{cls.__module__}.{cls.__qualname__}()")

    def __getattr__(cls, name: str) -> Any:
        return member(cls.__module__, f"{cls.__qualname__}.{name}")


def member(of: str, name: str) -> Any:
    """A name that says what it is when it is called."""
    if name.rpartition(".")[2].startswith("__"):
        raise AttributeError(name)
    return _Refused(name.rpartition(".")[2], (), {"__module__": of, "__qualname__": name, "__doc__": "Not in this package."})


def recipe(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a recipe that is not here."""
    name = module.rpartition(".")[2]

    def get(member_name: str) -> Any:
        return member(name, member_name)

    return get


class _Below(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules below the recipes that are not here."""

    def __init__(self) -> None:
        self.recipes: set[str] = set()

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if not any(fullname.startswith(f"{of}.") for of in self.recipes):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.partition(".recipe.")[2]
        module.__dict__["__getattr__"] = lambda member_name: member(name, member_name)  # pyright: ignore


_below = _Below()


def below(module: str) -> None:
    """Lets modules below this one be imported."""
    _below.recipes.add(module)
    if _below not in sys.meta_path:
        sys.meta_path.append(_below)
