"""What the engine needs of requests of Flask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..._http import Answer, BaseRequest, Change, Exchange, Parts, cookie_of, make

if TYPE_CHECKING:
    from flask import Request, Response

    from ..._session import SessionContainer

_KEPT = "supertokens_rs"
_READ = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_ANTI_CSRF", "HTTP_RID", "HTTP_ST_AUTH_MODE", "HTTP_FDI_VERSION")


class Adapter:
    def parts(self, request: Request) -> Parts:
        environ = request.environ
        # Below the path that the application is mounted at; WSGI hands it decoded, as Latin-1.
        path = quote(environ.get("PATH_INFO", "/").encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~")
        return (environ.get("REQUEST_METHOD", "GET"), path, *(environ.get(name) for name in _READ))

    def exchange(self, request: Request) -> Exchange:
        kept = request.environ.get(_KEPT)
        if kept is None:
            kept = request.environ[_KEPT] = Exchange()
        return kept

    def wrap(self, request: Request) -> BaseRequest:
        return FlaskRequest(request)


class FlaskRequest(BaseRequest):
    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request: Request = request

    def get_original_url(self) -> str:
        return self.request.url

    def get_query_param(self, key: str, default: str | None = None) -> str | None:
        return self.request.args.get(key, default)

    def get_query_params(self) -> dict[str, Any]:
        return self.request.args.to_dict()

    async def json(self) -> Any | None:
        found = self.request.get_json(silent=True)
        return {} if found is None else found

    async def form_data(self) -> dict[str, Any]:
        return self.request.form.to_dict()

    def method(self) -> str:
        return self.request.method

    def get_cookie(self, key: str) -> str | None:
        return cookie_of(self.request.environ.get("HTTP_COOKIE"), key)

    def get_header(self, key: str) -> str | None:
        return self.request.headers.get(key)

    def get_session(self) -> SessionContainer | None:
        from flask import g

        return g.get("supertokens")

    def set_session(self, session: SessionContainer) -> None:
        from flask import g

        g.supertokens = session

    def set_session_as_none(self) -> None:
        from flask import g

        g.supertokens = None

    def get_path(self) -> str:
        return self.request.path


class _Headers:
    def __init__(self, response: Response) -> None:
        self.headers = response.headers

    def get(self, name: str) -> str | None:
        values = self.headers.getlist(name)
        return ", ".join(values) if values else None

    def set(self, name: str, value: str) -> None:
        self.headers[name] = value

    def remove(self, name: str) -> None:
        self.headers.remove(name)

    def set_cookies(self, cookies: dict[str, str]) -> None:
        others = [line for line in self.headers.getlist("set-cookie") if line.partition("=")[0] not in cookies]
        self.headers.setlist("set-cookie", [*others, *cookies.values()])


def change(response: Response, changes: list[Change]) -> Response:
    make(changes, _Headers(response))
    return response


def response_of(answer: Answer, changes: list[Change]) -> Response:
    from flask import Response

    return change(Response(answer.body, answer.status, content_type=answer.content_type), changes)


ADAPTER = Adapter()
