"""A session's check, and a request through FastAPI, official and ours in turns. What is said is processor time of the whole process, the
median of some turns, so that what else the machine does counts little; p99 is by the clock."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import supertokens_python
import supertokens_rs
from fastapi import Depends, FastAPI
from starlette.requests import Request
from supertokens_python.framework.fastapi import get_middleware as official_middleware
from supertokens_python.recipe import session as official_session
from supertokens_python.recipe.session import asyncio as official
from supertokens_python.recipe.session.framework.fastapi import verify_session as official_verify
from supertokens_rs.framework.fastapi import get_middleware
from supertokens_rs.recipe import session
from supertokens_rs.recipe.session import asyncio as ours
from supertokens_rs.recipe.session.framework.fastapi import verify_session
from world import new_database, program

TURNS = 5


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def init(kept: int, **core: Any) -> None:
    supertokens_rs.close()
    supertokens_rs.init(
        supertokens_rs.InputAppInfo("bench", "http://localhost:3001", website_domain="http://localhost:3000"),
        "fastapi",
        supertokens_rs.SupertokensConfig(**core),
        [session.init(verified_tokens_kept=kept)],
    )


async def measured(rounds: int, **runs: Callable[[], Awaitable[Any]]) -> dict[str, tuple[float, float]]:
    """µs of processor for one, and the 99th percentile in µs by the clock."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    clocked: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, run in runs.items():
            before = spent()
            for _ in range(rounds):
                began = time.perf_counter()
                await run()
                clocked[name].append(time.perf_counter() - began)
            found[name].append((spent() - before) / rounds * 1e6)
    return {name: (statistics.median(found[name]), statistics.quantiles(clocked[name], n=100)[98] * 1e6) for name in runs}


def row(name: str, figure: tuple[float, float], base: tuple[float, float] | None = None) -> None:
    ratio = "" if base is None else f"{base[0] / figure[0]:.1f}"
    print(f"| {name} | {figure[0]:.1f} | {figure[1]:.0f} | {ratio} |", flush=True)


def application(middleware: Any, check: Any) -> FastAPI:
    app = FastAPI()
    if middleware is not None:
        app.add_middleware(middleware)

    @app.get("/me")
    async def me(found: Any = Depends(check)) -> dict[str, Any]:
        return {"userId": found.get_user_id() if found else None}

    return app


async def nobody() -> None:
    return None


async def main() -> None:
    core = program()
    supertokens_python.init(
        app_info=supertokens_python.InputAppInfo("bench", "http://localhost:3001", website_domain="http://localhost:3000"),
        supertokens_config=supertokens_python.SupertokensConfig(core.connection_uri, core.api_key),
        framework="fastapi", recipe_list=[official_session.init()], mode="asgi", telemetry=False,
    )  # fmt: skip
    remote = {"connection_uri": core.connection_uri, "api_key": core.api_key}
    init(0, **remote)
    anna = supertokens_rs.RecipeUserId("anna")
    token = (await ours.create_new_session_without_request_response("public", anna, {"role": "admin"})).get_access_token()
    headers = [(b"host", b"localhost"), (b"accept", b"*/*"), (b"authorization", b"Bearer " + token.encode())]
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/me", "raw_path": b"/me",
        "query_string": b"", "root_path": "", "scheme": "http", "headers": headers, "server": ("localhost", 3001), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def by_official() -> Any:
        return await official.get_session(Request(dict(scope)))

    async def by_ours() -> Any:
        return await ours.get_session(Request(dict(scope)))

    async def read() -> Any:
        found = await by_ours()
        return found.get_user_id(), found.get_access_token_payload()["role"]

    async def request(app: FastAPI) -> None:
        status: list[int] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            status.append(message.get("status", 0))

        await app(dict(scope), receive, send)
        assert status[0] == 200

    apps = {
        "nothing": application(None, nobody),
        "official": application(official_middleware(), official_verify()),
        "ours": application(get_middleware(), verify_session()),
    }
    print("| | µs of processor | p99, µs | times official |\n|---|---|---|---|")
    await by_ours()
    cold = await measured(600, official=by_official, ours=by_ours)
    row("a check, official", cold["official"])
    row("a check, ours, every signature checked", cold["ours"], cold["official"])
    cold_requests = await measured(400, **{name: lambda app=app: request(app) for name, app in apps.items()})
    init(10_000, **remote)
    await by_ours()
    warm = await measured(600, official=by_official, ours=by_ours, read=read)
    row("a check, ours, tokens remembered", warm["ours"], warm["official"])
    row("the same, user id and payload read", warm["read"], warm["official"])
    row("a request through FastAPI, no check", cold_requests["nothing"])
    row("a request through FastAPI, official", cold_requests["official"])
    row("a request through FastAPI, ours, every signature checked", cold_requests["ours"], cold_requests["official"])
    warm_requests = await measured(400, **{name: lambda app=app: request(app) for name, app in apps.items()})
    row("a request through FastAPI, ours, tokens remembered", warm_requests["ours"], warm_requests["official"])

    # By the clock, since a core beside has a processor of its own.
    async def lives(of: Any, id_: Any) -> float:
        began = time.perf_counter()
        for _ in range(100):
            made = await of.create_new_session_without_request_response("public", id_, {}, {}, True)
            tokens = made.get_all_session_tokens_dangerously()
            await of.refresh_session_without_request_response(tokens["refreshToken"], True)
        return (time.perf_counter() - began) / 100 * 1e6

    before = [await lives(official, supertokens_python.RecipeUserId("anna")) for _ in range(TURNS)]
    init(10_000, embedded=new_database())
    await supertokens_rs.ready()
    after = [await lives(ours, anna) for _ in range(TURNS)]
    base, inside = statistics.median(before), statistics.median(after)
    print(f"| create and refresh, official, core beside (µs by the clock) | {base:.0f} | | |")
    print(f"| create and refresh, ours, core inside (µs by the clock) | {inside:.0f} | | {base / inside:.1f} |")


asyncio.run(main())
