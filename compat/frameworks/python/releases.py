"""What the applications share: what releases of the SDK spell differently, and a claim."""

import inspect

from supertokens_python.recipe.session.claims import PrimitiveClaim
from supertokens_python.recipe.session.framework.fastapi import verify_session

# 0.11 asks the core for the session when the core says so; the newest release when it is told to.
CHECKED = {"check_database": True} if "check_database" in inspect.signature(verify_session).parameters else {}

role = PrimitiveClaim("role", fetch_value=lambda *_: None)


def only_admins(validators, *_):
    """For override_global_claim_validators: what is asked already, and that the role is admin."""
    return validators + [role.validators.has_value("admin")]


def session_for(user_id, payload):
    """What create_new_session is given: the newest release wants a tenant too, and a type of its own for the user id."""
    try:
        from supertokens_python.types import RecipeUserId
    except ImportError:
        return user_id, payload
    return "public", RecipeUserId(user_id), payload


def about(session):
    """What GET /session answers."""
    return {
        "userId": session.get_user_id(),
        "handle": session.get_handle(),
        "payload": session.get_access_token_payload(),
    }
