"""Flask: `Middleware(app)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._engine import BLOCKING, now
from ..._errors import SuperTokensError
from ..._sdk import current, may_be_ours
from ._adapter import ADAPTER, change, response_of

if TYPE_CHECKING:
    from flask import Flask, Response


class Middleware:
    """Answers the SDK's own paths and errors, and changes responses of requests whose session has changed."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        app.before_request(self._before)
        app.after_request(self._after)
        app.teardown_request(self._teardown)
        app.register_error_handler(SuperTokensError, self._error)

    @staticmethod
    def _call() -> Any:
        from flask import request

        call = current().call_of(request._get_current_object(), None)  # pyright: ignore
        call.adapter = ADAPTER
        return call

    def _before(self) -> Response | None:
        from flask import request

        if not may_be_ours(request.path):
            return None
        call = self._call()
        answer = now(call.sdk.handle(BLOCKING, call))
        return None if answer is None else response_of(answer, call.exchange.take())

    def _after(self, response: Response) -> Response:
        from flask import request

        exchange = ADAPTER.exchange(request)
        return change(response, exchange.take()) if exchange.changes else response

    def _teardown(self, _: BaseException | None) -> None:
        from flask import g

        # A context may outlive the request (in tests), and nobody else shall find the session.
        g.pop("supertokens", None)

    def _error(self, error: Exception) -> Response:
        call = self._call()
        answer = now(call.sdk.refuse(BLOCKING, error, call))
        return response_of(answer, call.exchange.take())
