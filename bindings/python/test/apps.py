"""The same small application in each framework."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import Depends, FastAPI, Request
from supertokens_rs.recipe.session import SessionContainer
from supertokens_rs.recipe.session.exceptions import ClaimValidationError, InvalidClaimsError, UnauthorisedError
from supertokens_rs.recipe.session.interfaces import ClaimValidationResult, SessionClaimValidator
from supertokens_rs.types import RecipeUserId


class Own(Exception):
    pass


class Never(SessionClaimValidator):
    async def validate(self, payload: dict[str, Any], user_context: dict[str, Any]) -> ClaimValidationResult:
        return ClaimValidationResult(False, {"so": True})


def never(validators: list[SessionClaimValidator], *_: Any) -> list[SessionClaimValidator]:
    return [*validators, Never("never")]


def raised(kind: str) -> None:
    if kind == "odd":
        raise InvalidClaimsError("x\ud83d", [ClaimValidationError("a", {1}), ClaimValidationError("b", {"c": 1})])  # pyright: ignore
    raise UnauthorisedError("said so", clear_tokens=kind == "clear") if kind != "own" else Own("theirs")


def about(session: Any) -> dict[str, Any]:
    return {"userId": session.get_user_id() if session else None, "payload": session.get_access_token_payload() if session else None}


@cache
def of(framework: str) -> Any:
    return {"fastapi": of_fastapi, "flask": of_flask, "django-wsgi": of_django, "django-asgi": of_django}[framework](framework)


def of_fastapi(_: str) -> Any:
    from starlette.middleware.cors import CORSMiddleware
    from supertokens_rs.framework.fastapi import get_middleware
    from supertokens_rs.recipe.session.asyncio import create_new_session
    from supertokens_rs.recipe.session.framework.fastapi import verify_session

    app = FastAPI()
    app.add_middleware(get_middleware())

    @app.post("/login/{name}")
    async def login(name: str, request: Request):
        session = await create_new_session(request, "public", RecipeUserId(name), await request.json() if await request.body() else None)
        assert request.state.supertokens is session
        return about(session)

    @app.api_route("/me", methods=["GET", "POST"])
    async def me(request: Request, session: SessionContainer = Depends(verify_session())):
        assert request.state.supertokens is session
        return about(session)

    @app.get("/optional")
    async def optional(session: SessionContainer | None = Depends(verify_session(session_required=False))):
        return about(session)

    @app.post("/merge")
    async def merge(request: Request, session: SessionContainer = Depends(verify_session(check_database=True))):
        await session.merge_into_access_token_payload(await request.json())
        return about(session)

    @app.get("/never")
    async def never_(session: SessionContainer = Depends(verify_session(override_global_claim_validators=never))):
        return about(session)

    @app.get("/raised/{kind}")
    async def raised_(kind: str):
        raised(kind)

    app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000"], allow_credentials=True)
    return app


def of_flask(_: str) -> Any:
    from flask import Flask, g, jsonify, request
    from supertokens_rs.framework.flask import Middleware
    from supertokens_rs.recipe.session.framework.flask import verify_session
    from supertokens_rs.recipe.session.syncio import create_new_session

    app = Flask("test")
    Middleware(app)

    @app.post("/login/<name>")
    def login(name: str):
        session = create_new_session(request, "public", RecipeUserId(name), request.get_json(silent=True))
        assert g.supertokens is session
        return jsonify(about(session))

    @app.route("/me", methods=["GET", "POST"])
    @verify_session()
    def me():
        return jsonify(about(g.supertokens))

    @app.get("/optional")
    @verify_session(session_required=False)
    async def optional():
        return jsonify(about(g.supertokens))

    @app.post("/merge")
    @verify_session(check_database=True)
    def merge():
        g.supertokens.sync_merge_into_access_token_payload(request.get_json())
        return jsonify(about(g.supertokens))

    @app.get("/never")
    @verify_session(override_global_claim_validators=never)
    def never_():
        return jsonify({})

    @app.get("/raised/<kind>")
    def raised_(kind: str):
        raised(kind)

    return app


@cache
def _configured() -> None:
    import django
    from django.conf import settings

    middleware = ["django.middleware.common.CommonMiddleware", "supertokens_rs.framework.django.django_middleware.middleware"]
    settings.configure(
        ROOT_URLCONF="django_urls", ALLOWED_HOSTS=["*"], MIDDLEWARE=middleware, INSTALLED_APPS=["supertokens_rs"], APPEND_SLASH=False,
        SECRET_KEY="of no use here", USE_TZ=True, LOGGING_CONFIG=None, DEBUG=False,
    )  # fmt: skip
    django.setup()


def of_django(framework: str) -> Any:
    _configured()
    if framework == "django-asgi":
        from django.core.asgi import get_asgi_application

        return get_asgi_application()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def django_urls() -> list[Any]:
    from django.http import JsonResponse
    from django.urls import path
    from supertokens_rs.recipe.session import asyncio, syncio
    from supertokens_rs.recipe.session.framework.django import asyncio as of_asgi
    from supertokens_rs.recipe.session.framework.django import syncio as of_wsgi

    def login(request: Any, name: str):
        session = syncio.create_new_session(request, "public", RecipeUserId(name), json.loads(request.body or "null"))
        return JsonResponse(about(session))

    async def login_a(request: Any, name: str):
        session = await asyncio.create_new_session(request, "public", RecipeUserId(name), json.loads(request.body or "null"))
        assert request.supertokens is session
        return JsonResponse(about(session))

    def me(request: Any):
        return JsonResponse(about(request.supertokens))

    async def me_a(request: Any):
        return JsonResponse(about(request.supertokens))

    def merge(request: Any):
        request.supertokens.sync_merge_into_access_token_payload(json.loads(request.body))
        return JsonResponse(about(request.supertokens))

    async def merge_a(request: Any):
        await request.supertokens.merge_into_access_token_payload(json.loads(request.body))
        return JsonResponse(about(request.supertokens))

    def raised_(request: Any, kind: str):
        raised(kind)

    async def raised_a(request: Any, kind: str):
        raised(kind)

    found = []
    for prefix, check, of in (("", of_wsgi.verify_session, (login, me, merge, raised_)), ("a/", of_asgi.verify_session, (login_a, me_a, merge_a, raised_a))):
        found += [
            path(f"{prefix}login/<name>", of[0]),
            path(f"{prefix}me", check()(of[1])),
            path(f"{prefix}optional", check(session_required=False)(of[1])),
            path(f"{prefix}merge", check(check_database=True)(of[2])),
            path(f"{prefix}never", check(override_global_claim_validators=never)(of[1])),
            path(f"{prefix}raised/<kind>", of[3]),
        ]
    return found
