"""A call to the engine is a row of steps (src/lib.rs). The functions of the application run here, on the caller's thread or event loop and
in its context; nothing of the engine ever calls one.

What is built on it is written once, as coroutines that are told how to wait: `LOOPING` waits in the event loop that runs, `BLOCKING` keeps
the thread, so that such a coroutine ends at its first step.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from ._errors import EngineError, data_of, error_of, thrown_of

if TYPE_CHECKING:
    from ._call import Call
    from ._native import Engine as Native
    from ._native import Notifier, Session, Step

_T = TypeVar("_T")

logger = logging.getLogger("com.supertokens")
_LEVELS = {"ERROR": logging.ERROR, "WARN": logging.WARNING, "INFO": logging.INFO}

# What the engine asks for by name is given here: an answer, and the native session where one is asked for.
Callback = Callable[["Waiting", dict[str, Any], "Call", "Session | None"], Awaitable["tuple[Any, Session | None]"]]


def native() -> Any:
    """Loaded at `init`, so that an import alone costs nothing and breaks nothing."""
    try:
        from . import _native
    except ImportError as error:
        raise ImportError(
            f"supertokens-rs: its native part could not be loaded: {error}. Build a wheel for this machine in a clone with bindings/python/pack."
        ) from error
    return _native


def write_lines() -> None:
    for level, text in native().log_lines():
        logger.log(_LEVELS.get(level, logging.DEBUG), "%s", text)


class Waiting(Protocol):
    """How a call waits."""

    def notifier(self) -> Any: ...

    async def told(self, number: int, notifier: Any) -> None:
        """Waits until the number is told."""
        ...

    async def value(self, given: Any) -> Any:
        """What a function of the application has given, now or later."""
        ...


class _Loop:
    """One event loop: the numbers that calls wait for in it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.native: Notifier = native().Notifier(True)
        self.waiting: dict[int, asyncio.Future[None]] = {}
        # A loop that can watch no pipe lends a thread to each call that waits.
        self.watches = True
        try:
            loop.add_reader(self.native.fileno(), self.take)
        except NotImplementedError:
            self.watches = False

    def take(self) -> None:
        for number in self.native.take():
            if number == 0:
                write_lines()
                continue
            future = self.waiting.get(number)
            if future is not None and not future.done():
                future.set_result(None)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = weakref.WeakKeyDictionary()
_last = threading.local()


class _Looping:
    def notifier(self) -> Any:
        running = asyncio.get_running_loop()
        if getattr(_last, "running", None) is running:
            return _last.loop.native
        loop = _loops.get(running)
        if loop is None:
            loop = _loops[running] = _Loop(running)
        if not loop.watches:
            return native().Notifier(False)
        _last.running, _last.loop = running, loop
        return loop.native

    async def told(self, number: int, notifier: Any) -> None:
        running = asyncio.get_running_loop()
        loop = _loops[running]
        if not loop.watches:
            await running.run_in_executor(None, notifier.wait)
            return
        future: asyncio.Future[None] = running.create_future()
        loop.waiting[number] = future
        try:
            await future
        finally:
            loop.waiting.pop(number, None)

    async def value(self, given: Any) -> Any:
        return await given if inspect.isawaitable(given) else given


class _OwnLoop:
    """An event loop for the coroutines of an application without one: one for each thread, until the thread ends."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def __del__(self) -> None:
        if not self.loop.is_running():
            self.loop.close()


_own = threading.local()


async def _awaited(given: Awaitable[_T]) -> _T:
    return await given


def _run(given: Awaitable[_T]) -> _T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if getattr(_own, "loop", None) is None:
            _own.loop = _OwnLoop()
        return cast(_OwnLoop, _own.loop).loop.run_until_complete(_awaited(given))
    # This thread's loop is running: it has called us, and waits. The coroutine runs in a loop beside.
    outcome: list[Any] = []
    context = contextvars.copy_context()

    def beside() -> None:
        try:
            outcome.extend((True, context.run(asyncio.run, _awaited(given))))
        except BaseException as error:  # it is the caller's
            outcome.extend((False, error))

    thread = threading.Thread(target=beside, name="supertokens-beside")
    thread.start()
    thread.join()
    if outcome[0]:
        return outcome[1]
    raise outcome[1]


class _Blocking:
    def notifier(self) -> Any:
        return native().Notifier(False)

    async def told(self, number: int, notifier: Any) -> None:
        notifier.wait()
        write_lines()

    async def value(self, given: Any) -> Any:
        return _run(given) if inspect.isawaitable(given) else given


LOOPING: Waiting = _Looping()
BLOCKING: Waiting = _Blocking()


def now(call: Coroutine[Any, Any, _T]) -> _T:
    """Runs what waits as `BLOCKING` does."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    call.close()
    raise RuntimeError("a call that blocks was awaited")


