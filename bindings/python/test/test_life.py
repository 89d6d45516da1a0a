"""The life of a session in each framework, with cookies and with headers, and through the functions alone."""

from __future__ import annotations

import asyncio
import json
import unittest

from supertokens_rs.exceptions import EngineError
from supertokens_rs.recipe import jwt, openid, session  # noqa: F401
from supertokens_rs.recipe.jwt import asyncio as jwt_asyncio
from supertokens_rs.recipe.jwt import syncio as jwt_syncio
from supertokens_rs.recipe.openid import asyncio as openid_asyncio
from supertokens_rs.recipe.session import asyncio as functions
from supertokens_rs.recipe.session import syncio
from supertokens_rs.recipe.session.exceptions import TokenTheftError, TryRefreshTokenError, UnauthorisedError
from world import ANNA, ask, bearer, in_each_framework, make, start


class InEachFramework(unittest.TestCase):
    @in_each_framework
    def test_a_session_lives_by_headers(self, framework: str):
        made = ask(framework, "/login/anna", "POST", {"st-auth-mode": "header"}, b'{"role": "admin"}')
        self.assertEqual((made.status, made.json()["payload"]["role"]), (200, "admin"), made.body)
        self.assertEqual(made.headers["cache-control"], "no-store")
        self.assertTrue({"st-access-token", "front-token"} <= set(made.headers["access-control-expose-headers"].split(", ")))
        token = made.headers["st-access-token"]
        me = ask(framework, "/me", headers={"authorization": f"Bearer {token}"})
        self.assertEqual((me.status, me.json()["userId"]), (200, "anna"))
        self.assertNotIn("st-access-token", me.headers)
        merged = ask(framework, "/merge", "POST", {"authorization": f"Bearer {token}"}, b'{"more": [1, null]}')
        self.assertEqual(merged.json()["payload"]["more"], [1, None])
        newer = merged.headers["st-access-token"]
        self.assertNotEqual(newer, token)
        self.assertEqual(ask(framework, "/me", headers={"authorization": f"Bearer {newer}"}).json()["payload"]["more"], [1, None])
        refresh = {"authorization": f"Bearer {made.headers['st-refresh-token']}", "st-auth-mode": "header"}
        again = ask(framework, "/auth/session/refresh", "POST", refresh)
        self.assertEqual((again.status, again.json()), (200, {}))
        # The first token is of no use once its successor was used: that is theft.
        successor = {**refresh, "authorization": f"Bearer {again.headers['st-refresh-token']}"}
        newest = {"authorization": f"Bearer {ask(framework, '/auth/session/refresh', 'POST', successor).headers['st-access-token']}"}
        self.assertEqual(ask(framework, "/me", headers=newest).status, 200)
        stolen = ask(framework, "/auth/session/refresh", "POST", refresh)
        self.assertEqual((stolen.status, stolen.headers["front-token"]), (401, "remove"))
        self.assertEqual(ask(framework, "/merge", "POST", newest, b"{}").status, 401, "theft ends the session")

    @in_each_framework
    def test_a_session_lives_by_cookies(self, framework: str):
        made = ask(framework, "/login/anna", "POST", {"st-auth-mode": "cookie"})
        self.assertEqual(set(made.cookies), {"sAccessToken", "sRefreshToken"})
        self.assertTrue(all("HttpOnly" in value for name, value in made.all if name == "set-cookie"))
        self.assertEqual(ask(framework, "/me", headers={"cookie": made.cookie}).json()["userId"], "anna")
        again = ask(framework, "/auth/session/refresh", "POST", {"cookie": made.cookie, "rid": "anti-csrf"})
        self.assertEqual((again.status, set(again.cookies)), (200, {"sAccessToken", "sRefreshToken"}), again.body)
        merged = ask(framework, "/merge", "POST", {"cookie": again.cookie, "rid": "anti-csrf"}, b'{"a": 1}')
        self.assertEqual(merged.status, 200)
        self.assertEqual(len([1 for name, value in merged.all if name == "set-cookie" and value.startswith("sAccessToken=")]), 1)
        out = ask(framework, "/auth/signout", "POST", {"cookie": again.cookie, "rid": "anti-csrf"})
        self.assertEqual((out.status, out.json(), out.cookies["sAccessToken"]), (200, {"status": "OK"}, ""))
        self.assertEqual(ask(framework, "/merge", "POST", {"cookie": again.cookie, "rid": "anti-csrf"}, b"{}").status, 401)

    @in_each_framework
    def test_without_a_session(self, framework: str):
        refused = ask(framework, "/me")
        self.assertEqual((refused.status, refused.json()), (401, {"message": "unauthorised"}))
        self.assertEqual(ask(framework, "/optional").json()["userId"], None)
        self.assertEqual(ask(framework, "/auth/session/refresh", "POST").status, 401)
        self.assertEqual(ask(framework, "/auth/nothing", "POST").status, 404)
        self.assertEqual(ask(framework, "/auth/signout", "GET").status, 404)
        keys = ask(framework, "/auth/jwt/jwks.json")
        self.assertTrue(keys.json()["keys"])
        document = ask(framework, "/auth/.well-known/openid-configuration").json()
        self.assertEqual(document["issuer"], "http://localhost:3001/auth")

    @in_each_framework
    def test_errors_of_ours_are_answered_wherever_they_are_raised(self, framework: str):
        invalid = ask(framework, "/never", headers=bearer(make()))
        expected = {"message": "invalid claim", "claimValidationErrors": [{"id": "never", "reason": {"so": True}}]}
        self.assertEqual((invalid.status, invalid.json()), (403, expected))
        keeps, clears = ask(framework, "/raised/keep"), ask(framework, "/raised/clear")
        self.assertEqual((keeps.status, keeps.json()), (401, {"message": "unauthorised"}))
        self.assertEqual((keeps.headers.get("front-token"), clears.headers.get("front-token")), (None, "remove"))
        odd = ask(framework, "/raised/odd")
        self.assertEqual((odd.status, [one["id"] for one in odd.json()["claimValidationErrors"]]), (403, ["a", "b"]))
        try:
            self.assertEqual(ask(framework, "/raised/own").status, 500)
        except Exception as error:
            self.assertEqual((framework, type(error).__name__), ("fastapi", "Own"), "Starlette raises it again for the server")

    def test_what_others_have_said_of_a_response_stays(self):
        from supertokens_rs.framework.fastapi._adapter import made_on

        there = [
            (b"Access-Control-Expose-Headers", b"x-mine, Front-Token"), (b"Cache-Control", b"private"), (b"Set-Cookie", b"a=1"),
            (b"set-cookie", b"theirs=1; Path=/"), (b"x-gone", b"1"),
        ]  # fmt: skip
        changes = [
            ("access-control-expose-headers", "front-token, st-access-token"), ("cache-control", "no-store"), ("x-gone", None),
            ("set-cookie", "a=2; Path=/"), ("set-cookie", "b=1"), ("set-cookie", "a=3"), ("x-new", "1"),
        ]  # fmt: skip
        expected = [
            (b"Cache-Control", b"private"), (b"set-cookie", b"theirs=1; Path=/"),
            (b"access-control-expose-headers", b"x-mine, Front-Token, st-access-token"), (b"x-new", b"1"),
            (b"set-cookie", b"a=3"), (b"set-cookie", b"b=1"),
        ]  # fmt: skip
        self.assertEqual(made_on(there, changes), expected)


