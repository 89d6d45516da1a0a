"""What the engine needs of requests of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from ..._http import Answer, BaseRequest, Change, Exchange, Parts, cookie_of, make

if TYPE_CHECKING:
    from starlette.requests import Request

    from ..._session import SessionContainer

_KEPT = "supertokens_rs"
_READ = {
    name.encode(): at
    for at, name in enumerate(("cookie", "authorization", "anti-csrf", "rid", "st-auth-mode", "fdi-version"), 2)
}
# What a path may hold as it is.
_IN_PATHS = "/:@!$&'()*+,;=~%"


def path_of(scope: dict[str, Any]) -> str:
    """Below the path that the application is mounted at, as it was sent."""
    root: str = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    # Some servers hand it in with that path, some without.
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        path = path[len(root) :]
    elif (raw := scope.get("raw_path")) is not None:
        return raw.decode("latin-1")
    return path if path.isascii() and path.isprintable() and not any(of in path for of in " %?#") else quote(path, safe=_IN_PATHS)


class Adapter:
    def parts(self, request: Request) -> Parts:
        scope: dict[str, Any] = request.scope  # pyright: ignore[reportAssignmentType]
        parts: list[str | None] = [scope.get("method", "GET"), path_of(scope), None, None, None, None, None, None]
        # Asking Starlette for each takes three times as long as the check.
        for name, value in scope["headers"]:
            at = _READ.get(name)
            if at is None:
                continue
            before = parts[at]
            if before is None:
                parts[at] = value.decode("latin-1")
            elif at == 2:
                # HTTP/2 may split them.
                parts[at] = f"{before}; {value.decode('latin-1')}"
        return tuple(parts)

    def exchange(self, request: Request) -> Exchange:
        return exchange_of(request.scope)  # pyright: ignore[reportArgumentType]

    def wrap(self, request: Request) -> BaseRequest:
        return FastApiRequest(request)


def exchange_of(scope: dict[str, Any]) -> Exchange:
    kept = scope.get(_KEPT)
    if kept is None:
        kept = scope[_KEPT] = Exchange()
    return kept


class FastApiRequest(BaseRequest):
    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request: Request = request

    def get_original_url(self) -> str:
        return str(self.request.url)

    def get_query_param(self, key: str, default: str | None = None) -> str | None:
        return self.request.query_params.get(key, default)

    def get_query_params(self) -> dict[str, Any]:
        return dict(self.request.query_params)

    async def json(self) -> Any | None:
        try:
            return await self.request.json()
        except ValueError:
            return {}

    async def form_data(self) -> dict[str, Any]:
        return dict(parse_qsl((await self.request.body()).decode()))

    def method(self) -> str:
        return self.request.method

    def get_cookie(self, key: str) -> str | None:
        return cookie_of(ADAPTER.parts(self.request)[2], key)

    def get_header(self, key: str) -> str | None:
        return self.request.headers.get(key)

    def get_session(self) -> SessionContainer | None:
        return getattr(self.request.state, "supertokens", None)

    def set_session(self, session: SessionContainer) -> None:
        self.request.state.supertokens = session

    def set_session_as_none(self) -> None:
        self.request.state.supertokens = None

    def get_path(self) -> str:
        return path_of(self.request.scope)  # pyright: ignore[reportArgumentType]


class _Raw:
    """The raw headers of a response that is about to start."""

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.headers = headers

    def get(self, name: str) -> str | None:
        wanted = name.encode()
        values = [value.decode("latin-1") for of, value in self.headers if of.lower() == wanted]
        return ", ".join(values) if values else None

    def set(self, name: str, value: str) -> None:
        self.remove(name)
        self.headers.append((name.encode("latin-1"), value.encode("latin-1")))

    def remove(self, name: str) -> None:
        wanted = name.encode()
        self.headers = [(of, value) for of, value in self.headers if of.lower() != wanted]

    def set_cookies(self, cookies: dict[str, str]) -> None:
        def stays(of: bytes, value: bytes) -> bool:
            return of.lower() != b"set-cookie" or value.partition(b"=")[0].decode("latin-1") not in cookies

        self.headers = [(of, value) for of, value in self.headers if stays(of, value)]
        self.headers += [(b"set-cookie", value.encode("latin-1")) for value in cookies.values()]


def made_on(headers: Any, changes: list[Change]) -> list[tuple[bytes, bytes]]:
    raw = _Raw([(bytes(name), bytes(value)) for name, value in headers])
    make(changes, raw)
    return raw.headers


def messages_of(answer: Answer, changes: list[Change]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer of ours, as ASGI sends it."""
    body = answer.body.encode()
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": answer.status, "headers": made_on(headers, changes)}
    return start, {"type": "http.response.body", "body": body}


ADAPTER = Adapter()
