"""Forks before and after use, cancelled tasks, threads, scripts that end in the middle; a check that neither waits nor crosses a thread;
and what is left of many calls."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path
from typing import Any

import supertokens_rs as supertokens
from supertokens_rs import SupertokensConfig, _engine, _sdk
from supertokens_rs.exceptions import EngineError
from supertokens_rs.recipe.session import SessionOverrideConfig, syncio
from supertokens_rs.recipe.session import asyncio as functions
from supertokens_rs.recipe.session.claims import PrimitiveClaim
from world import ANNA, ask, bearer, make, new_database, program, ran, start

BEGIN = """
import asyncio, os, sys, signal
import supertokens_rs as supertokens
from supertokens_rs.recipe import session
from supertokens_rs.recipe.session import asyncio as functions, syncio
from supertokens_rs import EmbeddedCore, InputAppInfo, RecipeUserId, SupertokensConfig
def init(**core):
    info = InputAppInfo("test", "http://localhost:3001", website_domain="http://localhost:3000")
    supertokens.init(info, "flask", SupertokensConfig(**core), [session.init()])
def make():
    return syncio.create_new_session_without_request_response("public", RecipeUserId("anna"), {}, {}, True)
def child(body):
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        try:
            body()
        except BaseException as error:
            print("child:", type(error).__name__, getattr(error, "code", ""), error, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def said(script: str, *given: str) -> list[str]:
    done = ran(BEGIN + script, *given)
    assert done.returncode == 0, done
    assert "panicked" not in done.stderr, done.stderr
    return done.stdout.split("\n")[:-1]


class Forks(unittest.TestCase):
    def test_a_process_that_forks_before_use(self):
        # As servers do that load the application first: nothing was opened, so each worker opens its own.
        script = """
init(embedded=sys.argv[1])
print(child(lambda: print(make().get_user_id(), flush=True)))
print(make().get_user_id())
"""
        self.assertEqual(said(script, new_database()), ["anna", "0", "anna"])

    def test_a_process_that_forks_after_use_with_a_core_beside(self):
        core = program()
        script = """
init(connection_uri=sys.argv[1], api_key=sys.argv[2])
mine = make()
checked = syncio.get_session_without_request_response(mine.get_access_token())
def body():
    print(syncio.get_session_without_request_response(mine.get_access_token() if False else token).get_user_id(), flush=True)
    print(make().get_user_id(), asyncio.run(functions.revoke_session(handle)), flush=True)
    try:
        mine.sync_get_session_data_from_database()
    except supertokens.exceptions.EngineError as error:
        print(error, flush=True)
token, handle = mine.get_access_token(), make().get_handle()
import supertokens_rs.exceptions
print(child(body))
print(make().get_user_id(), mine.sync_get_session_data_from_database())
"""
        expected = ["anna", "anna True", "this session was found before the process forked: look for it again", "0", "anna {}"]
        self.assertEqual(said(script, core.connection_uri, core.api_key or ""), expected)

    def test_a_process_that_forks_after_use_with_a_core_inside(self):
        # The file belongs to the parent: the child is told, and the parent goes on.
        script = """
init(embedded=sys.argv[1])
make()
print(child(make))
print(make().get_user_id())
"""
        told, code, after = said(script, new_database())
        self.assertRegex(told, "EngineError CORE .*in use by another process")
        self.assertEqual((code, after), ("1", "anna"))

    def test_a_process_that_forks_in_the_middle_of_a_loop_and_of_threads(self):
        core = program()
        script = """
import threading
init(connection_uri=sys.argv[1], api_key=sys.argv[2])
stop = threading.Event()
def busy():
    while not stop.is_set():
        make()
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
async def main():
    await functions.create_new_session_without_request_response("public", RecipeUserId("anna"))
    return [child(lambda: print(make().get_user_id(), flush=True)) for _ in range(5)]
print(asyncio.run(main()))
stop.set()
"""
        self.assertEqual(said(script, core.connection_uri, core.api_key or ""), ["anna"] * 5 + ["[0, 0, 0, 0, 0]"])

    def test_a_second_process_on_the_file_is_told_that_another_has_it(self):
        database = new_database()
        start(config=SupertokensConfig(embedded=database))
        make()
        script = """
init(embedded=sys.argv[1])
try:
    make()
except Exception as error:
    print(error.code, error)
"""
        self.assertRegex(said(script, database)[0], "^CORE .*in use by another process")


class Ends(unittest.TestCase):
    def test_scripts_end_by_themselves_and_in_the_middle_of_calls(self):
        self.assertEqual(said("init(embedded=sys.argv[1])\nprint(make().get_user_id())", new_database()), ["anna"])
        self.assertEqual(said("init(embedded=sys.argv[1])\nprint('idle')", new_database()), ["idle"])
        for ending in ("os._exit(3)", "sys.exit(3)", "os.kill(os.getpid(), signal.SIGTERM)", "1 / 0"):
            script = f"""
init(embedded=sys.argv[1])
async def main():
    await functions.create_new_session_without_request_response("public", RecipeUserId("anna"))
    tasks = [asyncio.ensure_future(functions.create_new_session_without_request_response("public", RecipeUserId("anna"))) for _ in range(20)]
    await asyncio.sleep(0)
    {ending}
asyncio.run(main())
"""
            done = ran(BEGIN + script, new_database())
            self.assertIn(done.returncode, (3, 1, -signal.SIGTERM), done)
            self.assertNotRegex(done.stderr, "panicked|Fatal|core dumped")

    def test_a_thread_that_waits_is_interrupted(self):
        # Ctrl-C while a core does not answer: the address takes connections, and says nothing.
        script = """
import socket, threading, time
silent = socket.create_server(("127.0.0.1", 0))
init(connection_uri=f"http://127.0.0.1:{silent.getsockname()[1]}")
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    make()
except KeyboardInterrupt:
    print(time.monotonic() - began < 5)
"""
        self.assertEqual(said(script), ["True"])


class Cancelling(unittest.TestCase):
    def test_a_cancelled_task_is_forgotten_and_what_it_began_is_done(self):
        asked: list[str] = []

        def around(original: Any) -> Any:
            create = original.create_new_session

            async def waits(**given: Any) -> Any:
                asked.append("begun")
                if given["user_context"].get("never"):
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        asked.append("cancelled")
                        raise
                return await create(**given)

            original.create_new_session = waits
            return original

        start(override=SessionOverrideConfig(functions=around))

        async def cancel(context: Any, turns: int) -> None:
            call = functions.create_new_session_without_request_response("public", ANNA, user_context=context)
            task = asyncio.ensure_future(call)
            for _ in range(turns):
                await asyncio.sleep(0)
            while context.get("never") and not asked:
                await asyncio.sleep(0.001)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        async def all_of() -> None:
            await cancel({"never": True}, 3)
            self.assertEqual(asked, ["begun", "cancelled"])
            for turns in (0, 1, 2, 3):
                await cancel({}, turns)
            # What others do goes on.
            made = await functions.create_new_session_without_request_response("public", ANNA)
            self.assertEqual(made.get_user_id(), "anna")
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(functions.create_new_session_without_request_response("public", ANNA, user_context={"never": True}), 0.05)

        asyncio.run(all_of())
        self.settled()

    def settled(self) -> None:
        native, until = _sdk.current().engine.native, time.monotonic() + 10
        while native.under_way() and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(native.under_way(), 0)

    def test_hundreds_of_calls_with_some_cancelled_leave_nothing_behind(self):
        def around(original: Any) -> Any:
            create = original.create_new_session

            async def own(**given: Any) -> Any:
                await asyncio.sleep(0)
                if given["user_context"].get("fail"):
                    raise ZeroDivisionError
                return await create(**given)

            original.create_new_session = own
            return original

        start(override=SessionOverrideConfig(functions=around))

        async def one(at: int) -> Any:
            return await functions.create_new_session_without_request_response("public", ANNA, {"at": at}, user_context={"fail": at % 10 == 0})

        async def main() -> Any:
            tasks = [asyncio.ensure_future(one(at)) for at in range(300)]
            await asyncio.sleep(0.01)
            for at in range(3, 300, 7):
                tasks[at].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

        for at, outcome in enumerate(asyncio.run(main())):
            if isinstance(outcome, asyncio.CancelledError):
                self.assertEqual(at % 7, 3)
            elif at % 10 == 0:
                self.assertIsInstance(outcome, ZeroDivisionError)
            else:
                self.assertEqual(outcome.get_access_token_payload()["at"], at, "each call has its own answer")
        self.settled()


class Threads(unittest.TestCase):
    def test_threads_and_loops_at_once(self):
        start("flask")
        session = make()
        token, failed = session.get_access_token(), []

        def plain() -> None:
            try:
                for _ in range(50):
                    assert syncio.get_session_without_request_response(token).get_user_id() == "anna"  # pyright: ignore
                    make().sync_revoke_session()
            except BaseException as error:
                failed.append(error)

        def looping() -> None:
            async def main() -> None:
                async def one() -> None:
                    made = await functions.create_new_session_without_request_response("public", ANNA)
                    await made.merge_into_access_token_payload({"a": 1})
                    await made.revoke_session()

                await asyncio.gather(*(one() for _ in range(30)))

            try:
                asyncio.run(main())
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=of) for of in (plain, looping) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        gc.collect()
        self.assertEqual(_sdk.current().engine.native.under_way(), 0)

    def test_others_run_while_a_thread_waits(self):
        start("flask")
        counted, stop = [0], threading.Event()

        def count() -> None:
            while not stop.is_set():
                counted[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=count)
        thread.start()
        before = counted[0]
        for _ in range(20):
            make()
        stop.set()
        thread.join()
        self.assertGreater(counted[0] - before, 20, "the interpreter is given back")

    def test_a_loop_that_can_watch_no_pipe(self):
        start()

        class Blind(asyncio.SelectorEventLoop):
            def add_reader(self, *_: Any) -> Any:
                raise NotImplementedError

        loop = Blind()
        # Its own wake-ups are not by this function.
        self.assertEqual(loop.run_until_complete(functions.create_new_session_without_request_response("public", ANNA)).get_user_id(), "anna")
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def test_a_check_with_known_keys_ends_at_once(self):
        start()
        session = make()
        from starlette.requests import Request

        scope = {"type": "http", "method": "GET", "path": "/me", "root_path": "", "headers": [(b"authorization", f"Bearer {session.get_access_token()}".encode())]}
        syncio.get_session(Request(scope))
        check = functions.get_session(Request(scope))
        # Without a running loop there is no one to wait for it: the coroutine ends at its first step.

        async def steps() -> int:
            taken, of = 0, check.__await__()
            try:
                while True:
                    of.send(None)  # pyright: ignore
                    taken += 1
            except StopIteration as stop:
                self.assertEqual(stop.value.get_user_id(), "anna")
            return taken

        self.assertEqual(asyncio.run(steps()), 0)

    def test_lines_of_the_log_are_written_by_logging(self):
        start()
        refresh = make().get_all_session_tokens_dangerously()["refreshToken"]
        newer = syncio.refresh_session_without_request_response(refresh, True)
        syncio.refresh_session_without_request_response(newer.get_all_session_tokens_dangerously()["refreshToken"] or "", True)
        logger = logging.getLogger("com.supertokens")
        before, logger.level = logger.level, logging.DEBUG
        try:
            with self.assertLogs(logger, "WARNING") as lines, self.assertRaises(Exception):
                syncio.refresh_session_without_request_response(refresh, True)
            self.assertRegex("\n".join(lines.output), "theft|ended")
            self.assertNotIn(refresh, "\n".join(lines.output), "no token is in it")
        finally:
            logger.level = before


