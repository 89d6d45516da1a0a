"""What functions give."""

from __future__ import annotations

from typing import Any, Generic, TypedDict, TypeVar

from ._errors import ClaimValidationError
from ._types import APIResponse, RecipeUserId

_T = TypeVar("_T")


class SessionObj:
    def __init__(self, handle: str, user_id: str, recipe_user_id: RecipeUserId, user_data_in_jwt: dict[str, Any], tenant_id: str) -> None:
        self.handle = handle
        self.user_id = user_id
        self.recipe_user_id = recipe_user_id
        self.user_data_in_jwt = user_data_in_jwt
        self.tenant_id = tenant_id

    def to_json(self) -> dict[str, Any]:
        return {
            "handle": self.handle,
            "userId": self.user_id,
            "recipeUserId": self.recipe_user_id.get_as_string(),
            "tenantId": self.tenant_id,
            "userDataInJWT": self.user_data_in_jwt,
        }


class TokenInfo:
    """Times are in ms since 1970."""

    def __init__(self, token: str, expiry: int, created_time: int) -> None:
        self.token = token
        self.expiry = expiry
        self.created_time = created_time

    def to_json(self) -> dict[str, Any]:
        return {"token": self.token, "expiry": self.expiry, "createdTime": self.created_time}


class AccessTokenObj(TokenInfo):
    pass


class RegenerateAccessTokenOkResult:
    def __init__(self, session: SessionObj, access_token: AccessTokenObj | None) -> None:
        self.session = session
        self.access_token = access_token

    def to_json(self) -> dict[str, Any]:
        return {"session": self.session.to_json(), "accessToken": None if self.access_token is None else self.access_token.to_json()}


class SessionInformationResult:
    """Times are in ms since 1970."""

    def __init__(
        self,
        session_handle: str,
        user_id: str,
        recipe_user_id: RecipeUserId,
        session_data_in_database: dict[str, Any],
        expiry: int,
        custom_claims_in_access_token_payload: dict[str, Any],
        time_created: int,
        tenant_id: str,
    ) -> None:
        self.session_handle = session_handle
        self.user_id = user_id
        self.recipe_user_id = recipe_user_id
        self.session_data_in_database = session_data_in_database
        self.expiry = expiry
        self.custom_claims_in_access_token_payload = custom_claims_in_access_token_payload
        self.time_created = time_created
        self.tenant_id = tenant_id

    def to_json(self) -> dict[str, Any]:
        return {
            "sessionHandle": self.session_handle,
            "userId": self.user_id,
            "recipeUserId": self.recipe_user_id.get_as_string(),
            "tenantId": self.tenant_id,
            "sessionDataInDatabase": self.session_data_in_database,
            "expiry": self.expiry,
            "customClaimsInAccessTokenPayload": self.custom_claims_in_access_token_payload,
            "timeCreated": self.time_created,
        }


def information_of(found: dict[str, Any] | None) -> SessionInformationResult | None:
    if found is None:
        return None
    return SessionInformationResult(
        found["sessionHandle"],
        found["userId"],
        RecipeUserId(found["recipeUserId"]),
        found["sessionDataInDatabase"],
        found["expiry"],
        found["customClaimsInAccessTokenPayload"],
        found["timeCreated"],
        found["tenantId"],
    )


class SessionDoesNotExistError:
    pass


class GetClaimValueOkResult(Generic[_T]):
    def __init__(self, value: _T | None) -> None:
        self.value = value


class ClaimsValidationResult:
    def __init__(self, invalid_claims: list[ClaimValidationError], access_token_payload_update: dict[str, Any] | None = None) -> None:
        self.invalid_claims = invalid_claims
        self.access_token_payload_update = access_token_payload_update

    def to_json(self) -> dict[str, Any]:
        return {
            "invalidClaims": [one.to_json() for one in self.invalid_claims],
            "accessTokenPayloadUpdate": self.access_token_payload_update,
        }


class ClaimValidationResult:
    def __init__(self, is_valid: bool, reason: dict[str, Any] | None = None) -> None:
        self.is_valid = is_valid
        self.reason = reason


class GetSessionTokensDangerouslyDict(TypedDict):
    accessToken: str
    accessAndFrontTokenUpdated: bool
    refreshToken: str | None
    frontToken: str
    antiCsrfToken: str | None


class SignOutOkayResponse(APIResponse):
    def __init__(self) -> None:
        self.status = "OK"

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status}


class CreateJwtOkResult:
    def __init__(self, jwt: str) -> None:
        self.jwt = jwt


class CreateJwtResultUnsupportedAlgorithm:
    pass


class JsonWebKey:
    def __init__(self, kty: str, kid: str, n: str, e: str, alg: str, use: str) -> None:
        self.kty = kty
        self.kid = kid
        self.n = n
        self.e = e
        self.alg = alg
        self.use = use


class GetJWKSResult:
    def __init__(self, keys: list[JsonWebKey], validity_in_secs: int | None) -> None:
        self.keys = keys
        self.validity_in_secs = validity_in_secs


class GetOpenIdDiscoveryConfigurationResult:
    def __init__(
        self,
        issuer: str,
        jwks_uri: str,
        authorization_endpoint: str,
        token_endpoint: str,
        userinfo_endpoint: str,
        revocation_endpoint: str,
        token_introspection_endpoint: str,
        end_session_endpoint: str,
        subject_types_supported: list[str],
        id_token_signing_alg_values_supported: list[str],
        response_types_supported: list[str],
    ) -> None:
        self.issuer = issuer
        self.jwks_uri = jwks_uri
        self.authorization_endpoint = authorization_endpoint
        self.token_endpoint = token_endpoint
        self.userinfo_endpoint = userinfo_endpoint
        self.revocation_endpoint = revocation_endpoint
        self.token_introspection_endpoint = token_introspection_endpoint
        self.end_session_endpoint = end_session_endpoint
        self.subject_types_supported = subject_types_supported
        self.id_token_signing_alg_values_supported = id_token_signing_alg_values_supported
        self.response_types_supported = response_types_supported

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def jwt_of(made: dict[str, Any]) -> CreateJwtOkResult | CreateJwtResultUnsupportedAlgorithm:
    return CreateJwtOkResult(made["jwt"]) if made["status"] == "OK" else CreateJwtResultUnsupportedAlgorithm()


def keys_of(found: dict[str, Any]) -> GetJWKSResult:
    keys = [JsonWebKey(*(key[name] for name in ("kty", "kid", "n", "e", "alg", "use"))) for key in found["keys"]]
    return GetJWKSResult(keys, found["validityInSeconds"])


def document_of(found: dict[str, Any]) -> GetOpenIdDiscoveryConfigurationResult:
    names = (
        "issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "revocation_endpoint",
        "token_introspection_endpoint", "end_session_endpoint", "subject_types_supported", "id_token_signing_alg_values_supported",
        "response_types_supported",
    )  # fmt: skip
    return GetOpenIdDiscoveryConfigurationResult(*(found[name] for name in names))
