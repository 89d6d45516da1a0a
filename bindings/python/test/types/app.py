"""An application in strict types: what is written here compiles, and what pyright says of each name is what it should be."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from fastapi import Depends, FastAPI, Request
from flask import Flask, g
from supertokens_rs import (
    EmbeddedCore,
    InputAppInfo,
    RecipeUserId,
    SupertokensConfig,
    convert_to_recipe_user_id,
    get_all_cors_headers,
    get_request_from_user_context,
    init,
    is_recipe_initialized,
)
from supertokens_rs.framework import BaseRequest, BaseResponse
from supertokens_rs.framework.fastapi import get_middleware
from supertokens_rs.framework.flask import Middleware
from supertokens_rs.recipe import jwt, openid, session
from supertokens_rs.recipe.session import InputErrorHandlers, SessionContainer, SessionOverrideConfig, asyncio, syncio
from supertokens_rs.recipe.session.claims import BooleanClaim, PrimitiveArrayClaim, PrimitiveClaim
from supertokens_rs.recipe.session.exceptions import ClaimValidationError, InvalidClaimsError, UnauthorisedError
from supertokens_rs.recipe.session.framework.django.asyncio import verify_session as verify_of_asgi
from supertokens_rs.recipe.session.framework.django.syncio import verify_session as verify_of_wsgi
from supertokens_rs.recipe.session.framework.fastapi import verify_session
from supertokens_rs.recipe.session.framework.flask import verify_session as verify_in_flask
from supertokens_rs.recipe.session.interfaces import (
    APIInterface,
    APIOptions,
    ClaimValidationResult,
    GetClaimValueOkResult,
    RecipeInterface,
    SessionClaimValidator,
    SessionDoesNotExistError,
)
from typing_extensions import assert_type

role = PrimitiveClaim[str]("role", fetch_value=lambda user_id, recipe_user_id, tenant_id, payload, user_context: "admin")


async def fetch_groups(
    user_id: str, recipe_user_id: RecipeUserId, tenant_id: str, payload: dict[str, Any], user_context: dict[str, Any]
) -> list[str] | None:
    return None if tenant_id == "public" else [user_id]


groups = PrimitiveArrayClaim[list[str]]("groups", fetch_groups, 300)
verified = BooleanClaim("verified", lambda user_id, recipe_user_id, tenant_id, payload, user_context: True)


class NotBlocked(SessionClaimValidator):
    async def validate(self, payload: dict[str, Any], user_context: dict[str, Any]) -> ClaimValidationResult:
        return ClaimValidationResult(payload.get("blocked") is not True, {"message": "blocked"})


def functions(original: RecipeInterface) -> RecipeInterface:
    create = original.create_new_session

    async def create_new_session(
        user_id: str,
        recipe_user_id: RecipeUserId,
        access_token_payload: dict[str, Any] | None,
        session_data_in_database: dict[str, Any] | None,
        disable_anti_csrf: bool | None,
        tenant_id: str,
        user_context: dict[str, Any],
    ) -> SessionContainer:
        request = get_request_from_user_context(user_context)
        assert_type(request, BaseRequest | None)
        payload = {**(access_token_payload or {}), "from": request.get_header("origin") if request else None}
        return await create(
            user_id, recipe_user_id, payload, session_data_in_database, disable_anti_csrf, tenant_id, user_context
        )

    original.create_new_session = create_new_session
    return original


def apis(original: APIInterface) -> APIInterface:
    refresh = original.refresh_post

    async def refresh_post(api_options: APIOptions, user_context: dict[str, Any]) -> SessionContainer:
        found = await refresh(api_options, user_context)
        if api_options.request.get_header("x-out"):
            await found.revoke_session(user_context)
        return found

    original.refresh_post = refresh_post
    original.disable_signout_post = True
    return original


async def on_unauthorised(request: BaseRequest, message: str, response: BaseResponse) -> BaseResponse:
    response.set_status_code(401)
    response.set_json_content({"message": message, "path": request.get_path()})
    return response


def on_invalid_claim(request: BaseRequest, errors: list[ClaimValidationError], response: BaseResponse) -> BaseResponse:
    response.set_html_content(", ".join(error.id_ for error in errors))
    return response


init(
    app_info=InputAppInfo(app_name="types", api_domain="http://localhost:3001", website_domain="http://localhost:3000"),
    supertokens_config=SupertokensConfig(embedded=EmbeddedCore("sqlite:auth.db", {"access_token_validity": 600})),
    framework="fastapi",
    recipe_list=[
        session.init(
            cookie_same_site="lax",
            anti_csrf="NONE",
            error_handlers=InputErrorHandlers(on_unauthorised=on_unauthorised, on_invalid_claim=on_invalid_claim),
            override=SessionOverrideConfig(functions=functions, apis=apis),
            get_token_transfer_method=lambda request, new, user_context: "cookie" if new else "any",
            verified_tokens_kept=100,
        ),
        jwt.init(jwt_validity_seconds=60),
        openid.init(),
    ],
    mode="asgi",
)

app = FastAPI()
app.add_middleware(get_middleware())
assert_type(get_all_cors_headers(), list[str])
assert_type(is_recipe_initialized("session"), bool)


def global_validators(
    validators: list[SessionClaimValidator], of: SessionContainer, user_context: dict[str, Any]
) -> list[SessionClaimValidator]:
    return [*validators, role.validators.has_value("admin"), groups.validators.includes("a"), verified.validators.is_true(60), NotBlocked("b")]


@app.post("/like_comment")
async def like_comment(request: Request, found: SessionContainer = Depends(verify_session(override_global_claim_validators=global_validators))):
    assert_type(found.get_user_id(), str)
    assert_type(found.get_recipe_user_id(), RecipeUserId)
    assert_type(await found.get_claim_value(role), str | None)
    assert_type(await found.get_claim_value(groups), list[str] | None)
    assert_type(found.get_access_token_payload(), dict[str, Any])
    await found.set_claim_value(role, "user")
    await found.assert_claims([role.validators.has_value("user")])
    made = await asyncio.create_new_session(request, "public", convert_to_recipe_user_id("anna"), {"a": 1})
    assert_type(made, SessionContainer)
    assert_type(await asyncio.get_session(request), SessionContainer | None)
    value = await asyncio.get_claim_value(made.get_handle(), groups)
    if not isinstance(value, SessionDoesNotExistError):
        assert_type(value, GetClaimValueOkResult[list[str]])
    tokens = made.get_all_session_tokens_dangerously()
    assert_type(tokens["refreshToken"], str | None)
    try:
        await asyncio.refresh_session(request)
    except InvalidClaimsError as error:
        assert_type(error.payload, list[ClaimValidationError])
    except UnauthorisedError as error:
        assert_type(error.clear_tokens, bool)


flask = Flask(__name__)
Middleware(flask)


@flask.post("/update-jwt")
@verify_in_flask()
def update_jwt() -> dict[str, str]:
    of: SessionContainer = g.supertokens
    of.sync_merge_into_access_token_payload({"a": 1})
    assert_type(syncio.revoke_session(of.get_handle()), bool)
    return {"userId": of.get_user_id()}


@verify_of_asgi()
async def in_django(request: HttpRequest) -> HttpResponse:
    of: SessionContainer = getattr(request, "supertokens")
    return HttpResponse(of.get_user_id().encode())


@verify_of_wsgi(session_required=False)
def in_django_too(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


assert_type(in_django_too(HttpRequest()), HttpResponse)
