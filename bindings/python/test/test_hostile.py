"""What comes from outside: garbage in tokens, cookies, headers, addresses; and what an application may hand in by mistake. Every answer is an
answer, and the session beside is unharmed."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any
from urllib.parse import quote

from supertokens_rs import RecipeUserId
from supertokens_rs.exceptions import BadInputError, EngineError
from supertokens_rs.recipe.session import syncio
from supertokens_rs.recipe.session.exceptions import UnauthorisedError
from world import ANNA, ask, bearer, in_each_framework, make, start


class FromOutside(unittest.TestCase):
    @in_each_framework
    def test_tokens_cookies_and_headers_that_are_none(self, framework: str):
        session = make()
        token = session.get_access_token()
        refresh = session.get_all_session_tokens_dangerously()["refreshToken"]
        middle = token.rindex(".") - 20
        tampered = token[:middle] + ("B" if token[middle] == "A" else "A") + token[middle + 1 :]
        nonsense = [
            b"x", b".", b"..", b"a.b.c", b"%", b"%00", b"a\0b", b"null", b"{}", "é".encode(), b"\xff\xfe", "😀".encode(), b"A" * 9000,
            b"A" * 1_000_000, b"eyJhbGciOiJub25lIn0.e30.", tampered.encode(), token[:-9].encode(), refresh.encode(),
        ]  # fmt: skip
        for wrong in nonsense:
            for headers in ({"authorization": b"Bearer " + wrong}, {"cookie": b"sAccessToken=" + wrong}, {"cookie": b"sAccessToken=" + quote(wrong).encode()}):
                where = (framework, wrong[:20], list(headers))
                self.assertEqual(ask(framework, "/me", headers=headers).status, 401, where)
                if len(wrong) > 100_000 and "cookie" in headers:
                    continue
                optional = ask(framework, "/optional", headers=headers)
                self.assertTrue(optional.status == 401 or optional.json()["userId"] is None, where)
                if wrong != refresh.encode():
                    self.assertEqual(ask(framework, "/auth/session/refresh", "POST", headers).status, 401, where)
                self.assertIn(ask(framework, "/auth/signout", "POST", headers).status, (200, 401), where)
        cookies = ["=", ";;;", "sAccessToken", "sAccessToken=;sAccessToken==", "a=%E0%A4%A", f"sAccessToken={token}; sAccessToken={tampered}", "sIdRefreshToken=x", "\t"]
        for cookie in cookies:
            self.assertIn(ask(framework, "/me", headers={"cookie": cookie}).status, (200, 401), cookie[:30])
        # Twice the same header: cookies are one list, of others the first counts, or both are none.
        twice = [("cookie", "a=1"), ("cookie", f"sAccessToken={token}")]
        self.assertEqual(ask(framework, "/me", headers=twice).json()["userId"], "anna")
        both = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {tampered}")]
        self.assertIn(ask(framework, "/me", headers=both).status, (200, 401))
        for authorization in ("Bearer", "Bearer ", "Bearer  x y", "Basic eDp5", "bearer\tx"):
            self.assertEqual(ask(framework, "/me", headers={"authorization": authorization}).status, 401)
        for name in ("rid", "anti-csrf", "st-auth-mode", "fdi-version"):
            for value in (b"", b"\0", b"\xff", b"x" * 1_000_000, "é".encode()):
                self.assertEqual(ask(framework, "/me", headers={**bearer(session), name: value}).status, 200, name)
        self.assertEqual(ask(framework, "/me", headers=bearer(session)).json()["userId"], "anna", "the session beside is unharmed")
        renewed = ask(framework, "/auth/session/refresh", "POST", {"authorization": f"Bearer {refresh}"})
        self.assertEqual(renewed.status, 200)

    @in_each_framework
    def test_addresses_that_no_path_is(self, framework: str):
        for path in (
            "/auth/session/refresh/../refresh", "/auth/%73ignout", "//auth/signout", "/auth/signout?x=%00", "/auth/signout/",
            "/%E0%A4%A/refresh", "/auth/{}/signout", "/AUTH/signout", "/auth/sign%00out", "/auth/%F0%9F%98%80/refresh", "/auth/ /signout",
            "/" + "x" * 70_000 + "/signout", "/auth/session/refresh%3Fx=1", "/auth/session/refresh%23",
        ):  # fmt: skip
            self.assertIn(ask(framework, path, "POST").status, (400, 401, 404), (framework, path[:40]))
        for method in ("OPTIONS", "HEAD", "TRACE", "PURGE", "G T", "é", ""):
            answer = ask("flask", "/auth/session/refresh", method) if framework == "flask" and method.isalpha() and method.isascii() else None
            self.assertTrue(answer is None or answer.status in (200, 401, 404, 405), method)

    @in_each_framework
    def test_cross_site_requests_with_cookies(self, framework: str):
        start(framework, anti_csrf="VIA_CUSTOM_HEADER")
        cookie = ask(framework, "/login/anna", "POST", {"st-auth-mode": "cookie"}).cookie
        self.assertEqual(ask(framework, "/merge", "POST", {"cookie": cookie}, b"{}").status, 401)
        self.assertEqual(ask(framework, "/merge", "POST", {"cookie": cookie, "rid": "anti-csrf"}, b"{}").status, 200)
        self.assertEqual(ask(framework, "/me", headers={"cookie": cookie}).status, 200)
        self.assertEqual(ask(framework, "/auth/session/refresh", "POST", {"cookie": cookie}).status, 401)

    def test_a_body_of_the_application_is_left_alone(self):
        start("fastapi")
        made = ask("fastapi", "/login/refresh", "POST", {"st-auth-mode": "header"}, '{"é": "😀"}'.encode())
        self.assertEqual((made.status, made.json()["payload"]["é"]), (200, "😀"))


class FromTheApplication(unittest.TestCase):
    def test_payloads_data_and_names_that_cannot_be(self):
        start()
        loop: dict[str, Any] = {}
        loop["self"] = loop
        deep: Any = 1
        for _ in range(5000):
            deep = [deep]
        for payload, data in (("text", {}), ([], {}), (7, {}), ({}, "text"), ({}, []), ({"a": {1}}, {}), (loop, {}), ({"a": float("nan")}, {}), ({"d": deep}, {}), ({"a": b"x"}, {})):
            with self.assertRaises((BadInputError, TypeError, ValueError, RecursionError)):
                make(payload, data)
        with self.assertRaises(BadInputError):
            make({"large": "x" * 100_000})
        with self.assertRaises(EngineError) as large:
            make({"large": "x" * 17 * 1024 * 1024})
        self.assertEqual(large.exception.code, "TOO_LARGE")
        with self.assertRaises(BadInputError):
            make({"half": "\ud83d"})
        for who in (None, "anna", {}, object()):
            with self.assertRaises(TypeError):
                make(who=who)  # pyright: ignore
        for tenant in ("../x", "a/b", "", None, 7, "appid-x"):
            with self.assertRaises((BadInputError, EngineError), msg=str(tenant)):
                syncio.create_new_session_without_request_response(tenant, ANNA)  # pyright: ignore
        calls: list[Any] = [
            lambda: syncio.revoke_session(7), lambda: syncio.revoke_multiple_sessions("x"), lambda: syncio.create_jwt("x"),
            lambda: syncio.refresh_session_without_request_response(None), lambda: syncio.get_session_without_request_response(None),
            lambda: syncio.create_jwt({}, 1.5), lambda: syncio.create_jwt({}, 0), lambda: syncio.create_new_session(None, "public", ANNA),
            lambda: syncio.get_session(None), lambda: syncio.refresh_session(None),
        ]  # fmt: skip
        for at, call in enumerate(calls):
            with self.assertRaises((BadInputError, EngineError, TypeError, UnauthorisedError), msg=str(at)):
                call()
        odd = {"emoji": "😀", "nul": "a\0b", "big": 2**53, "tiny": 1e-300, "deep": {"x": [None, True]}}
        kept = make(odd, odd)
        self.assertEqual({name: kept.get_access_token_payload()[name] for name in odd}, odd)
        self.assertEqual(kept.sync_get_session_data_from_database(), odd)
        self.assertEqual(make(who=RecipeUserId("ü 😀")).get_user_id(), "ü 😀")

    def test_requests_whose_parts_have_other_types(self):
        from starlette.requests import Request

        start()
        token = make().get_access_token().encode()
        good = [(b"authorization", b"Bearer " + token)]
        scopes = [
            {"headers": [(b"AUTHORIZATION", b"x")]}, {"headers": good, "method": "NO VERB"}, {"headers": good, "path": ""},
            {"headers": good, "path": "/a b\0é", "raw_path": None}, {"headers": good, "path": "/x", "raw_path": b"/\xff\x00 "},
            {"headers": good, "path": "/sub/me", "root_path": "/sub"}, {"headers": good, "path": "/me", "root_path": "/me"},
            {"headers": good, "path": "/submarine", "root_path": "/sub/"},
        ]  # fmt: skip
        for scope in scopes:
            try:
                found = syncio.get_session(Request({"type": "http", "method": "GET", "path": "/me", "root_path": "", **scope}))
                self.assertEqual(found and found.get_user_id(), "anna")
            except (UnauthorisedError, BadInputError):
                self.assertTrue(scope["headers"] is not good or scope.get("method") == "NO VERB", scope)

    def test_a_mounted_application_has_its_own_paths(self):
        import apps
        from starlette.applications import Starlette
        from starlette.routing import Mount
        from world import ask_asgi

        start()
        outer = Starlette(routes=[Mount("/sub", apps.of("fastapi"))])
        refused = asyncio.run(ask_asgi(outer, "/sub/auth/session/refresh", "POST"))
        self.assertEqual((refused.status, refused.json()), (401, {"message": "unauthorised"}))
        self.assertEqual(asyncio.run(ask_asgi(outer, "/sub/me", headers=bearer(make()))).json()["userId"], "anna")
        self.assertEqual(asyncio.run(ask_asgi(outer, "/auth/session/refresh", "POST")).status, 404)


if __name__ == "__main__":
    unittest.main()
