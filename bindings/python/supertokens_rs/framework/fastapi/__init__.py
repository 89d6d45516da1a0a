"""FastAPI, and whatever else is of Starlette: `app.add_middleware(get_middleware())`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..._engine import LOOPING
from ..._errors import SuperTokensError
from ..._http import Answer
from ..._sdk import current, may_be_ours
from ._adapter import ADAPTER, exchange_of, made_on, messages_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class _Middleware:
    """Answers the SDK's own paths and errors, and changes responses of requests whose session has changed. Reads no body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Whatever middleware hands on a copy of the scope, what is kept with it is the same.
        exchange = exchange_of(scope)  # pyright: ignore[reportArgumentType]
        started = False

        async def changed(message: Any) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if exchange.changes:
                    message = {**message, "headers": made_on(message.get("headers", ()), exchange.take())}
            await send(message)

        try:
            if may_be_ours(scope["path"]):
                answer = await _handled(scope, receive)
                if answer is not None:
                    await _send(answer, exchange.take(), send)
                    return
            await self.app(scope, receive, changed)
        except SuperTokensError as error:
            # Of a response that has begun nothing can be changed any more.
            if started:
                raise
            answer = await _refused(scope, receive, error)
            await _send(answer, exchange.take(), send)


async def _send(answer: Answer, changes: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    for message in messages_of(answer, changes):
        await send(message)


async def _handled(scope: Any, receive: Any) -> Answer | None:
    from starlette.requests import Request

    sdk = current()
    call = sdk.call_of(Request(scope, receive), None)
    call.adapter = ADAPTER
    return await sdk.handle(LOOPING, call)


async def _refused(scope: Any, receive: Any, error: SuperTokensError) -> Answer:
    from starlette.requests import Request

    sdk = current()
    call = sdk.call_of(Request(scope, receive), None)
    call.adapter = ADAPTER
    return await sdk.refuse(LOOPING, error, call)


def get_middleware() -> type[_Middleware]:
    """The middleware's class, for `app.add_middleware`: before the one for CORS, so that CORS is around it."""
    return _Middleware