class Workers(unittest.TestCase):
    def test_gunicorn_is_not_needed_to_see_what_workers_do(self):
        # Two workers of a forked server with a core beside: sessions are one.
        core = program()
        script = """
init(connection_uri=sys.argv[1], api_key=sys.argv[2])
reading, writing = os.pipe()
def first():
    os.write(writing, make().get_access_token().encode())
def second():
    found = syncio.get_session_without_request_response(os.read(reading, 9000).decode(), check_database=True)
    print(found.get_user_id(), flush=True)
print(child(first), child(second))
"""
        self.assertEqual(said(script, core.connection_uri, core.api_key or ""), ["anna", "0 0"])


class Closing(unittest.TestCase):
    def test_the_core_ends_with_the_sdk(self):
        database = new_database()
        for _ in range(3):
            start(config=SupertokensConfig(embedded=database))
            make()
        supertokens.close()
        gc.collect()
        self.assertEqual(len(_engine._engines), 0)  # pyright: ignore
        until = time.monotonic() + 10
        while True:
            # Another process gets the file once the threads of the last one are through.
            done = ran(BEGIN + "init(embedded=sys.argv[1])\nprint(make().get_user_id())", database)
            if done.returncode == 0 or time.monotonic() > until:
                break
        self.assertEqual(done.stdout, "anna\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
