"""Step 5 for Django under ASGI: routes that need a session, as async views."""

import json

from django.http import HttpRequest, JsonResponse
from django.urls import path
from releases import CHECKED, about, only_admins, session_for
from supertokens_python.recipe.session.asyncio import create_new_session
from supertokens_python.recipe.session.framework.django.asyncio import verify_session


async def login(request: HttpRequest):
    asked = json.loads(request.body)
    made = await create_new_session(request, *session_for(asked["userId"], asked["payload"]))
    return JsonResponse({"userId": asked["userId"], "handle": made.get_handle()})


@verify_session()
async def of_session(request: HttpRequest):
    return JsonResponse(about(request.supertokens))


@verify_session(**CHECKED)
async def of_checked_session(request: HttpRequest):
    return JsonResponse(about(request.supertokens))


@verify_session(session_required=False)
async def optional(request: HttpRequest):
    return JsonResponse({"userId": request.supertokens.get_user_id() if request.supertokens else None})


@verify_session()
async def merge(request: HttpRequest):
    await request.supertokens.merge_into_access_token_payload(json.loads(request.body))
    return JsonResponse({})


@verify_session(override_global_claim_validators=only_admins)
async def claim(request: HttpRequest):
    return JsonResponse({"userId": request.supertokens.get_user_id()})


urlpatterns = [
    path("login", login),
    path("session", of_session),
    path("session-checked", of_checked_session),
    path("optional", optional),
    path("merge", merge),
    path("claim", claim),
]
