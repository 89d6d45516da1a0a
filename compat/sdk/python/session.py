"""One life of a session through supertokens-python, as an application would write it: FastAPI in front, the SDK in the
middle, our core behind. Usage: session.py VERSION CORE_URL MODE, where MODE is cookie or header.
Prints "ok STEP" lines; the first deviation is printed as "not ok STEP: ..." and ends the program with exit code 1."""

import asyncio
import os
import re
import sys
import time
import traceback

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.framework.fastapi import get_middleware
from supertokens_python.recipe import session
from supertokens_python.recipe.session import asyncio as sessions

VERSION, CORE_URL, MODE = sys.argv[1:4]
# What changed between the releases, from the application's side.
MODERN = tuple(int(part) for part in VERSION.split(".")) >= (0, 13)
USER = f"compat-{VERSION}-{MODE}-{os.getpid()}"
ORIGIN = "http://localhost"


def initialise():
    options = {"anti_csrf": "VIA_TOKEN" if MODE == "cookie" else "NONE"}
    if MODERN:
        options["get_token_transfer_method"] = lambda *_: MODE
    init(
        supertokens_config=SupertokensConfig(connection_uri=CORE_URL),
        app_info=InputAppInfo(app_name="compat", api_domain=ORIGIN, website_domain=ORIGIN, api_base_path="/auth"),
        framework="fastapi",
        recipe_list=[session.init(**options)],
        mode="asgi",
        telemetry=False,
    )


def create(request):
    payload = {"role": "reader", "nested": {"number": 1.5, "none": None}}
    if MODERN:
        from supertokens_python.types import RecipeUserId

        return sessions.create_new_session(request, "public", RecipeUserId(USER), payload, {"seen": 1})
    return sessions.create_new_session(request, USER, payload, {"seen": 1})


def describe(found):
    return {"handle": found.get_handle(), "userId": found.get_user_id(), "payload": found.get_access_token_payload()}


async def read_stored(found):
    return await (found.get_session_data_from_database() if MODERN else found.get_session_data())


async def write_stored(found, data):
    await (found.update_session_data_in_database(data) if MODERN else found.update_session_data(data))
    return {}


def application():
    app = FastAPI()
    app.add_middleware(get_middleware())

    @app.post("/login")
    async def login(request: Request):
        return JSONResponse(describe(await create(request)))

    @app.post("/me")
    async def me(request: Request):
        return JSONResponse(describe(await sessions.get_session(request)))

    @app.post("/me-from-database")
    async def me_from_database(request: Request):
        checked = {"check_database": True} if MODERN else {}
        return JSONResponse(describe(await sessions.get_session(request, **checked)))

    @app.post("/stored")
    async def stored(request: Request):
        return JSONResponse(await read_stored(await sessions.get_session(request)))

    @app.post("/store")
    async def store(request: Request):
        return JSONResponse(await write_stored(await sessions.get_session(request), await request.json()))

    @app.post("/payload")
    async def payload(request: Request):
        await (await sessions.get_session(request)).merge_into_access_token_payload(await request.json())
        return JSONResponse({})

    @app.post("/logout")
    async def logout(request: Request):
        await (await sessions.get_session(request)).revoke_session()
        return JSONResponse({})

    return app


