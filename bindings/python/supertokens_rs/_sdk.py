"""The SDK of one `init`: its settings, calls on behalf of frameworks, checks of sessions."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ._call import Call
from ._engine import Callback, Engine, Waiting, logger
from ._errors import EngineError, NotInThisPackageError, thrown_of
from ._http import Adapter, Answer, BaseRequest, BaseResponse, Wrapped
from ._interfaces import APIInterface, RecipeInterface
from ._recipe import ERRORS, SessionFunctions
from ._session import SessionContainer, session_of

if TYPE_CHECKING:
    from ._errors import ClaimValidationError
    from ._native import Session as Native
    from ._native import Step
    from ._types import MaybeAwaitable, RecipeUserId

Framework = Literal["fastapi", "flask", "django"]
FRAMEWORKS = ("fastapi", "flask", "django")
# How the paths of the SDK's endpoints end: a request without any of these is the application's, and need not cross.
_ENDS = ("refresh", "signout", "jwks.json", "openid-configuration")

NetworkInterceptor = Callable[
    [str, str, dict[str, Any], "dict[str, Any] | None", "dict[str, Any] | None", "dict[str, Any] | None"],
    "tuple[str, str, dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]",
]


@dataclass
class InputAppInfo:
    """What the application is called and where it is; `origin` may be a function of the request and the user context."""

    app_name: str
    api_domain: str
    api_gateway_path: str = ""
    api_base_path: str = "/auth"
    website_base_path: str = "/auth"
    website_domain: str | None = None
    origin: str | Callable[[BaseRequest | None, dict[str, Any]], str] | None = None


AppInfo = InputAppInfo


@dataclass
class EmbeddedCore:
    """A core in this process. `settings` has the names of the core's config.yaml."""

    database: str
    settings: dict[str, str | int | float | bool] = field(default_factory=dict[str, "str | int | float | bool"])
    app_id: str | None = None


@dataclass
class SupertokensConfig:
    """Which core: one that runs at `connection_uri`, or `embedded`: `sqlite:PATH`, `postgresql://…`, or an `EmbeddedCore`."""

    connection_uri: str = ""
    api_key: str | None = None
    network_interceptor: NetworkInterceptor | None = None
    disable_core_call_cache: bool = False
    embedded: str | EmbeddedCore | None = None


class InputErrorHandlers:
    """The application's ways to answer the SDK's errors. A response that a handler leaves as it is becomes the SDK's."""

    def __init__(
        self,
        on_token_theft_detected: Callable[[BaseRequest, str, str, RecipeUserId, BaseResponse], MaybeAwaitable[BaseResponse]] | None = None,
        on_try_refresh_token: Callable[[BaseRequest, str, BaseResponse], MaybeAwaitable[BaseResponse]] | None = None,
        on_unauthorised: Callable[[BaseRequest, str, BaseResponse], MaybeAwaitable[BaseResponse]] | None = None,
        on_invalid_claim: Callable[[BaseRequest, list[ClaimValidationError], BaseResponse], MaybeAwaitable[BaseResponse]] | None = None,
        on_clear_duplicate_session_cookies: Callable[[BaseRequest, str, BaseResponse], MaybeAwaitable[BaseResponse]] | None = None,
    ) -> None:
        self.on_token_theft_detected = on_token_theft_detected
        self.on_try_refresh_token = on_try_refresh_token
        self.on_unauthorised = on_unauthorised
        self.on_invalid_claim = on_invalid_claim
        self.on_clear_duplicate_session_cookies = on_clear_duplicate_session_cookies


@dataclass
class SessionOverrideConfig:
    """Functions of the application around the SDK's: each is given the original, and gives it back, changed, or another."""

    functions: Callable[[RecipeInterface], RecipeInterface] | None = None
    apis: Callable[[APIInterface], APIInterface] | None = None


@dataclass
class SessionConfig:
    cookie_domain: str | None = None
    older_cookie_domain: str | None = None
    cookie_secure: bool | None = None
    cookie_same_site: Literal["lax", "none", "strict"] | None = None
    session_expired_status_code: int | None = None
    anti_csrf: Literal["VIA_TOKEN", "VIA_CUSTOM_HEADER", "NONE"] | None = None
    get_token_transfer_method: Callable[[BaseRequest, bool, dict[str, Any]], Literal["cookie", "header", "any"]] | None = None
    error_handlers: InputErrorHandlers | None = None
    override: SessionOverrideConfig | None = None
    invalid_claim_status_code: int | None = None
    use_dynamic_access_token_signing_key: bool | None = None
    expose_access_token_to_frontend_in_cookie_based_auth: bool | None = None
    jwks_refresh_interval_sec: int | None = None
    verified_tokens_kept: int | None = None


@dataclass(frozen=True)
class RecipeInit:
    """A recipe for `recipe_list`."""

    recipe_id: str
    config: Any = None


