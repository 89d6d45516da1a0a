"""Functions of the application around the SDK's own, and claim fetchers: coroutines or not, called on the caller's thread with its context;
their errors come out as they went in."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import unittest
from typing import Any

import supertokens_rs as supertokens
from supertokens_rs import NotInThisPackageError, SupertokensConfig  # noqa: F401
from supertokens_rs.exceptions import BadInputError, EngineError
from supertokens_rs.recipe.session import InputErrorHandlers, SessionOverrideConfig, syncio
from supertokens_rs.recipe.session import asyncio as functions
from supertokens_rs.recipe.session.claims import BooleanClaim, PrimitiveArrayClaim, PrimitiveClaim, SessionClaim
from supertokens_rs.recipe.session.exceptions import (
    ClaimValidationError,
    InvalidClaimsError,
    TokenTheftError,
    TryRefreshTokenError,
    UnauthorisedError,
)
from supertokens_rs.recipe.session.interfaces import (
    ClaimValidationResult,
    GetClaimValueOkResult,
    RecipeInterface,
    SessionClaimValidator,
    SessionDoesNotExistError,
)
from supertokens_rs.types import GeneralErrorResponse
from world import ANNA, REMOTE, app_info, ask, bearer, in_each_framework, make, program, start

WHO = contextvars.ContextVar("who", default="nobody")


class Own(Exception):
    pass


class Unsayable(UnauthorisedError):
    def __str__(self) -> str:
        raise RuntimeError("not to be said")


def overriding(**named: Any) -> SessionOverrideConfig:
    """Each: (original function) -> function."""

    def of(original: Any) -> Any:
        for name, wrap in named.items():
            setattr(original, name, wrap(getattr(original, name)))
        return original

    return SessionOverrideConfig(functions=of)


def chosen(*validators: Any) -> Any:
    return lambda *_: list(validators)


def checked(session: Any, *validators: Any) -> Any:
    found = syncio.get_session_without_request_response(session.get_access_token(), override_global_claim_validators=chosen(*validators))
    assert found is not None
    return found


class Overrides(unittest.TestCase):
    def test_an_override_of_each_function_is_asked_and_goes_on_to_the_original(self):
        names = tuple(RecipeInterface.__abstractmethods__)
        for as_coroutine in (True, False):
            seen: set[str] = set()

            def around(name: str) -> Any:
                def wrap(original: Any) -> Any:
                    def plain(*given: Any, **named: Any) -> Any:
                        seen.add(name)
                        self.assertIsInstance(named.get("user_context"), dict, name)
                        return original(*given, **named)

                    async def coroutine(*given: Any, **named: Any) -> Any:
                        made = plain(*given, **named)
                        return await made if asyncio.iscoroutine(made) else made

                    return coroutine if as_coroutine else plain

                return wrap

            start(override=overriding(**{name: around(name) for name in names}))
            claim = PrimitiveClaim[int]("k", lambda *_: 1)

            async def everything():
                session = await functions.create_new_session_without_request_response("public", ANNA, {}, {}, True)
                found = await functions.get_session_without_request_response(session.get_access_token())
                assert found is not None
                await found.merge_into_access_token_payload({"a": 1})
                await found.get_session_data_from_database()
                await found.update_session_data_in_database({})
                await found.assert_claims([claim.validators.has_value(1)])
                handle = found.get_handle()
                self.assertTrue(await functions.merge_into_access_token_payload(handle, {"b": 1}))
                self.assertTrue(await functions.fetch_and_set_claim(handle, claim))
                self.assertTrue(await functions.set_claim_value(handle, claim, 2))
                value = await functions.get_claim_value(handle, claim)
                assert isinstance(value, GetClaimValueOkResult)
                self.assertEqual(value.value, 2)
                self.assertTrue(await functions.remove_claim(handle, claim))
                await functions.get_all_session_handles_for_user("anna")
                refresh = session.get_all_session_tokens_dangerously()["refreshToken"] or ""
                await functions.refresh_session_without_request_response(refresh, True)
                await functions.revoke_multiple_sessions([handle])
                await found.revoke_session()
                await functions.revoke_all_sessions_for_user("anna")

            with self.subTest(as_coroutine):
                asyncio.run(everything())
                self.assertEqual(set(names) - seen, set())

    def test_the_same_without_an_event_loop_and_inside_of_one(self):
        threads: list[Any] = []

        def wrap(original: Any) -> Any:
            async def create(**given: Any) -> Any:
                threads.append((threading.get_ident(), WHO.get()))
                await asyncio.sleep(0)
                made = await original(**{**given, "access_token_payload": {"added": 1}})
                made.mark = "mine"
                return made

            return create

        start("flask", override=overriding(create_new_session=wrap))
        WHO.set("me")
        session = make()
        self.assertEqual((session.get_access_token_payload()["added"], session.mark), (1, "mine"))
        self.assertEqual(threads.pop(), (threading.get_ident(), "me"), "on this thread, in this context")

        async def inside():
            # Blocking inside of a loop keeps that loop waiting, and works.
            return make().mark, (await functions.create_new_session_without_request_response("public", ANNA)).mark

        self.assertEqual(asyncio.run(inside()), ("mine", "mine"))
        self.assertEqual([who for _, who in threads], ["me", "me"])
        made = []
        several = [threading.Thread(target=lambda: made.append(make().mark)) for _ in range(8)]
        for thread in several:
            thread.start()
        for thread in several:
            thread.join()
        self.assertEqual(made, ["mine"] * 8)

    def test_the_user_context_is_the_callers_and_knows_the_request(self):
        contexts: list[Any] = []

        def wrap(original: Any) -> Any:
            def create(**given: Any) -> Any:
                contexts.append(given["user_context"])
                return original(**given)

            return create

        start(override=overriding(create_new_session=wrap))
        mine = {"from": "here"}
        make(user_context=mine)
        self.assertIs(contexts.pop(), mine)
        ask("fastapi", "/login/anna", "POST", {"x-mark": "m", "st-auth-mode": "header"})
        request = supertokens.get_request_from_user_context(contexts.pop())
        assert request is not None
        self.assertEqual((request.get_header("X-Mark"), request.method(), request.get_path()), ("m", "POST", "/login/anna"))

    def test_errors_of_the_application_come_out_as_they_are(self):
        thrown: list[BaseException] = []

        def wrap(_: Any) -> Any:
            async def fails(**__: Any) -> Any:
                raise thrown[0]

            return fails

        start(override=overriding(create_new_session=wrap, get_session_information=wrap))
        for error in (
            Own("mine"), KeyError("k"), UnauthorisedError("no", clear_tokens=False), TryRefreshTokenError("later"), BadInputError("odd"),
            InvalidClaimsError("INVALID_CLAIMS", []), UnauthorisedError("\ud83d"), Own(), Unsayable("x"), TokenTheftError("u", "r", "h"),  # pyright: ignore
            InvalidClaimsError("x", [ClaimValidationError("a", {1}), ClaimValidationError("b", {"c": float("nan")})]),  # pyright: ignore
            InvalidClaimsError("x", None),  # pyright: ignore
        ):  # fmt: skip
            thrown[:] = [error]
            for call in (make, lambda: syncio.get_session_information("h"), lambda: asyncio.run(functions.get_session_information("h"))):
                with self.assertRaises(type(error)) as failed:
                    call()
                self.assertIs(failed.exception, error)
        thrown[:] = [Own("mine")]
        try:
            make()
        except Own as error:
            self.assertIn("fails", _frames(error), "its traceback is kept")
        for error in (KeyboardInterrupt(), SystemExit(3)):
            thrown[:] = [error]
            with self.assertRaises(type(error)):
                make()
        self.assertEqual(_under_way(), 0)

    def test_answers_of_the_wrong_type_are_refused_by_name(self):
        def giving(value: Any) -> Any:
            return lambda _: lambda **__: value

        for name, value, call in (
            ("create_new_session", None, make), ("create_new_session", "x", make), ("create_new_session", object(), make),
            ("revoke_session", None, lambda: asyncio.run(_revoke_all_ways())), ("get_session", 7, lambda: checked(self.session)),
            ("get_global_claim_validators", None, lambda: syncio.get_session_without_request_response(self.token)),
            ("get_global_claim_validators", [7], lambda: syncio.get_session_without_request_response(self.token)),
        ):  # fmt: skip
            start()
            self.session = make()
            self.token = self.session.get_access_token()
            config = supertokens._sdk.current()  # pyright: ignore
            with self.subTest(name=name, value=repr(value)):
                start(config=_config(config), override=overriding(**{name: giving(value)}))
                if name == "revoke_session":
                    self.assertIsNone(syncio.revoke_session("h"))
                    continue
                with self.assertRaises((TypeError, EngineError, AttributeError)) as failed:
                    call()
                self.assertNotIsInstance(failed.exception, RuntimeError)

    def test_calls_back_into_the_sdk_from_wherever_it_asks(self):
        depth = []

        def wrap(original: Any) -> Any:
            async def create(**given: Any) -> Any:
                if given["user_context"].get("inner"):
                    return await original(**given)
                depth.append(1)
                context = {"inner": True}
                inner = await functions.create_new_session_without_request_response("public", ANNA, {}, {}, True, context)
                await inner.merge_into_access_token_payload({"inner": True})
                self.assertTrue(await functions.revoke_session(inner.get_handle()))
                # From a coroutine, a function that blocks: in the same loop, which waits.
                self.assertFalse(syncio.revoke_session(inner.get_handle()))
                return await original(**given)

            return create

        start(override=overriding(create_new_session=wrap))

        async def many():
            made = await asyncio.gather(*(functions.create_new_session_without_request_response("public", ANNA) for _ in range(40)))
            return {session.get_handle() for session in made}

        self.assertEqual((len(asyncio.run(many())), len(depth)), (40, 40))
        self.assertEqual(_under_way(), 0)


class Endpoints(unittest.TestCase):
    @in_each_framework
    def test_overridden_switched_off_and_answered_by_the_application(self, framework: str):
        behave = ["original"]

        def apis(original: Any) -> Any:
            refresh, verify = original.refresh_post, original.verify_session

            async def refresh_post(api_options: Any, user_context: Any) -> Any:
                session = await refresh(api_options, user_context)
                if behave[0] == "revoke":
                    await session.revoke_session()
                if behave[0] == "raise":
                    raise UnauthorisedError("no")
                if behave[0] == "send":
                    api_options.response.set_status_code(418)
                    api_options.response.set_json_content({"own": api_options.request.method()})
                return session

            async def signout_post(session: Any, api_options: Any, user_context: Any) -> Any:
                return GeneralErrorResponse("not today")

            async def verify_session(api_options: Any, *given: Any) -> Any:
                if api_options.request.get_header("x-closed"):
                    raise UnauthorisedError("closed", clear_tokens=False)
                return await verify(api_options, *given)

            original.refresh_post, original.signout_post, original.verify_session = refresh_post, signout_post, verify_session
            return original

        start(framework, override=SessionOverrideConfig(apis=apis))

        def refresh() -> Any:
            token = make().get_all_session_tokens_dangerously()["refreshToken"]
            return ask(framework, "/auth/session/refresh", "POST", {"authorization": f"Bearer {token}", "st-auth-mode": "header"})

        self.assertEqual((refresh().status, "st-refresh-token" in refresh().headers), (200, True))
        behave[0] = "revoke"
        self.assertEqual((refresh().headers["front-token"], refresh().headers["st-access-token"]), ("remove", ""))
        behave[0] = "raise"
        refused = refresh()
        self.assertEqual((refused.status, refused.json()["message"], refused.headers["front-token"]), (401, "unauthorised", "remove"))
        behave[0] = "send"
        own = refresh()
        self.assertEqual((own.status, own.json()), (418, {"own": "POST"}))
        self.assertNotEqual(own.headers["front-token"], "remove", "the new tokens are set all the same")
        out = ask(framework, "/auth/signout", "POST", bearer(make()))
        self.assertEqual((out.status, out.json()), (200, {"status": "GENERAL_ERROR", "message": "not today"}))
        self.assertEqual(ask(framework, "/me", headers={**bearer(make()), "x-closed": "1"}).status, 401)
        self.assertEqual(ask(framework, "/me", headers=bearer(make())).status, 200)

        def off(original: Any) -> Any:
            original.disable_refresh_post = original.disable_signout_post = True
            return original

        start(framework, override=SessionOverrideConfig(apis=off))
        self.assertEqual((refresh().status, ask(framework, "/auth/signout", "POST").status), (404, 404))

    @in_each_framework
    def test_error_handlers_answer_in_their_own_way(self, framework: str):
        told: list[Any] = []

        async def on_unauthorised(request: Any, message: str, response: Any) -> Any:
            told.append((message, request.get_header("x-mark"), request.get_cookie("c"), request.get_query_param("q")))
            response.set_status_code(499)
            response.set_header("x-own", "1")
            response.set_cookie("own", "a b", 4_000_000_000_000, httponly=True)
            response.set_json_content({"own": True})
            return response

        def on_invalid_claim(_: Any, errors: Any, response: Any) -> Any:
            told.append([error.to_json() for error in errors])
            response.set_html_content("<b>no</b>")
            return response

        handlers = InputErrorHandlers(on_unauthorised=on_unauthorised, on_invalid_claim=on_invalid_claim, on_try_refresh_token=lambda *_: _[-1])
        start(framework, error_handlers=handlers)
        refused = ask(framework, "/me?q=1", headers={"x-mark": "m", "cookie": "c=%C3%A9"})
        self.assertEqual((refused.status, refused.json(), refused.headers["x-own"]), (499, {"own": True}, "1"))
        self.assertEqual(refused.cookies["own"], "a%20b")
        self.assertEqual(told.pop()[1:], ("m", "é", "1"))
        invalid = ask(framework, "/never", headers=bearer(make()))
        self.assertEqual((invalid.status, invalid.body), (200, b"<b>no</b>"))
        self.assertEqual(told, [[{"id": "never", "reason": {"so": True}}]])
        token = make().get_access_token()[:-9]
        self.assertEqual(ask(framework, "/me", headers={"authorization": f"Bearer {token}"}).status, 401, "an answer left alone is the SDK's")

    def test_where_tokens_travel_and_which_website_it_is(self):
        asked: list[Any] = []

        def transfer(request: Any, new: bool, _: Any) -> Any:
            asked.append(new)
            return request.get_header("x-mode") or "cookie"

        start(info=app_info(website_domain=None, origin=lambda request, _: "http://localhost:3000"), get_token_transfer_method=transfer)
        made = ask("fastapi", "/login/anna", "POST")
        self.assertEqual((set(made.cookies), True in asked), ({"sAccessToken", "sRefreshToken"}, True))
        asked.clear()
        self.assertEqual(ask("fastapi", "/me", headers={"cookie": made.cookie}).status, 200)
        self.assertEqual(asked, [False], "a check does not ask how a new session would travel")
        self.assertIn("st-access-token", ask("fastapi", "/login/anna", "POST", {"x-mode": "header"}).headers)
        with self.assertRaisesRegex(TypeError, "get_token_transfer_method"):
            ask("fastapi", "/login/anna", "POST", {"x-mode": "pigeon"})

    @unittest.skipUnless(REMOTE, "a core inside has no network")
    def test_the_network_interceptor_sees_and_changes_every_call_to_the_core(self):
        seen: list[str] = []

        def interceptor(url: str, method: str, headers: Any, params: Any, body: Any, user_context: Any) -> Any:
            seen.append(f"{method} {url.partition('127.0.0.1')[2].partition('/')[2]}")
            self.assertTrue(headers["api-key"])
            if (user_context or {}).get("fail"):
                raise Own("no")
            return url, method, {**headers, "x-mine": "1"}, params, body

        of = program()
        start(config=SupertokensConfig(of.connection_uri, of.api_key, interceptor))
        make()
        self.assertIn("post public/recipe/session", seen)
        with self.assertRaises(Own):
            make(user_context={"fail": True})


class Bare(SessionClaim[int]):
    """A layout of its own."""

    def add_to_payload_(self, payload: Any, value: int, user_context: Any = None) -> Any:
        return {**payload, "bare": value}

    def remove_from_payload_by_merge_(self, payload: Any, user_context: Any = None) -> Any:
        return {**payload, "bare": None}

    def remove_from_payload(self, payload: Any, user_context: Any = None) -> Any:
        return {name: value for name, value in payload.items() if name != "bare"}

    def get_value_from_payload(self, payload: Any, user_context: Any = None) -> Any:
        return payload.get("bare")


class Is(SessionClaimValidator):
    def __init__(self, id_: str, claim: Any, test: Any) -> None:
        super().__init__(id_)
        self.claim, self.test = claim, test

    async def validate(self, payload: Any, user_context: Any) -> Any:
        return self.test(payload)

    async def should_refetch(self, payload: Any, user_context: Any) -> bool:  # pyright: ignore
        return self.claim is not None and self.claim.get_value_from_payload(payload) is None


class Claims(unittest.TestCase):
    def test_a_fetcher_that_waits_is_waited_for_in_the_middle_of_a_check(self):
        async def fetch(user_id: str, recipe_user_id: Any, tenant_id: str, payload: Any, user_context: Any) -> str:
            await asyncio.sleep(0.001)
            self.assertEqual((recipe_user_id.get_as_string(), tenant_id, payload["sub"], type(user_context)), ("anna", "public", "anna", dict))
            return f"plan of {user_id}"

        start()
        plan = PrimitiveClaim("plan", fetch)
        session = make()
        found = checked(session, plan.validators.has_value("plan of anna"))
        self.assertEqual(found.get_access_token_payload()["plan"]["v"], "plan of anna")
        self.assertEqual(found.sync_get_claim_value(plan), "plan of anna")
        with self.assertRaises(InvalidClaimsError) as failed:
            checked(session, plan.validators.has_value("gold", id_="wanted"))
        self.assertEqual(failed.exception.payload[0].id_, "wanted")

    def test_a_fetcher_that_fails_gives_the_wrong_type_or_finds_nothing(self):
        start()
        fetched: list[Any] = [None]

        def fetch(*_: Any) -> Any:
            if isinstance(fetched[0], Exception):
                raise fetched[0]
            return fetched[0]

        claim = PrimitiveClaim[Any]("c", fetch)
        session = make()
        own = Own("mine")
        fetched[0] = own
        for call in (lambda: checked(session, claim.validators.has_value(1)), lambda: session.sync_fetch_and_set_claim(claim)):
            with self.assertRaises(Own) as failed:
                call()
            self.assertIs(failed.exception, own)
        loop: list[Any] = []
        loop.append(loop)
        for wrong in (object(), {1, 2}, b"x", float("nan"), loop):
            fetched[0] = wrong
            with self.assertRaises((TypeError, ValueError)):
                checked(session, claim.validators.has_value(1))
        fetched[0] = None
        with self.assertRaises(InvalidClaimsError):
            checked(session, claim.validators.has_value(1))
        fetched[0] = 1
        session.sync_fetch_and_set_claim(claim)
        fetched[0] = None
        session.sync_fetch_and_set_claim(claim)
        self.assertIsNone(session.sync_get_claim_value(claim), "where there is no value any more, none is kept")

    def test_validators_that_are_none_and_verdicts_that_are_none(self):
        start()
        session = make()
        for wrong in ("x", [7], [None], {}, 7, [object()]):
            with self.assertRaises(TypeError):
                syncio.get_session_without_request_response(session.get_access_token(), override_global_claim_validators=lambda *_, w=wrong: w)  # pyright: ignore
        for verdict in (None, {}, True, ClaimValidationResult("yes"), ClaimValidationResult(1)):  # pyright: ignore
            with self.assertRaises(InvalidClaimsError):
                checked(session, Is("odd", None, lambda _, v=verdict: v))

    def test_claims_by_a_sessions_handle(self):
        start()
        claim = Bare("bare", lambda *_: 7)
        session = make()
        found = checked(session, Is("bare", claim, lambda payload: ClaimValidationResult(payload.get("bare") == 7)))
        self.assertEqual(found.get_access_token_payload()["bare"], 7)
        found.sync_remove_claim(claim)
        self.assertNotIn("bare", found.get_access_token_payload())
        self.assertEqual(asyncio.run(claim.build("u", ANNA, "public", {}, {})), {"bare": 7})
        handle = session.get_handle()
        two = PrimitiveClaim[int]("two", lambda *_: 2)
        result: Any = syncio.validate_claims_for_session_handle(handle, lambda *_: [two.validators.has_value(2), two.validators.has_value(3, id_="three")])
        self.assertEqual([one.id_ for one in result.invalid_claims], ["three"])
        value: Any = syncio.get_claim_value(handle, two)
        self.assertEqual(value.value, 2, "what was fetched is kept")
        for missing in (syncio.get_claim_value("no-such", two), syncio.validate_claims_for_session_handle("no-such")):
            self.assertIsInstance(missing, SessionDoesNotExistError)
        self.assertFalse(syncio.fetch_and_set_claim("no-such", two))

    def test_the_rules_one_by_one(self):
        import time

        at = int(time.time() * 1000)

        def stored(value: Any, age: float = 0) -> Any:
            return {"k": {"v": value, "t": int(at - age * 1000)}}

        def nothing(*_: Any) -> Any:
            return None

        primitive, of_list = PrimitiveClaim[Any]("k", nothing), PrimitiveArrayClaim[list[Any]]("k", nothing)
        boolean, p, v = BooleanClaim("k", nothing, 300), primitive.validators, of_list.validators
        b = boolean.validators
        for at_, (validator, payload, expected) in enumerate((
            (p.has_value(1), stored(1), "valid"), (p.has_value(1), stored("1"), "wrong value"), (p.has_value(1), stored(True), "wrong value"),
            (p.has_value(1), {}, "value does not exist"), (p.has_value(None), stored(None), "value does not exist"),
            (p.has_value(1), {"k": 7}, "value does not exist"), (p.has_value(1, 10), stored(1, 11), "expired"),
            (p.has_value(1, 10), {"k": {"v": 1}}, "expired"), (p.has_value(1, 10), {"k": {"v": 1, "t": "x"}}, "expired"),
            (p.has_value(1, 10), stored(1, 5), "valid"), (p.has_value(1, 0), stored(1, 1), "expired"),
            (b.is_true(), stored(True), "valid"), (b.is_true(), stored(True, 301), "expired"), (b.is_true(1000), stored(True, 301), "valid"),
            (b.is_false(), stored(True), "wrong value"), (b.is_true(), stored(1), "wrong value"),
            (v.includes("a"), stored(["a"]), "valid"), (v.includes("a"), stored("a"), "wrong value"), (v.includes(1), stored([True]), "wrong value"),
            (v.excludes("a"), stored(["a"]), "wrong value"), (v.excludes("a"), stored([]), "valid"), (v.excludes("a"), stored("b"), "wrong value"),
            (v.includes_all([]), stored([]), "valid"), (v.includes_all(["a", "b"]), stored(["b"]), "wrong value"),
            (v.includes_any([]), stored(["a"]), "wrong value"), (v.includes_any(["a", "b"]), stored(["b"]), "valid"),
            (v.excludes_all([]), stored(["a"]), "valid"), (v.excludes_all(["a"]), stored(["a"]), "wrong value"),
        )):  # fmt: skip
            result = asyncio.run(validator.validate(payload, {}))
            self.assertEqual("valid" if result.is_valid else (result.reason or {})["message"], expected, f"{at_} {payload}")
        reason = asyncio.run(v.includes_all(["a"]).validate(stored([]), {})).reason
        self.assertEqual(reason, {"message": "wrong value", "expectedToInclude": ["a"], "actualValue": []})
        refetch = [
            one.should_refetch(payload, {})
            for one, payload in ((b.is_true(), {}), (b.is_true(), stored(True)), (b.is_true(), stored(True, 400)), (p.has_value(1), stored(1, 9e9)))
        ]
        self.assertEqual(refetch, [True, False, True, False])
        self.assertEqual((p.has_value(1).id, p.has_value(1, id_="other").id, primitive.get_last_refetch_time(stored(1))), ("k", "other", at))


def _frames(error: BaseException) -> list[str]:
    import traceback

    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def _under_way() -> int:
    return supertokens._sdk.current().engine.native.under_way()  # pyright: ignore


async def _revoke_all_ways() -> None:
    await functions.revoke_session("h")


def _config(sdk: Any) -> SupertokensConfig:
    """The same core again."""
    import json

    core = json.loads(sdk.engine.settings)["core"]
    if core["connectionURI"]:
        return SupertokensConfig(core["connectionURI"], core["apiKey"])
    return SupertokensConfig(embedded=core["embedded"]["database"])


if __name__ == "__main__":
    unittest.main()
