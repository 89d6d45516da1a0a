"""FastAPI: `session: SessionContainer = Depends(verify_session())`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from ....._engine import LOOPING
from ....._errors import SuperTokensError
from ....._interfaces import ClaimValidatorsOverride
from ....._recipe import flags_of
from ....._sdk import current
from ....._session import SessionContainer
from .....framework.fastapi import _adapter


def verify_session(
    anti_csrf_check: bool | None = None,
    session_required: bool = True,
    check_database: bool = False,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> Callable[..., Coroutine[Any, Any, SessionContainer | None]]:
    """A dependency that gives the request's session, which is `request.state.supertokens` too. With known keys it waits for nothing."""
    flags = flags_of(anti_csrf_check, session_required, check_database, override_global_claim_validators)
    checks = (anti_csrf_check, session_required, check_database, override_global_claim_validators)

    async def check(request: Request) -> SessionContainer | None:
        sdk = current()
        # A context for each request: what one keeps in it is not another's.
        call = sdk.call_of(request, None if user_context is None else {**user_context})
        session = await sdk.verify_route(LOOPING, call, flags, *checks)
        request.state.supertokens = session
        return session

    return check


async def session_exception_handler(request: Request, exc: SuperTokensError) -> Response:
    """For applications without the middleware: `app.add_exception_handler(SuperTokensError, session_exception_handler)`."""
    sdk = current()
    call = sdk.call_of(request, None)
    answer = await sdk.refuse(LOOPING, exc, call)
    response = Response(answer.body, answer.status)
    headers = [(b"content-type", answer.content_type.encode()), *((n, v) for n, v in response.raw_headers if n != b"content-type")]
    response.raw_headers = _adapter.made_on(headers, call.exchange.take())
    return response
