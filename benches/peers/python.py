"""How often does supertokens-python check one session in a slice of time? Usage: python.py CORE_URL TOKEN_FILE.
Each line on standard input is a length in ms; each answer is a number of checks a second."""

import asyncio
import sys
import time

from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.recipe import session
from supertokens_python.recipe.session import asyncio as sessions

core_url, token_file = sys.argv[1:3]
init(
    supertokens_config=SupertokensConfig(connection_uri=core_url),
    app_info=InputAppInfo(app_name="bench", api_domain="http://localhost:3001", website_domain="http://localhost:3000"),
    framework="fastapi",
    recipe_list=[session.init()],
    mode="asgi",
    telemetry=False,
)
with open(token_file, encoding="utf-8") as file:
    token = file.read().strip()


async def check():
    return await sessions.get_session_without_request_response(token, None, anti_csrf_check=False)


async def main():
    assert (await check()).get_user_id()
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        end = begin + float(line) / 1000
        checks = 0
        while time.perf_counter() < end:
            await check()
            checks += 1
        print(checks / (time.perf_counter() - begin), flush=True)


asyncio.run(main())