class ByFunctions(unittest.TestCase):
    def test_every_function_with_an_event_loop(self):
        start()
        asyncio.run(self.every())

    async def every(self):
        made = await functions.create_new_session_without_request_response("public", ANNA, {"a": 1}, {"kept": True}, True)
        handle = made.get_handle()
        self.assertEqual((made.get_tenant_id(), made.get_recipe_user_id().get_as_string(), made["user_id"]), ("public", "anna", "anna"))
        found = await functions.get_session_without_request_response(made.get_access_token())
        assert found is not None
        self.assertIs(found.get_access_token_payload(), found.get_access_token_payload())
        self.assertEqual(await found.get_session_data_from_database(), {"kept": True})
        await found.update_session_data_in_database({"kept": False})
        await found.merge_into_access_token_payload({"b": {"c": None}})
        self.assertEqual(found.get_access_token_payload()["b"], {"c": None})
        self.assertLess(await found.get_time_created(), await found.get_expiry())
        tokens = found.get_all_session_tokens_dangerously()
        self.assertEqual((tokens["accessToken"], tokens["accessAndFrontTokenUpdated"]), (found.get_access_token(), True))
        information = await functions.get_session_information(handle)
        assert information is not None
        self.assertEqual(information.session_data_in_database, {"kept": False})
        self.assertEqual(information.custom_claims_in_access_token_payload["b"], {"c": None})
        self.assertTrue(await functions.update_session_data_in_database(handle, {"x": 1}))
        self.assertTrue(await functions.merge_into_access_token_payload(handle, {"b": None}))
        self.assertEqual(await functions.get_all_session_handles_for_user("anna"), [handle])
        self.assertEqual(await functions.get_all_session_handles_for_user("anna", True, "public"), [handle])
        refresh = made.get_all_session_tokens_dangerously()["refreshToken"]
        assert refresh is not None
        newer = await functions.refresh_session_without_request_response(refresh, True)
        await functions.refresh_session_without_request_response(newer.get_all_session_tokens_dangerously()["refreshToken"] or "", True)
        with self.assertRaises(TokenTheftError) as theft:
            await functions.refresh_session_without_request_response(refresh, True)
        self.assertEqual((theft.exception.user_id, theft.exception.session_handle), ("anna", handle))
        self.assertEqual(theft.exception.recipe_user_id.get_as_string(), "anna")
        other = (await functions.create_new_session_without_request_response("public", ANNA)).get_handle()
        self.assertEqual(await functions.revoke_multiple_sessions([other, "no-such"]), [other])
        self.assertEqual((await functions.revoke_session("no-such"), await functions.get_session_information("no-such")), (False, None))
        self.assertIn((await functions.create_new_session_without_request_response("public", ANNA)).get_handle(), await functions.revoke_all_sessions_for_user("anna"))
        jwt_ = await functions.create_jwt({"a": 1}, 60)
        body = json.loads(_decoded(jwt_.jwt.split(".")[1]))  # pyright: ignore
        self.assertEqual((body["iss"], body["exp"] - body["iat"]), ("http://localhost:3001/auth", 60))
        bare = await jwt_asyncio.create_jwt({"a": 1})
        self.assertEqual(json.loads(_decoded(bare.jwt.split(".")[1]))["iss"], "http://localhost:3001")  # pyright: ignore
        self.assertEqual((await openid_asyncio.get_open_id_discovery_configuration()).issuer, "http://localhost:3001/auth")
        self.assertEqual((await functions.get_jwks()).keys[0].kty, "RSA")

    def test_every_function_without(self):
        start("flask")
        made = make({"a": 1}, {"kept": True})
        found = syncio.get_session_without_request_response(made.get_access_token())
        assert found is not None
        found.sync_merge_into_access_token_payload({"b": 1})
        found.sync_update_session_data_in_database({"kept": 2})
        self.assertEqual((found.sync_get_session_data_from_database(), found["user_data_in_access_token"]["b"]), ({"kept": 2}, 1))
        self.assertLess(found.sync_get_time_created(), found.sync_get_expiry())
        self.assertTrue(syncio.merge_into_access_token_payload(made.get_handle(), {"c": 1}))
        self.assertTrue(jwt_syncio.get_jwks().keys)
        self.assertEqual(syncio.get_all_session_handles_for_user("anna"), [made.get_handle()])
        found.sync_revoke_session()
        with self.assertRaises(UnauthorisedError):
            syncio.get_session_without_request_response(made.get_access_token(), check_database=True)
        self.assertIsNone(syncio.get_session_without_request_response("x.y.z", session_required=False))
        with self.assertRaises(TryRefreshTokenError):
            syncio.get_session_without_request_response(made.get_access_token()[:-9])

    def test_a_session_is_attached_to_another_request(self):
        from starlette.requests import Request
        from supertokens_rs.framework.fastapi._adapter import exchange_of

        start()

        async def attach():
            made = await functions.create_new_session_without_request_response("public", ANNA)
            scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "root_path": ""}
            request = Request(scope)
            await made.attach_to_request_response(request, "header")
            self.assertIs(request.state.supertokens, made)
            names = [name for name, _ in exchange_of(scope).changes]
            self.assertIn("st-access-token", names)
            with self.assertRaises(Exception):
                await made.attach_to_request_response(request, "pigeon")  # pyright: ignore

        asyncio.run(attach())

    def test_an_engine_error_says_its_kind(self):
        with self.assertRaises(EngineError) as refused:
            from supertokens_rs import SupertokensConfig

            start(config=SupertokensConfig("http://127.0.0.1:1"))
            make()
        self.assertEqual(refused.exception.code, "CORE")


def _decoded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


if __name__ == "__main__":
    unittest.main()
