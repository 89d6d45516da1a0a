"""FastAPI with sessions and the core inside, in one file: python app.py, then http://localhost:3001.

curl -c jar -H 'st-auth-mode: cookie' -X POST localhost:3001/login/anna
curl -b jar localhost:3001/me
"""

import os

import uvicorn
from fastapi import Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from supertokens_rs import InputAppInfo, RecipeUserId, SupertokensConfig, get_all_cors_headers, init
from supertokens_rs.framework.fastapi import get_middleware
from supertokens_rs.recipe import session
from supertokens_rs.recipe.session import SessionContainer
from supertokens_rs.recipe.session.asyncio import create_new_session
from supertokens_rs.recipe.session.framework.fastapi import verify_session

PORT = int(os.environ.get("PORT", "3001"))
WEBSITE = "http://localhost:3000"

init(
    app_info=InputAppInfo(app_name="example", api_domain=f"http://localhost:{PORT}", website_domain=WEBSITE),
    supertokens_config=SupertokensConfig(embedded=os.environ.get("DATABASE_URL", "sqlite:auth.db")),
    framework="fastapi",
    recipe_list=[session.init()],
)

app = FastAPI()
app.add_middleware(get_middleware())
app.add_middleware(
    CORSMiddleware,
    allow_origins=[WEBSITE],
    allow_credentials=True,
    allow_methods=["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"],
    allow_headers=["Content-Type"] + get_all_cors_headers(),
)


@app.post("/login/{name}")
async def login(name: str, request: Request):
    """Whoever asks gets in: put your own way of knowing people here."""
    made = await create_new_session(request, "public", RecipeUserId(name), {"role": "guest"})
    return {"userId": made.get_user_id()}


@app.get("/me")
async def me(found: SessionContainer = Depends(verify_session())):
    return {"userId": found.get_user_id(), "payload": found.get_access_token_payload()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
