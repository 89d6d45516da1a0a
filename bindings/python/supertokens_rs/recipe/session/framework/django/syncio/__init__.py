"""Plain views of Django: `@verify_session()`; the session is `request.supertokens`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from ......_engine import BLOCKING, now
from ......_errors import SuperTokensError
from ......_interfaces import ClaimValidatorsOverride
from ......_recipe import flags_of
from ......_sdk import current
from ......framework.django import _adapter

_View = TypeVar("_View", bound=Callable[..., Any])


def verify_session(
    anti_csrf_check: bool | None = None,
    session_required: bool = True,
    check_database: bool = False,
    override_global_claim_validators: ClaimValidatorsOverride | None = None,
    user_context: dict[str, Any] | None = None,
) -> Callable[[_View], _View]:
    """Lets a request through that has a session."""
    flags = flags_of(anti_csrf_check, session_required, check_database, override_global_claim_validators)
    checks = (anti_csrf_check, session_required, check_database, override_global_claim_validators)

    def around(view: _View) -> _View:
        @wraps(view)
        def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
            sdk = current()
            call = sdk.call_of(request, None if user_context is None else {**user_context})
            try:
                session = now(sdk.verify_route(BLOCKING, call, flags, *checks))
                _adapter.set_session(request, session)
                return view(request, *args, **kwargs)
            except SuperTokensError as error:
                answer = now(sdk.refuse(BLOCKING, error, call))
                return _adapter.response_of(answer, call.exchange.take())

        return cast(_View, checked)

    return around