class _Kept:
    """Errors of the application that cross as numbers, until they come out or the call ends."""

    __slots__ = ("errors", "thrown")

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.thrown: tuple[str, str, Exception] | None = None

    def keep(self, error: Exception) -> str:
        try:
            known = thrown_of(error)
        except Exception:
            # One that cannot be read even so crosses as any other does.
            known = None
        if known is not None:
            self.thrown = (known["code"], known["message"], error)
            return json.dumps(known)
        self.errors.append(error)
        return json.dumps({"code": "HOST", "message": str(len(self.errors) - 1)})

    def failure(self, code: str, message: str, data: str | None) -> Exception:
        if code == "HOST" and message.isdigit() and int(message) < len(self.errors):
            return self.errors[int(message)]
        # The engine has texts of its own for some of them.
        if self.thrown is not None and self.thrown[0] == code and (self.thrown[1] == message or code in ("TOKEN_THEFT_DETECTED", "INVALID_CLAIMS")):
            return self.thrown[2]
        return error_of(code, message, data_of(data))


class Engine:
    """The native engine of this process."""

    def __init__(self, settings: dict[str, Any], callbacks: dict[str, Callback]) -> None:
        self.settings = json.dumps(settings)
        self.callbacks = callbacks
        made = native()
        try:
            self.native: Native = made.Engine(self.settings)
        except made.Refused as error:
            raise EngineError(_in_python(str(error)), "SETTINGS") from None
        _engines.add(self)

    async def start(self, waiting: Waiting, name: str, input: Any, call: Call, session: Session | None = None) -> Step:
        notifier = waiting.notifier()
        text = json.dumps(input, allow_nan=False)
        step = self.native.start(notifier, name, text, call.parts(), call.choices(), session)
        return step if step[0] == 4 else await self.settle(waiting, step, call, notifier)

    async def settle(self, waiting: Waiting, step: Step, call: Call, notifier: Any) -> Step:
        """Goes through the steps to the last one: done, or a checked session."""
        of, number = self.native, 0
        kept: _Kept | None = None
        try:
            while True:
                kind = step[0]
                if kind == 4:
                    return step
                if kind == 0:
                    call.apply(step[2])
                    return step
                if kind == 1:
                    call.apply(step[4])
                    raise (kept or _Kept()).failure(step[1], step[2], step[3])
                number = step[1]
                if kind == 3:
                    await waiting.told(number, notifier)
                    step = of.step(number)
                    continue
                call.apply(step[5])
                kept = kept or _Kept()
                value = session = thrown = None
                try:
                    given, session = await self.callbacks[step[2]](waiting, json.loads(step[3]), call, step[4])
                    value = json.dumps(given, allow_nan=False)
                except Exception as error:
                    thrown = kept.keep(error)
                step = of.resume(number, value, session, thrown)
        except BaseException:
            # Of a task that was cancelled, and of Ctrl-C: nobody waits any more.
            if number:
                of.forget(number)
            raise

    def renew(self) -> None:
        """After a fork: the threads of the old one are not in this process."""
        self.native.abandon()
        self.native = native().Engine(self.settings)


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _in_child() -> None:
    global _last, _own
    _loops.clear()
    _last, _own = threading.local(), threading.local()
    for engine in list(_engines):
        engine.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

# The settings' names in the engine's words, and in ours.
_NAMES = {
    "appInfo": "app_info",
    "appName": "app_name",
    "apiDomain": "api_domain",
    "websiteDomain": "website_domain",
    "apiBasePath": "api_base_path",
    "websiteBasePath": "website_base_path",
    "apiGatewayPath": "api_gateway_path",
    "connectionURI": "connection_uri",
    "apiKey": "api_key",
    "Session.init": "session.init",
    "cookieSameSite": "cookie_same_site",
    "cookieSecure": "cookie_secure",
    "cookieDomain": "cookie_domain",
    "olderCookieDomain": "older_cookie_domain",
    "antiCsrf": "anti_csrf",
    "sessionExpiredStatusCode": "session_expired_status_code",
    "invalidClaimStatusCode": "invalid_claim_status_code",
    "jwksRefreshIntervalSec": "jwks_refresh_interval_sec",
    "verifiedTokensKept": "verified_tokens_kept",
    "jwtValiditySeconds": "jwt_validity_seconds",
    "supertokens has": "supertokens_config has",
    "supertokens needs": "supertokens_config needs",
}


def _in_python(message: str) -> str:
    for engine, ours in _NAMES.items():
        message = message.replace(engine, ours)
    return message
