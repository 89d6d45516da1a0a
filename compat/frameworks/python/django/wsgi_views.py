"""Step 5 for Django under WSGI: routes that need a session, as plain views."""

import json

from django.http import HttpRequest, JsonResponse
from django.urls import path
from releases import CHECKED, about, only_admins, session_for
from supertokens_python.recipe.session.framework.django.syncio import verify_session
from supertokens_python.recipe.session.syncio import create_new_session


def login(request: HttpRequest):
    asked = json.loads(request.body)
    made = create_new_session(request, *session_for(asked["userId"], asked["payload"]))
    return JsonResponse({"userId": asked["userId"], "handle": made.get_handle()})


@verify_session()
def of_session(request: HttpRequest):
    return JsonResponse(about(request.supertokens))


@verify_session(**CHECKED)
def of_checked_session(request: HttpRequest):
    return JsonResponse(about(request.supertokens))


@verify_session(session_required=False)
def optional(request: HttpRequest):
    return JsonResponse({"userId": request.supertokens.get_user_id() if request.supertokens else None})


@verify_session()
def merge(request: HttpRequest):
    request.supertokens.sync_merge_into_access_token_payload(json.loads(request.body))
    return JsonResponse({})


@verify_session(override_global_claim_validators=only_admins)
def claim(request: HttpRequest):
    return JsonResponse({"userId": request.supertokens.get_user_id()})


urlpatterns = [
    path("login", login),
    path("session", of_session),
    path("session-checked", of_checked_session),
    path("optional", optional),
    path("merge", merge),
    path("claim", claim),
]
