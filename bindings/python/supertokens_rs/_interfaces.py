"""What an application may override: the recipe's functions and endpoints."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ._http import BaseRequest, BaseResponse
from ._results import (
    ClaimsValidationResult,
    GetClaimValueOkResult,
    RegenerateAccessTokenOkResult,
    SessionDoesNotExistError,
    SessionInformationResult,
    SignOutOkayResponse,
)
from ._session import SessionClaim, SessionClaimValidator, SessionContainer
from ._types import GeneralErrorResponse, MaybeAwaitable, RecipeUserId, UserContext

ClaimValidatorsOverride = Callable[
    [list[SessionClaimValidator], SessionContainer, UserContext], MaybeAwaitable[list[SessionClaimValidator]]
]


class RecipeInterface(ABC):
    """The functions of the recipe, each of which an application may override."""

    @abstractmethod
    async def create_new_session(
        self,
        user_id: str,
        recipe_user_id: RecipeUserId,
        access_token_payload: dict[str, Any] | None,
        session_data_in_database: dict[str, Any] | None,
        disable_anti_csrf: bool | None,
        tenant_id: str,
        user_context: UserContext,
    ) -> SessionContainer: ...

    @abstractmethod
    def get_global_claim_validators(
        self,
        tenant_id: str,
        user_id: str,
        recipe_user_id: RecipeUserId,
        claim_validators_added_by_other_recipes: list[SessionClaimValidator],
        user_context: UserContext,
    ) -> MaybeAwaitable[list[SessionClaimValidator]]: ...

    @abstractmethod
    async def get_session(
        self,
        access_token: str | None,
        anti_csrf_token: str | None = None,
        anti_csrf_check: bool | None = None,
        session_required: bool | None = None,
        check_database: bool | None = None,
        override_global_claim_validators: ClaimValidatorsOverride | None = None,
        user_context: UserContext | None = None,
    ) -> SessionContainer | None: ...

    @abstractmethod
    async def validate_claims(
        self,
        user_id: str,
        recipe_user_id: RecipeUserId,
        access_token_payload: dict[str, Any],
        claim_validators: list[SessionClaimValidator],
        user_context: UserContext,
    ) -> ClaimsValidationResult: ...

    @abstractmethod
    async def refresh_session(
        self, refresh_token: str, anti_csrf_token: str | None, disable_anti_csrf: bool, user_context: UserContext
    ) -> SessionContainer: ...

    @abstractmethod
    async def revoke_session(self, session_handle: str, user_context: UserContext) -> bool: ...

    @abstractmethod
    async def revoke_all_sessions_for_user(
        self,
        user_id: str,
        revoke_sessions_for_linked_accounts: bool,
        tenant_id: str,
        revoke_across_all_tenants: bool,
        user_context: UserContext,
    ) -> list[str]: ...

    @abstractmethod
    async def get_all_session_handles_for_user(
        self,
        user_id: str,
        fetch_sessions_for_linked_accounts: bool,
        tenant_id: str,
        fetch_across_all_tenants: bool,
        user_context: UserContext,
    ) -> list[str]: ...

    @abstractmethod
    async def revoke_multiple_sessions(self, session_handles: list[str], user_context: UserContext) -> list[str]: ...

    @abstractmethod
    async def get_session_information(self, session_handle: str, user_context: UserContext) -> SessionInformationResult | None: ...

    @abstractmethod
    async def update_session_data_in_database(
        self, session_handle: str, new_session_data: dict[str, Any], user_context: UserContext
    ) -> bool: ...

    @abstractmethod
    async def merge_into_access_token_payload(
        self, session_handle: str, access_token_payload_update: dict[str, Any], user_context: UserContext
    ) -> bool: ...

    @abstractmethod
    async def fetch_and_set_claim(self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext) -> bool: ...

    @abstractmethod
    async def set_claim_value(self, session_handle: str, claim: SessionClaim[Any], value: Any, user_context: UserContext) -> bool: ...

    @abstractmethod
    async def get_claim_value(
        self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext
    ) -> SessionDoesNotExistError | GetClaimValueOkResult[Any]: ...

    @abstractmethod
    async def remove_claim(self, session_handle: str, claim: SessionClaim[Any], user_context: UserContext) -> bool: ...

    @abstractmethod
    async def regenerate_access_token(
        self, access_token: str, new_access_token_payload: dict[str, Any] | None, user_context: UserContext
    ) -> RegenerateAccessTokenOkResult | None: ...


class APIOptions:
    """What an endpoint is given besides."""

    def __init__(
        self, request: BaseRequest, response: BaseResponse | None, recipe_id: str, config: Any, recipe_implementation: RecipeInterface
    ) -> None:
        self.request = request
        self.response = response
        self.recipe_id = recipe_id
        self.config = config
        self.recipe_implementation = recipe_implementation


class APIInterface(ABC):
    """The endpoints, each of which an application may override or switch off."""

    def __init__(self) -> None:
        self.disable_refresh_post = False
        self.disable_signout_post = False

    @abstractmethod
    async def refresh_post(self, api_options: APIOptions, user_context: UserContext) -> SessionContainer: ...

    @abstractmethod
    async def signout_post(
        self, session: SessionContainer, api_options: APIOptions, user_context: UserContext
    ) -> SignOutOkayResponse | GeneralErrorResponse: ...

    @abstractmethod
    async def verify_session(
        self,
        api_options: APIOptions,
        anti_csrf_check: bool | None,
        session_required: bool,
        check_database: bool,
        override_global_claim_validators: ClaimValidatorsOverride | None,
        user_context: UserContext,
    ) -> SessionContainer | None: ...
