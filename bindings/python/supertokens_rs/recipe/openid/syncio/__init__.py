"""JWTs that say who issues them, the keys that verify them, and the OpenID document."""

from __future__ import annotations

from typing import Any

from .... import _engine
from ...._results import (
    CreateJwtOkResult,
    CreateJwtResultUnsupportedAlgorithm,
    GetJWKSResult,
    GetOpenIdDiscoveryConfigurationResult,
)
from ...session import _functions


def create_jwt(
    payload: dict[str, Any] | None = None,
    validity_seconds: int | None = None,
    use_static_signing_key: bool | None = None,
    user_context: dict[str, Any] | None = None,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    given = (payload, validity_seconds, use_static_signing_key, user_context)
    return _engine.now(_functions.create_jwt(_engine.BLOCKING, *given))


def get_jwks(user_context: dict[str, Any] | None = None) -> GetJWKSResult:
    return _engine.now(_functions.get_jwks(_engine.BLOCKING, user_context))


def get_open_id_discovery_configuration(user_context: dict[str, Any] | None = None) -> GetOpenIdDiscoveryConfigurationResult:
    return _engine.now(_functions.get_open_id_discovery_configuration(_engine.BLOCKING, user_context))
