"""Requests and responses as the functions of an application see them, and how changes are made on a framework's own response."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from ._session import SessionContainer

Change = tuple[str, "str | None"]
# Verb, address, and the six headers that the engine reads.
Parts = tuple["str | None", ...]

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


class Answer(NamedTuple):
    status: int
    content_type: str
    body: str


class BaseRequest(ABC):
    """A request, whatever the framework. `request` is the framework's own."""

    def __init__(self) -> None:
        self.wrapper_used = True
        self.request: Any = None

    @abstractmethod
    def get_original_url(self) -> str: ...

    @abstractmethod
    def get_query_param(self, key: str, default: str | None = None) -> str | None: ...

    @abstractmethod
    def get_query_params(self) -> dict[str, Any]: ...

    @abstractmethod
    async def json(self) -> Any | None: ...

    @abstractmethod
    async def form_data(self) -> dict[str, Any]: ...

    @abstractmethod
    def method(self) -> str: ...

    @abstractmethod
    def get_cookie(self, key: str) -> str | None: ...

    @abstractmethod
    def get_header(self, key: str) -> str | None: ...

    @abstractmethod
    def get_session(self) -> SessionContainer | None: ...

    @abstractmethod
    def set_session(self, session: SessionContainer) -> None: ...

    @abstractmethod
    def set_session_as_none(self) -> None: ...

    @abstractmethod
    def get_path(self) -> str: ...

    async def get_json_or_form_data(self) -> dict[str, Any] | None:
        kind = self.get_header("content-type") or ""
        if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
            return await self.form_data()
        return await self.json()


class BaseResponse:
    """What the response to a request will be. Of what is set twice, content and status, the first counts."""

    def __init__(self, content: dict[str, Any] | None = None, status_code: int = 200) -> None:
        self.wrapper_used = True
        self.changes: list[Change] = []
        self.status_code = status_code
        self.status_set = False
        self.response_sent = False
        self.content_type = JSON
        self.content = json.dumps({} if content is None else content)

    def set_cookie(
        self,
        key: str,
        value: str,
        expires: int,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: Literal["lax", "strict", "none"] = "lax",
    ) -> None:
        """`expires`: in ms since 1970."""
        from email.utils import formatdate

        parts = [f"{key}={quote(value, safe='')}"]
        if domain is not None:
            parts.append(f"Domain={domain}")
        parts += [f"Path={path}", f"Expires={formatdate(expires / 1000, usegmt=True)}"]
        if httponly:
            parts.append("HttpOnly")
        if secure:
            parts.append("Secure")
        parts.append(f"SameSite={samesite.capitalize()}")
        self.changes.append(("set-cookie", "; ".join(parts)))

    def set_header(self, key: str, value: str) -> None:
        self.changes.append((key.lower(), value))

    def get_header(self, key: str) -> str | None:
        return next((value for name, value in reversed(self.changes) if name == key.lower()), None)

    def remove_header(self, key: str) -> None:
        self.changes.append((key.lower(), None))

    def set_status_code(self, status_code: int) -> None:
        if not self.status_set:
            self.status_code, self.status_set = status_code, True

    def _set(self, content_type: str, content: str) -> None:
        if not self.response_sent:
            self.content_type, self.content, self.response_sent = content_type, content, True

    def set_json_content(self, content: dict[str, Any]) -> None:
        self._set(JSON, json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")))

    def set_html_content(self, content: str) -> None:
        self._set(HTML, content)

    def redirect(self, url: str) -> BaseResponse:
        self.set_status_code(302)
        self.set_header("location", url)
        self.set_html_content("")
        return self

    @property
    def is_touched(self) -> bool:
        return self.status_set or self.response_sent

    def answer(self) -> Answer:
        return Answer(self.status_code, self.content_type, self.content)


class Exchange:
    """What is kept with a framework's request until its response is there: changes of it, and an answer of ours."""

    __slots__ = ("answer", "changes", "response")

    def __init__(self) -> None:
        self.response = BaseResponse()
        # Changes in the order in which they were made, the application's among ours.
        self.changes = self.response.changes
        self.answer: Answer | None = None

    def replace(self, response: BaseResponse) -> None:
        """An application answers with a response of its own making."""
        self.changes.extend(response.changes)
        response.changes = self.changes
        self.response = response

    def take(self) -> list[Change]:
        changes = self.changes[:]
        self.changes.clear()
        return changes


class Adapter(Protocol):
    """A framework."""

    def parts(self, request: Any) -> Parts: ...

    def exchange(self, request: Any) -> Exchange: ...

    def wrap(self, request: Any) -> BaseRequest: ...


class Headers(Protocol):
    """The headers of a framework's response, for `make`."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def set_cookies(self, cookies: dict[str, str]) -> None:
        """By name, each in the place of one of that name."""
        ...


def make(changes: list[Change], there: Headers) -> None:
    """Headers are set, names are exposed besides those that are, and what says that nobody else may keep the response stays."""
    cookies: dict[str, str] = {}
    for name, value in changes:
        if value is None:
            there.remove(name)
        elif name == "set-cookie":
            cookies[value.partition("=")[0]] = value
        elif name == "access-control-expose-headers":
            there.set(name, _exposed(there.get(name), value))
        elif name == "cache-control" and re.search("no-store|private", there.get(name) or "", re.IGNORECASE):
            continue
        else:
            there.set(name, value)
    if cookies:
        there.set_cookies(cookies)


def _exposed(before: str | None, names: str) -> str:
    if not before:
        return names
    listed = re.split(r"\s*,\s*", before)
    known = {name.lower() for name in listed}
    return ", ".join(listed + [name for name in re.split(r"\s*,\s*", names) if name.lower() not in known])


def cookie_of(header: str | None, key: str) -> str | None:
    for pair in (header or "").split(";"):
        name, found, value = pair.partition("=")
        if found and name.strip() == key:
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            return unquote(value)
    return None


class Wrapped:
    """Requests of a class that the application has made by itself."""

    NAMES = ("cookie", "authorization", "anti-csrf", "rid", "st-auth-mode", "fdi-version")

    def parts(self, request: Any) -> Parts:
        return (request.method().upper(), quote(request.get_path(), safe="/:"), *(request.get_header(name) for name in self.NAMES))

    def exchange(self, request: Any) -> Exchange:
        kept = getattr(request, "_supertokens_rs", None)
        if kept is None:
            kept = request._supertokens_rs = Exchange()
        return kept

    def wrap(self, request: Any) -> BaseRequest:
        return request
