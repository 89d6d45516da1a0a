"""What the tests share: a core in this process or a program beside, and an application in each framework that is asked as a server would.
`CORE=remote` runs a test against a program."""

from __future__ import annotations

import asyncio
import atexit
import faulthandler
import gc
import io
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import supertokens_rs as supertokens
from supertokens_rs import InputAppInfo, RecipeUserId, SupertokensConfig
from supertokens_rs.recipe import session as session_recipe
from supertokens_rs.recipe.session import syncio

FOLDER = Path(tempfile.mkdtemp(prefix="supertokens-python-"))
PROGRAMS: list[subprocess.Popen[str]] = []
OWNER = os.getpid()
KEY = "a-key-of-twenty-characters"
REMOTE = os.environ.get("CORE") == "remote"
FRAMEWORKS = ("fastapi", "flask", "django-wsgi", "django-asgi")


@atexit.register
def _clean() -> None:
    if os.getpid() == OWNER:
        for program in PROGRAMS:
            program.kill()
        shutil.rmtree(FOLDER, ignore_errors=True)


def _watch() -> None:
    """A test that hangs says where."""
    faulthandler.dump_traceback_later(120, exit=True)


# Django and Flask tell of each error that a test wants, the SDK of each theft.
for _name in ("django", "test", "com.supertokens"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)
ANNA = RecipeUserId("anna")
_databases = iter(range(10_000))
_program: SupertokensConfig | None = None


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def program() -> SupertokensConfig:
    """The core as a program, which says when it listens."""
    global _program
    if _program is not None:
        return _program
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "SUPERTOKENS_BINARY"}
    binary = os.environ["SUPERTOKENS_BINARY"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--database-url", f"sqlite:{FOLDER}/program.db"]
    started = subprocess.Popen(
        [binary, "start", *address], env={**environment, "API_KEYS": KEY}, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    PROGRAMS.append(started)
    assert started.stdout is not None
    for line in started.stdout:
        if "Started SuperTokens" in line:
            break
    else:
        raise RuntimeError("the core did not start")
    # Nobody reads on, and the core shall not wait for that.
    threading.Thread(target=lambda: started.stdout and started.stdout.read(), daemon=True).start()
    _program = SupertokensConfig(f"http://127.0.0.1:{port}", KEY)
    return _program


def new_database() -> str:
    return f"sqlite:{FOLDER}/{next(_databases)}.db"


def core() -> SupertokensConfig:
    return program() if REMOTE else SupertokensConfig(embedded=new_database())


def app_info(**changed: Any) -> InputAppInfo:
    return InputAppInfo(
        **{"app_name": "test", "api_domain": "http://localhost:3001", "website_domain": "http://localhost:3000", **changed}
    )


def start(framework: str = "fastapi", config: SupertokensConfig | None = None, recipes: Any = (), info: Any = None, **session: Any) -> None:
    """A new SDK for a test."""
    _watch()
    supertokens.close()
    gc.collect()
    supertokens.init(
        app_info=info or app_info(),
        framework=framework.partition("-")[0],  # pyright: ignore[reportArgumentType]
        supertokens_config=config or core(),
        recipe_list=[session_recipe.init(**session), *recipes],
        telemetry=False,
    )
    supertokens.sync_ready()
    if REMOTE and config is None:
        # One program for all tests.
        syncio.revoke_all_sessions_for_user("anna")


def make(payload: Any = None, data: Any = None, user_context: Any = None, who: RecipeUserId = ANNA) -> Any:
    return syncio.create_new_session_without_request_response("public", who, payload, data, True, user_context)


def bearer(session: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {session.get_access_token()}"}


class Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.all = [(name.lower(), value.strip()) for name, value in headers]
        self.headers = dict(self.all)
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> dict[str, str]:
        pairs = [value.partition(";")[0].partition("=") for name, value in self.all if name == "set-cookie"]
        return {name: value for name, _, value in pairs}

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)


Headers = dict[str, Any] | list[tuple[str, Any]]


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    pairs = [("content-type", "application/json"), *(headers.items() if isinstance(headers, dict) else headers)]
    return [(name.lower().encode(), value if isinstance(value, bytes) else str(value).encode()) for name, value in pairs]


async def ask_asgi(app: Any, path: str, method: str = "GET", headers: Headers = {}, body: bytes = b"") -> Answer:
    """One request, as uvicorn would hand it in."""
    target, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "root_path": "",
        "path": unquote_to_bytes(target).decode("utf-8", "replace"), "raw_path": target.encode(), "query_string": query.encode(),
        "headers": [(b"host", b"localhost:3001"), *_raw(headers)], "server": ("localhost", 3001), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[Any] = []
    incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(incoming, None) or await asyncio.sleep(3600, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    begun = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(begun["status"], [(name.decode("latin-1"), value.decode("latin-1")) for name, value in begun["headers"]], content)


def ask_wsgi(app: Any, path: str, method: str = "GET", headers: Headers = {}, body: bytes = b"") -> Answer:
    """One request, as gunicorn would hand it in: of headers that came twice, the values joined."""
    target, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": unquote_to_bytes(target).decode("latin-1"), "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "3001", "HTTP_HOST": "localhost:3001", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_LENGTH": str(len(body)),
    }  # fmt: skip
    for name, value in _raw(headers):
        key = name.decode().upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','} {text}" if key in environ and key.startswith("HTTP_") and key != "HTTP_HOST" else text
    begun: list[Any] = []

    def start_response(status: str, sent: list[tuple[str, str]], _: Any = None) -> Any:
        begun[:] = [int(status.split()[0]), sent]

    answer = app(environ, start_response)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    return Answer(begun[0], begun[1], content)


def ask(framework: str, path: str, method: str = "GET", headers: Headers = {}, body: bytes = b"") -> Answer:
    import apps

    app = apps.of(framework)
    if framework in ("fastapi", "django-asgi"):
        return asyncio.run(ask_asgi(app, f"/a{path}" if framework == "django-asgi" and not path.startswith("/auth") else path, method, headers, body))
    return ask_wsgi(app, path, method, headers, body)


def in_each_framework(test: Any) -> Any:
    """Runs a test once for each framework, with a new SDK."""

    @wraps(test)
    def each(self: Any) -> None:
        for framework in FRAMEWORKS:
            with self.subTest(framework):
                start(framework)
                test(self, framework)

    return each


def ran(script: str, *given: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """A process of its own."""
    before = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    return subprocess.run([sys.executable, "-c", before + script, *given], capture_output=True, text=True, timeout=timeout)

