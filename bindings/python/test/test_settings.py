"""What `init` refuses, and how it says so; what this package has not."""

from __future__ import annotations

import gc
import importlib
import unittest
from typing import Any

import supertokens_rs as supertokens
from supertokens_rs import EmbeddedCore, NotInThisPackageError, RecipeUserId, SupertokensConfig
from supertokens_rs.exceptions import EngineError
from supertokens_rs.recipe import jwt, openid, session
from supertokens_rs.recipe.session import InputErrorHandlers, SessionOverrideConfig, syncio
from world import app_info, make, new_database, start


class Refused(unittest.TestCase):
    def refused(self, words: list[str], error: type[Exception] = EngineError, **changed: Any) -> None:
        supertokens.close()
        gc.collect()
        whole: dict[str, Any] = {
            "app_info": app_info(), "framework": "fastapi", "supertokens_config": SupertokensConfig(embedded=new_database()),
            "recipe_list": [session.init()], **changed,
        }  # fmt: skip
        with self.assertRaises(error) as refused:
            supertokens.init(**whole)
        for word in words:
            self.assertIn(word, str(refused.exception))
        with self.assertRaisesRegex(Exception, "Initialisation not done"):
            supertokens.get_all_cors_headers()

    def test_settings_by_their_names(self):
        def core(**of: Any) -> dict[str, Any]:
            return {"supertokens_config": SupertokensConfig(**of)}

        def of_session(**of: Any) -> dict[str, Any]:
            return {"recipe_list": [session.init(**of)]}

        self.refused(["framework", "fastapi"], framework="rails")
        self.refused(["mode"], mode="cgi")
        self.refused(["recipe"], recipe_list=[])
        self.refused(["session", "once"], recipe_list=[session.init(), session.init()])
        self.refused(["supertokens-python"], NotInThisPackageError, recipe_list=[lambda: None])
        self.refused(["supertokens-python"], NotInThisPackageError, experimental={})
        self.refused(["app_info", "InputAppInfo"], app_info={"app_name": "x"})
        self.refused(["api_domain"], app_info=app_info(api_domain=None))
        self.refused(["api_domain"], app_info=app_info(api_domain=7))
        self.refused(["origin"], app_info=app_info(origin=7))
        self.refused(["connection_uri", "embedded"], **core())
        self.refused(["connection_uri", "embedded"], **core(connection_uri="http://localhost:3567", embedded=new_database()))
        self.refused(["connection_uri"], **core(connection_uri="http://x y"))
        self.refused(["mysql"], **core(embedded="mysql://x"))
        self.refused(["embedded"], **core(embedded=7))
        self.refused(["access_token_vality"], **core(embedded=EmbeddedCore(new_database(), {"access_token_vality": 1})))
        self.refused(["access_token_validity"], **core(embedded=EmbeddedCore(new_database(), {"access_token_validity": -1})))
        self.refused(["network_interceptor"], **core(embedded=new_database(), network_interceptor="x"))
        self.refused(["cookie_same_site"], **of_session(cookie_same_site="odd"))
        self.refused(["anti_csrf"], **of_session(anti_csrf="odd"))
        self.refused(["session_expired_status_code"], **of_session(session_expired_status_code="x"))
        self.refused(["get_token_transfer_method"], **of_session(get_token_transfer_method="cookie"))
        self.refused(["on_unauthorised"], **of_session(error_handlers=InputErrorHandlers(on_unauthorised="x")))  # pyright: ignore
        for functions in (lambda original: None, lambda original: object(), "x"):
            override = SessionOverrideConfig(functions=functions)  # pyright: ignore
            self.refused(["override.functions"], ValueError, **of_session(override=override))

    def test_a_core_that_cannot_be_had_fails_the_call_and_the_next_tries_again(self):
        supertokens.close()
        for config in (SupertokensConfig("http://127.0.0.1:1"), SupertokensConfig(embedded="sqlite:/no/such/folder/x.db")):
            supertokens.close()
            supertokens.init(app_info(), "flask", config, [session.init()])
            for _ in range(2):
                with self.assertRaises(EngineError) as failed:
                    make()
                self.assertEqual(failed.exception.code, "CORE")

    def test_a_second_init_is_passed_over_and_before_the_first_nothing_works(self):
        supertokens.close()
        with self.assertRaisesRegex(Exception, "Initialisation not done"):
            make()
        start()
        supertokens.init(app_info(), "rails", SupertokensConfig(), [])  # pyright: ignore
        self.assertEqual((supertokens.is_recipe_initialized("session"), supertokens.is_recipe_initialized("emailpassword")), (True, False))
        self.assertEqual(set(supertokens.get_all_cors_headers()), {"anti-csrf", "authorization", "fdi-version", "rid", "st-auth-mode"})

    def test_settings_of_an_embedded_core_count(self):
        start(config=SupertokensConfig(embedded=EmbeddedCore(new_database(), {"access_token_validity": 77})), recipes=[jwt.init(5), openid.init()])
        payload = make().get_access_token_payload()
        # The core counts from when it began.
        self.assertTrue(47 < payload["exp"] - payload["iat"] <= 77)
        made: Any = syncio.create_jwt({})
        import base64
        import json

        body = json.loads(base64.urlsafe_b64decode(made.jwt.split(".")[1] + "=="))
        self.assertEqual(body["exp"] - body["iat"], 5)

    def test_what_is_not_here_is_said_where_it_is_called(self):
        for name in ("emailpassword", "thirdparty", "userroles", "dashboard", "passwordless", "totp", "webauthn", "multitenancy"):
            recipe = importlib.import_module(f"supertokens_rs.recipe.{name}")
            with self.assertRaisesRegex(NotInThisPackageError, "supertokens-python"):
                recipe.init()
            functions = importlib.import_module(f"supertokens_rs.recipe.{name}.asyncio")
            with self.assertRaisesRegex(NotInThisPackageError, "asyncio.get_something"):
                functions.get_something("x")
        from supertokens_rs.recipe.emailpassword.interfaces import SignUpOkResult  # pyright: ignore
        from supertokens_rs.types import User  # pyright: ignore

        class Mine(SignUpOkResult):  # pyright: ignore
            pass

        for of in (User, Mine, SignUpOkResult.nested):  # pyright: ignore
            with self.assertRaises(NotInThisPackageError):
                of()
        for module in ("asyncio", "syncio"):
            with self.assertRaises(NotInThisPackageError):
                importlib.import_module(f"supertokens_rs.{module}").get_user("x")
        for refused in (lambda: jwt.init(override=1), lambda: openid.init(issuer="x"), lambda: openid.init(override=1)):
            with self.assertRaises(NotInThisPackageError):
                refused()
        with self.assertRaises(ModuleNotFoundError):
            importlib.import_module("supertokens_rs.recipe.nothing")

    def test_ids_are_compared_by_what_they_are(self):
        self.assertEqual(RecipeUserId("a"), supertokens.convert_to_recipe_user_id("a"))
        self.assertEqual(len({RecipeUserId("a"), RecipeUserId("a"), RecipeUserId("b")}), 2)
        for wrong in (None, 7, b"a"):
            with self.assertRaises(TypeError):
                RecipeUserId(wrong)  # pyright: ignore


if __name__ == "__main__":
    unittest.main()
