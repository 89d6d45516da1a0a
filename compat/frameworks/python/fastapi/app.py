"""FastAPI, along the six steps of the Backend Integration page."""

import os
import socket

from releases import CHECKED, about, only_admins, session_for

# step 2: initialise
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.recipe import session

port = int(os.environ["PORT"])
website_domain = "http://localhost:3000"

init(
    app_info=InputAppInfo(
        app_name="compat",
        api_domain=f"http://localhost:{port}",
        website_domain=website_domain,
        api_base_path="/auth",
        website_base_path="/auth",
    ),
    supertokens_config=SupertokensConfig(connection_uri=os.environ["CORE_URL"], api_key=os.environ["API_KEY"]),
    framework="fastapi",
    recipe_list=[session.init()],
    mode="asgi",
    telemetry=False,
)

# step 3: the SuperTokens APIs (CORS comes after the routes); step 4: it handles the SDK's errors too
from fastapi import Depends, FastAPI, Request
from supertokens_python.framework.fastapi import get_middleware

app = FastAPI()
app.add_middleware(get_middleware())

from supertokens_python.recipe.session.asyncio import create_new_session


@app.post("/login")
async def login(request: Request):
    asked = await request.json()
    made = await create_new_session(request, *session_for(asked["userId"], asked["payload"]))
    return {"userId": asked["userId"], "handle": made.get_handle()}


# step 5: routes that need a session
from supertokens_python.recipe.session import SessionContainer
from supertokens_python.recipe.session.framework.fastapi import verify_session


@app.get("/session")
async def of_session(session: SessionContainer = Depends(verify_session())):
    return about(session)


@app.get("/session-checked")
async def of_checked_session(session: SessionContainer = Depends(verify_session(**CHECKED))):
    return about(session)


@app.get("/optional")
async def optional(session: SessionContainer = Depends(verify_session(session_required=False))):
    return {"userId": session.get_user_id() if session else None}


@app.post("/merge")
async def merge(request: Request, session: SessionContainer = Depends(verify_session())):
    await session.merge_into_access_token_payload(await request.json())
    return {}


@app.get("/claim")
async def claim(session: SessionContainer = Depends(verify_session(override_global_claim_validators=only_admins))):
    return {"userId": session.get_user_id()}


# step 3 again: CORS, around all that is above
from starlette.middleware.cors import CORSMiddleware
from supertokens_python import get_all_cors_headers

app.add_middleware(
    CORSMiddleware,
    allow_origins=[website_domain],
    allow_credentials=True,
    allow_methods=["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"],
    allow_headers=["Content-Type"] + get_all_cors_headers(),
)

if __name__ == "__main__":
    import uvicorn

    listening = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