def _function(value: object, name: str) -> bool:
    if value is None:
        return False
    if callable(value):
        return True
    raise EngineError(f"{name} must be a function", "SETTINGS")


def _core(config: SupertokensConfig) -> dict[str, Any]:
    embedded: object = config.embedded
    if isinstance(embedded, str):
        embedded = EmbeddedCore(embedded)
    if embedded is not None and not isinstance(embedded, EmbeddedCore):
        raise EngineError("embedded must be the address of a database (sqlite:PATH or postgresql://…), or an EmbeddedCore", "SETTINGS")
    return {
        # As official has it, an empty address is none.
        "connectionURI": config.connection_uri or None,
        "apiKey": config.api_key or None,
        "networkInterceptor": _function(config.network_interceptor, "network_interceptor"),
        "disableCoreCallCache": config.disable_core_call_cache,
        "embedded": embedded and {"database": embedded.database, "settings": embedded.settings, "appId": embedded.app_id},
    }


def _session(config: SessionConfig) -> dict[str, Any]:
    handlers = config.error_handlers
    return {
        "cookieDomain": config.cookie_domain,
        "olderCookieDomain": config.older_cookie_domain,
        "cookieSecure": config.cookie_secure,
        "cookieSameSite": config.cookie_same_site,
        "sessionExpiredStatusCode": config.session_expired_status_code,
        "invalidClaimStatusCode": config.invalid_claim_status_code,
        "antiCsrf": config.anti_csrf,
        "useDynamicAccessTokenSigningKey": config.use_dynamic_access_token_signing_key,
        "exposeAccessTokenToFrontendInCookieBasedAuth": config.expose_access_token_to_frontend_in_cookie_based_auth,
        "jwksRefreshIntervalSec": config.jwks_refresh_interval_sec,
        "verifiedTokensKept": config.verified_tokens_kept,
        "choosesTransfer": _function(config.get_token_transfer_method, "get_token_transfer_method"),
        "errorHandlers": [engine for name, engine in ERRORS.items() if handlers is not None and _function(getattr(handlers, name), name)],
    }


def _app(info: InputAppInfo) -> dict[str, Any]:
    is_function = info.origin is not None and not isinstance(info.origin, str) and _function(info.origin, "origin")
    return {
        "appName": info.app_name,
        "apiDomain": info.api_domain,
        "websiteDomain": info.website_domain,
        "apiBasePath": info.api_base_path,
        "websiteBasePath": info.website_base_path,
        "apiGatewayPath": info.api_gateway_path,
        "origin": None if is_function else info.origin,
        "originIsAFunction": is_function,
    }


def _recipes(listed: object) -> dict[str, Any]:
    if not isinstance(listed, (list, tuple)) or not listed:
        raise EngineError("Please provide at least one recipe to the supertokens.init function call", "SETTINGS")
    found: dict[str, Any] = {}
    for recipe in listed:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(recipe, RecipeInit):
            raise NotInThisPackageError("a recipe of another package in recipe_list")
        if recipe.recipe_id in found:
            raise EngineError(f"the {recipe.recipe_id} recipe has already been initialised: list it once", "SETTINGS")
        found[recipe.recipe_id] = recipe.config
    return found


_WRAPPED = Wrapped()


def _adapter(framework: Framework) -> Adapter:
    if framework == "fastapi":
        from .framework.fastapi import _adapter
    elif framework == "flask":
        from .framework.flask import _adapter
    else:
        from .framework.django import _adapter
    return _adapter.ADAPTER


