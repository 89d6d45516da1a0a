"""JWTs with the payload as it is given, and the keys that verify them."""

from __future__ import annotations

from typing import Any

from .... import _engine
from ...._results import CreateJwtOkResult, CreateJwtResultUnsupportedAlgorithm, GetJWKSResult
from ...session import _functions


def create_jwt(
    payload: dict[str, Any] | None = None,
    validity_seconds: int | None = None,
    use_static_signing_key: bool | None = None,
    user_context: dict[str, Any] | None = None,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    given = (payload, validity_seconds, use_static_signing_key, user_context)
    return _engine.now(_functions.create_jwt(_engine.BLOCKING, *given, with_issuer=False))


def get_jwks(user_context: dict[str, Any] | None = None) -> GetJWKSResult:
    return _engine.now(_functions.get_jwks(_engine.BLOCKING, user_context))
