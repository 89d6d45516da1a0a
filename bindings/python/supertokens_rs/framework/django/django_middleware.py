"""Django's middleware: synchronous under WSGI, asynchronous under ASGI."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

from ..._engine import BLOCKING, LOOPING, now
from ..._errors import SuperTokensError, thrown_of
from ..._sdk import current, may_be_ours
from ._adapter import ADAPTER, change, response_of


def _call(request: Any) -> Any:
    call = current().call_of(request, None)
    call.adapter = ADAPTER
    return call


def _finished(request: Any, response: Any) -> Any:
    exchange = ADAPTER.exchange(request)
    return change(response, exchange.take()) if exchange.changes else response


def _process_exception(request: Any, error: Exception) -> Any:
    """Answers errors of ours that views raise. Django calls it without an event loop in either mode; None: it is not ours."""
    if not isinstance(error, SuperTokensError) or thrown_of(error) is None:
        return None
    call = _call(request)
    answer = now(call.sdk.refuse(BLOCKING, error, call))
    return response_of(answer, call.exchange.take())


def middleware(get_response: Any) -> Any:
    """Answers the SDK's own paths and errors, and changes responses of requests whose session has changed."""
    made: Any
    if iscoroutinefunction(get_response):

        async def of_asgi(request: Any) -> Any:
            if may_be_ours(request.path_info):
                call = _call(request)
                answer = await call.sdk.handle(LOOPING, call)
                if answer is not None:
                    return response_of(answer, call.exchange.take())
            return _finished(request, await get_response(request))

        made = of_asgi
    else:

        def of_wsgi(request: Any) -> Any:
            if may_be_ours(request.path_info):
                call = _call(request)
                answer = now(call.sdk.handle(BLOCKING, call))
                if answer is not None:
                    return response_of(answer, call.exchange.take())
            return _finished(request, get_response(request))

        made = of_wsgi
    made.process_exception = _process_exception
    return made


setattr(middleware, "sync_capable", True)  # noqa: B010
setattr(middleware, "async_capable", True)  # noqa: B010