class Sdk:
    def __init__(
        self,
        app_info: InputAppInfo,
        framework: Framework,
        supertokens_config: SupertokensConfig,
        recipe_list: list[RecipeInit],
        mode: Literal["asgi", "wsgi"] | None,
        debug: bool | None,
    ) -> None:
        if framework not in FRAMEWORKS:
            raise EngineError(f"framework must be one of {', '.join(FRAMEWORKS)}", "SETTINGS")
        if mode not in (None, "asgi", "wsgi"):
            raise EngineError("mode must be asgi or wsgi", "SETTINGS")
        for name, value, wanted in (("app_info", app_info, InputAppInfo), ("supertokens_config", supertokens_config, SupertokensConfig)):
            if not isinstance(value, wanted):
                raise EngineError(f"{name} must be of the class {wanted.__name__} of supertokens_rs", "SETTINGS")
        self.app_info = app_info
        self.framework: Framework = framework
        self.mode = mode
        self.recipes = _recipes(recipe_list)
        self.config: SessionConfig = self.recipes.get("session") or SessionConfig()
        self.adapter = _adapter(framework)
        session = SessionFunctions(self, self.config)
        self.session = session
        self.functions = session.functions
        self._origin = app_info.origin if callable(app_info.origin) else None
        self._transfer = self.config.get_token_transfer_method
        self.has_choices = self._origin is not None or self._transfer is not None
        has_session = "session" in self.recipes
        settings = {
            "appInfo": _app(app_info),
            "core": _core(supertokens_config),
            "session": _session(self.config) if has_session else None,
            "jwt": self.recipes.get("jwt"),
            "overrides": session.overridden if has_session else [],
            "disabled": session.disabled if has_session else [],
            "debug": debug is True,
        }
        callbacks = {**session.callbacks(), "networkInterceptor": self._interceptor(supertokens_config.network_interceptor)}
        self.engine = Engine(settings, callbacks)
        if debug:
            logger.setLevel(logging.DEBUG)
            if not logger.handlers:
                logger.addHandler(logging.StreamHandler(sys.stdout))

    @staticmethod
    def _interceptor(interceptor: NetworkInterceptor | None) -> Callback:
        async def intercept(waiting: Waiting, given: dict[str, Any], call: Call, _: Native | None):
            assert interceptor is not None
            asked = interceptor(
                given["url"], given["method"], given["headers"], given["params"], given["body"], call.user_context
            )
            url, method, headers, params, body = await waiting.value(asked)
            return {"url": url, "method": method, "headers": headers, "params": params, "body": body}, None

        return intercept

    def call_of(self, request: Any, user_context: dict[str, Any] | None) -> Call:
        """A call for a request of the framework, or for one that is wrapped; or for none."""
        if request is None:
            return Call(self, None, None, user_context)
        if not getattr(request, "wrapper_used", False):
            return Call(self, self.adapter, request, user_context)
        original = getattr(request, "request", None)
        if original is None:
            return Call(self, _WRAPPED, request, user_context)
        return Call(self, self.adapter, original, user_context)

    def choices(self, call: Call) -> str:
        """Answers of functions that the engine cannot wait for where it needs them."""
        chosen: dict[str, Any] = {}
        if self._origin is not None:
            chosen["origin"] = origin = self._origin(call.request, call.user_context)
            if not isinstance(origin, str):
                raise TypeError("app_info.origin must give a str, and not later")
        if self._transfer is not None and call.request is not None:
            chosen["transfer"] = {"existing": self._way(call, False), **({"new": self._way(call, True)} if call.makes_session else {})}
        return json.dumps(chosen)

    def _way(self, call: Call, new: bool) -> str:
        assert self._transfer is not None and call.request is not None
        way = self._transfer(call.request, new, call.user_context)
        if way in ("any", "cookie", "header"):
            return way
        raise TypeError('get_token_transfer_method must give "any", "cookie" or "header", and not later')

    async def verify(self, waiting: Waiting, call: Call, flags: int, choose: Any = None) -> SessionContainer | None:
        call.choose = choose
        parts: Any = call.parts()
        notifier = waiting.notifier()
        # Verb, address and six headers.
        verify: Any = self.engine.native.verify
        step: Step = verify(notifier, flags, *parts, call.choices())
        if step[0] == 4:
            return SessionContainer(call, step)
        return session_of(call, await self.engine.settle(waiting, step, call, notifier))

    async def verify_route(
        self,
        waiting: Waiting,
        call: Call,
        flags: int,
        anti_csrf_check: bool | None,
        session_required: bool,
        check_database: bool,
        choose: Any,
    ) -> SessionContainer | None:
        """The check of a route, which an application may override for all routes."""
        session = self.session
        if not session.verifies:
            return await self.verify(waiting, call, flags, choose)
        options = session.options_of(call)
        asked = session.apis.verify_session(options, anti_csrf_check, session_required, check_database, choose, call.user_context)
        return await waiting.value(asked)

    async def handle(self, waiting: Waiting, call: Call) -> Answer | None:
        """Answers a request for one of our endpoints. None: it is the application's."""
        step = await self.engine.start(waiting, "handle", {}, call)
        return None if step[1] is None else call.answer(json.loads(step[1]))

    async def refuse(self, waiting: Waiting, error: BaseException, call: Call) -> Answer:
        """Answers an error of ours; any other is raised again."""
        thrown = thrown_of(error)
        if thrown is None:
            raise error
        step = await self.engine.start(waiting, "errorResponse", thrown, call)
        answer = call.answer(json.loads(step[1]))
        for mutator in getattr(error, "response_mutators", ()):
            mutator(call.response, call.user_context)
        return answer


def may_be_ours(path: str) -> bool:
    return any(end in path for end in _ENDS)


class _State:
    sdk: Sdk | None = None


def current() -> Sdk:
    if _State.sdk is None:
        raise Exception("Initialisation not done. Did you forget to call the SuperTokens.init function?")
    return _State.sdk


def is_there() -> bool:
    return _State.sdk is not None


def put(sdk: Sdk | None) -> None:
    _State.sdk = sdk