class Client:
    """A browser, as small as it can be: it keeps what it is given and sends it back."""

    def __init__(self, http, kept=None):
        self.http, self.kept = http, dict(kept or {})

    def copy(self):
        return Client(self.http, self.kept)

    def headers(self, refreshing):
        own = {"rid": "session" if refreshing else "anti-csrf"}
        if MODE == "header":
            token = self.kept.get("st-refresh-token" if refreshing else "st-access-token")
            own["st-auth-mode"] = "header"
            return {**own, "authorization": "Bearer " + token} if token else own
        cookies = {name: value for name, value in self.kept.items() if re.match("s[A-Z]", name)}
        if not refreshing:
            cookies.pop("sRefreshToken", None)
        if cookies:
            own["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {**own, "anti-csrf": self.kept["anti-csrf"]} if "anti-csrf" in self.kept else own

    async def post(self, path, body=None):
        answer = await self.http.post(path, json=body or {}, headers=self.headers(path == "/auth/session/refresh"))
        for line in answer.headers.get_list("set-cookie"):
            name, value = re.match(r"([^=]+)=([^;]*)", line).groups()
            ended = re.search("expires=Thu, 01 Jan 1970", line, re.I)
            self.keep(name, "" if ended else value)
        for name in ("st-access-token", "st-refresh-token", "anti-csrf", "front-token"):
            if name in answer.headers:
                self.keep(name, answer.headers[name])
        return answer

    def keep(self, name, value):
        if value in ("", '""', "remove"):
            self.kept.pop(name, None)
        else:
            self.kept[name] = value

    def refresh_token(self):
        return self.kept.get("st-refresh-token" if MODE == "header" else "sRefreshToken")

    def refresh(self):
        return self.post("/auth/session/refresh")


class Deviation(Exception):
    pass


def same(found, expected):
    if found != expected:
        raise Deviation(f"{found!r} instead of {expected!r}")


def done(answer):
    if answer.status_code != 200:
        raise Deviation(f"{answer.status_code} {answer.text}")
    return answer.json()


def refused(answer, message=None):
    if answer.status_code != 401:
        raise Deviation(f"{answer.status_code} {answer.text} instead of 401")
    if message:
        same(answer.json()["message"], message)


current = "init"


def step(name):
    """Ends one step (if there was one) and begins the next."""
    global current
    if current != "init":
        print("ok", current)
    current = name


async def life(client):
    step("create")
    made = done(await client.post("/login"))
    handle, first = made["handle"], client.refresh_token()
    same([made["userId"], made["payload"]["role"], bool(first)], [USER, "reader", True])
    stolen = client.copy()

    step("verify")
    seen = done(await client.post("/me"))
    same([seen["handle"], seen["userId"], seen["payload"]["role"]], [handle, USER, "reader"])
    same(seen["payload"]["nested"], {"number": 1.5, "none": None})
    same(done(await client.post("/me-from-database"))["handle"], handle)

    step("stored data")
    same(done(await client.post("/stored")), {"seen": 1})
    done(await client.post("/store", {"seen": 2, "list": [1, "two", None]}))
    same(done(await client.post("/stored")), {"seen": 2, "list": [1, "two", None]})

    step("refresh")
    done(await client.refresh())
    second = client.refresh_token()
    same(second == first, False)
    same(done(await client.post("/me"))["handle"], handle)

    step("refresh again")
    done(await client.refresh())
    same(client.refresh_token() in (first, second), False)
    same(done(await client.post("/me"))["handle"], handle)

    step("payload update by the session")
    done(await client.post("/payload", {"role": "writer", "nested": None}))
    payload = done(await client.post("/me"))["payload"]
    same([payload["role"], "nested" in payload], ["writer", False])

    step("payload update by handle")
    same(await sessions.merge_into_access_token_payload(handle, {"role": "editor"}), True)
    same(done(await client.post("/me"))["payload"]["role"], "writer")
    done(await client.refresh())
    same(done(await client.post("/me"))["payload"]["role"], "editor")

    step("session information and listing")
    information = await sessions.get_session_information(handle)
    same([information.session_handle, information.user_id, information.expiry > time.time() * 1000], [handle, USER, True])
    same(await sessions.get_all_session_handles_for_user(USER), [handle])

    step("reuse of the first refresh token is theft")
    refused(await stolen.refresh(), "token theft detected")
    # The SDK answers theft by revoking the session: the honest browser is out too.
    refused(await client.refresh())
    same(await sessions.get_all_session_handles_for_user(USER), [])


async def endings(http):
    step("revoke by the session")
    client = Client(http)
    handle = done(await client.post("/login"))["handle"]
    before = client.copy()
    done(await client.post("/logout"))
    same(client.refresh_token(), None)
    refused(await before.refresh())
    same(await sessions.revoke_session(handle), False)

    step("revoke by user")
    clients = [Client(http), Client(http)]
    made = [done(await client.post("/login"))["handle"] for client in clients]
    same(sorted(await sessions.revoke_all_sessions_for_user(USER)), sorted(made))
    for client in clients:
        refused(await client.refresh())

    step("nonsense is refused")
    refused(await Client(http).post("/me"))
    client = Client(http)
    done(await client.post("/login"))
    name = "st-refresh-token" if MODE == "header" else "sRefreshToken"
    client.kept[name] += "x"
    refused(await client.refresh())

    step("keys and tokens of other kinds")
    # Before 0.12 the SDK refuses this unless its own JWT feature is switched on, which changes the payload.
    if not VERSION.startswith("0.11."):
        token = await sessions.create_jwt({"scope": "x"}, 60)
        same(len(token.jwt.split(".")), 3)
        same(len((await sessions.get_jwks()).keys) >= 1, True)
    step("end")


async def main():
    initialise()
    transport = httpx.ASGITransport(app=application())
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        await life(Client(http))
        await endings(http)


try:
    asyncio.run(main())
except Deviation as deviation:
    print(f"not ok {current}: {deviation}")
    sys.exit(1)
except Exception as error:
    traceback.print_exc()
    print(f"not ok {current}: {error!r}")
    sys.exit(1)
