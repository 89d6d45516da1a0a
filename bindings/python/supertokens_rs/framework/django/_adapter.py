"""What the engine needs of requests of Django."""

from __future__ import annotations

import json
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from ..._http import Answer, BaseRequest, Change, Exchange, Parts, cookie_of, make

if TYPE_CHECKING:
    from django.http import HttpRequest

    from ..._session import SessionContainer

_KEPT = "_supertokens_rs"
_READ = ("HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_ANTI_CSRF", "HTTP_RID", "HTTP_ST_AUTH_MODE", "HTTP_FDI_VERSION")


def _own(request: Any) -> Any:
    """Django REST framework has a request around Django's."""
    return getattr(request, "_request", request)


def set_session(request: Any, session: SessionContainer | None) -> None:
    request.supertokens = session
    _own(request).supertokens = session


class Adapter:
    def parts(self, request: Any) -> Parts:
        request = _own(request)
        meta = request.META
        cookie, *others = (meta.get(name) for name in _READ)
        scope = getattr(request, "scope", None)
        if cookie is not None and scope is not None:
            # HTTP/2 may split them, and Django puts a comma between.
            cookie = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
        return (request.method, quote(request.path_info, safe="/:@!$&'()*+,;=~"), cookie, *others)

    def exchange(self, request: Any) -> Exchange:
        request = _own(request)
        kept = getattr(request, _KEPT, None)
        if kept is None:
            kept = Exchange()
            setattr(request, _KEPT, kept)
        return kept

    def wrap(self, request: Any) -> BaseRequest:
        return DjangoRequest(request)


class DjangoRequest(BaseRequest):
    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.request: Any = request

    def get_original_url(self) -> str:
        return self.request.build_absolute_uri()

    def get_query_param(self, key: str, default: str | None = None) -> str | None:
        return self.request.GET.get(key, default)

    def get_query_params(self) -> dict[str, Any]:
        return self.request.GET.dict()

    async def json(self) -> Any | None:
        try:
            return json.loads(self.request.body)
        except ValueError:
            return {}

    async def form_data(self) -> dict[str, Any]:
        return dict(parse_qsl(self.request.body.decode()))

    def method(self) -> str:
        return self.request.method

    def get_cookie(self, key: str) -> str | None:
        return cookie_of(_own(self.request).META.get("HTTP_COOKIE"), key)

    def get_header(self, key: str) -> str | None:
        return _own(self.request).headers.get(key)

    def get_session(self) -> SessionContainer | None:
        return getattr(self.request, "supertokens", None)

    def set_session(self, session: SessionContainer) -> None:
        set_session(self.request, session)

    def set_session_as_none(self) -> None:
        set_session(self.request, None)

    def get_path(self) -> str:
        return self.request.path_info


class _Headers:
    def __init__(self, response: Any) -> None:
        self.response = response

    def get(self, name: str) -> str | None:
        return self.response.headers.get(name)

    def set(self, name: str, value: str) -> None:
        self.response.headers[name] = value

    def remove(self, name: str) -> None:
        self.response.headers.pop(name, None)

    def set_cookies(self, cookies: dict[str, str]) -> None:
        for name, line in cookies.items():
            pair, *attributes = line.split("; ")
            morsel: Morsel[str] = Morsel()
            value = pair.partition("=")[2]
            morsel.set(name, value, value)
            for attribute in attributes:
                key, _, of = attribute.partition("=")
                morsel[key.lower()] = of if of or "=" in attribute else True
            dict.__setitem__(self.response.cookies, name, morsel)  # pyright: ignore


def change(response: Any, changes: list[Change]) -> Any:
    make(changes, _Headers(response))
    return response


def response_of(answer: Answer, changes: list[Change]) -> Any:
    from django.http import HttpResponse

    return change(HttpResponse(answer.body.encode(), status=answer.status, content_type=answer.content_type), changes)


ADAPTER = Adapter()
