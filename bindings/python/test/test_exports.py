"""What official modules export, and what ours do: names, parameters with their order and presets, methods. Each difference has a reason."""

from __future__ import annotations

import importlib
import inspect
import unittest
from typing import Any

OFFICIAL, OURS = "supertokens_python", "supertokens_rs"

# Names that official modules export and ours do not, or otherwise, and why.
NOT_HERE = {
    "": {
        "Supertokens": "the instance: its parts are functions of the module",
        "RecipeModule": "for making recipes of one's own",
        "LoadPluginsResponse": "plugins",
        "SupertokensExperimentalConfig": "plugins",
        "SupertokensInputConfig": "plugins",
        "SupertokensPublicConfig": "plugins",
    },
    ".types": {name: "users: refused where it is called" for name in ("AccountInfo", "LoginMethod", "User")},
    ".recipe.session.interfaces": {"ReqResInfo": "how official keeps a request with its session"},
    ".recipe.session.claim_base_classes.primitive_claim": {"HasValueSCV": "made by has_value"},
    ".recipe.session.claim_base_classes.primitive_array_claim": {
        name: "made by the validators" for name in ("SCVMixin", "IncludesSCV", "ExcludesSCV", "IncludesAllSCV", "IncludesAnySCV", "ExcludesAllSCV")
    },
    ".recipe.jwt": {"JWTOverrideConfig": "refused", "OverrideConfig": "refused", "JWTRecipe": "its functions are in the modules"},
    ".recipe.openid": {"InputOverrideConfig": "refused", "OpenIdOverrideConfig": "refused", "OpenIdRecipe": "as JWTRecipe"},
    ".recipe.jwt.interfaces": {name: "overriding is refused" for name in ("APIInterface", "APIOptions", "JWKSGetResponse", "RecipeInterface")},
    ".recipe.openid.interfaces": {
        name: "overriding is refused"
        for name in ("APIInterface", "APIOptions", "OpenIdDiscoveryConfigurationGetResponse", "RecipeInterface")
    },
}
# Parameters that differ, and why.
OTHERWISE = {
    ".AppInfo.__init__": "what `init` makes of InputAppInfo; here it is that",
    ".AppInfo.get_top_level_website_domain": "the engine's",
    ".AppInfo.get_origin": "the engine's",
    ".AppInfo.toJSON": "the engine's",
    ".SupertokensConfig.__init__": "connection_uri may be left out, for embedded",
    ".RecipeInit.__init__": "opaque in both",
    ".init": "the same but for types",
    ".recipe.session.init": "verified_tokens_kept is ours",
    ".recipe.session.claim_base_classes.primitive_claim.PrimitiveClaimValidators.__init__": "the preset may be left out",
    ".recipe.session.claim_base_classes.boolean_claim.BooleanClaimValidators.is_true": "the age may be left out",
    ".recipe.session.claim_base_classes.boolean_claim.BooleanClaimValidators.is_false": "the age may be left out",
    ".recipe.session.SessionContainer.__init__": "made by the SDK",
    ".recipe.session.SessionContainer.attach_to_request_response": "user_context may be left out",
    ".recipe.session.SessionContainer.sync_attach_to_request_response": "user_context may be left out",
    ".recipe.session.interfaces.RecipeInterface.__init__": "nothing to make",
    ".recipe.session.SessionOverrideConfig.__init__": "pydantic's in official: by name in both",
    ".framework.flask.Middleware.set_before_after_request": "done by __init__",
    ".framework.flask.Middleware.set_error_handler": "done by __init__",
    ".framework.BaseResponse.__init__": "made by the SDK",
}
MODULES = (
    "", ".types", ".framework", ".framework.fastapi", ".framework.flask", ".framework.request", ".framework.response", ".recipe.session",
    ".recipe.session.asyncio", ".recipe.session.syncio", ".recipe.session.interfaces", ".recipe.session.exceptions",
    ".recipe.session.claims", *(f".recipe.session.claim_base_classes.{name}_claim" for name in ("primitive", "primitive_array", "boolean")),
    ".recipe.session.framework.fastapi", ".recipe.session.framework.flask",
    ".recipe.session.framework.django.asyncio", ".recipe.session.framework.django.syncio", ".framework.django.django_middleware",
    ".recipe.jwt", ".recipe.jwt.asyncio", ".recipe.jwt.syncio", ".recipe.jwt.interfaces", ".recipe.openid", ".recipe.openid.asyncio",
    ".recipe.openid.syncio", ".recipe.openid.interfaces",
)  # fmt: skip
# Modules that hold what they export themselves; of the others, imports for their own use are no exports.
REEXPORTS = ("", ".types", ".framework", ".framework.fastapi", ".framework.flask", ".recipe.session", ".recipe.session.claims", ".recipe.jwt", ".recipe.openid")
SESSION_RECIPE = {"init", "get_instance", "reset"}


def exported(module: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in vars(module).items():
        of = getattr(value, "__module__", None) or ""
        if key.startswith("_") or not (inspect.isclass(value) or inspect.isfunction(value)) or not of.startswith(OFFICIAL):
            continue
        if of == module.__name__ or name in REEXPORTS:
            found[key] = value
    return found


def shape(function: Any) -> list[tuple[str, Any]]:
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        parameters.pop(0)
    return [(one.name, one.default if one.default is not inspect.Parameter.empty else "needed") for one in parameters]


def methods(of: type) -> dict[str, Any]:
    found = {key: value for key, value in vars(of).items() if inspect.isfunction(value) and not key.startswith("_")}
    if "__init__" in vars(of) and inspect.isfunction(vars(of)["__init__"]):
        found["__init__"] = of.__init__
    return found


class Exports(unittest.TestCase):
    maxDiff = None

    def test_every_name_with_its_parameters(self):
        wrong: list[str] = []
        seen: set[int] = set()
        for name in MODULES:
            official, ours = importlib.import_module(OFFICIAL + name), importlib.import_module(OURS + name)
            excused = NOT_HERE.get(name, {})
            for key, value in exported(official, name).items():
                path = f"{name}.{key}"
                if key not in vars(ours):
                    if key not in excused:
                        wrong.append(f"{path} is missing")
                    continue
                if key in excused:
                    wrong.append(f"{path} is excused, and there")
                if id(value) in seen:
                    continue
                seen.add(id(value))
                mine = getattr(ours, key)
                if inspect.isfunction(value):
                    self.compare(path, value, mine, wrong)
                elif inspect.isclass(value) and key != "SessionRecipe":
                    for method, of in methods(value).items():
                        theirs = getattr(mine, method, None)
                        if theirs is None:
                            if f"{path}.{method}" not in OTHERWISE:
                                wrong.append(f"{path}.{method} is missing")
                        else:
                            self.compare(f"{path}.{method}", of, theirs, wrong)
        self.assertEqual(wrong, [])

    def compare(self, path: str, official: Any, ours: Any, wrong: list[str]) -> None:
        if path in OTHERWISE:
            return
        if inspect.iscoroutinefunction(official) != inspect.iscoroutinefunction(ours):
            wrong.append(f"{path} is a coroutine in one of both")
        expected, found = shape(official), shape(ours)
        if expected != found:
            wrong.append(f"{path}: {expected} is {found} here")

    def test_what_is_excused_is_official(self):
        for path in OTHERWISE:
            of: Any = importlib.import_module(OFFICIAL + next(m for m in sorted(MODULES, key=len, reverse=True) if path.startswith(f"{m}.")))
            for part in path.removeprefix(of.__name__.removeprefix(OFFICIAL)).strip(".").split("."):
                of = getattr(of, part)


if __name__ == "__main__":
    unittest.main()
