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


async def create_jwt(
    payload: dict[str, Any] | None = None,
    validity_seconds: int | None = None,
    use_static_signing_key: bool | None = None,
    user_context: dict[str, Any] | None = None,
) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    given = (payload, validity_seconds, use_static_signing_key, user_context)
    return await _functions.create_jwt(_engine.LOOPING, *given)


async def get_jwks(user_context: dict[str, Any] | None = None) -> GetJWKSResult:
    return await _functions.get_jwks(_engine.LOOPING, user_context)


async def get_open_id_discovery_configuration(user_context: dict[str, Any] | None = None) -> GetOpenIdDiscoveryConfigurationResult:
    return await _functions.get_open_id_discovery_configuration(_engine.LOOPING, user_context)
