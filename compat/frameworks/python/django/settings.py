"""Django's settings, along the six steps of the Backend Integration page; MODE is asgi or wsgi."""

import os

# step 2: initialise
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.recipe import session

port = int(os.environ["PORT"])
website_domain = "http://localhost:3000"

init(
    app_info=InputAppInfo(
        app_name="compat",
        api_domain=f"http://localhost:{port}",
        website_domain=website_domain,
        api_base_path="/auth",
        website_base_path="/auth",
    ),
    supertokens_config=SupertokensConfig(connection_uri=os.environ["CORE_URL"], api_key=os.environ["API_KEY"]),
    framework="django",
    recipe_list=[session.init()],
    mode=os.environ["MODE"],
    telemetry=False,
)

# step 3: CORS, then the SuperTokens APIs; step 4: the middleware handles the SDK's errors too
from corsheaders.defaults import default_headers
from supertokens_python import get_all_cors_headers

CORS_ALLOW_CREDENTIALS = True
CORS_ALLOWED_ORIGINS = [website_domain]
CORS_ALLOW_HEADERS = list(default_headers) + ["Content-Type"] + get_all_cors_headers()

INSTALLED_APPS = ["corsheaders", "supertokens_python"]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "supertokens_python.framework.django.django_middleware.middleware",
]

ROOT_URLCONF = f"{os.environ['MODE']}_views"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
APPEND_SLASH = False
SECRET_KEY = "of no use: nothing here is signed by Django"
USE_TZ = True
# As startproject writes it, and needed: under another zone SDK 0.11 sets cookies that end hours too early or too late.
TIME_ZONE = "UTC"
