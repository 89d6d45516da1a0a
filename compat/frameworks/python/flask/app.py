"""Flask, along the six steps of the Backend Integration page."""

import os

from releases import CHECKED, about, only_admins, session_for

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
    framework="flask",
    recipe_list=[session.init()],
    telemetry=False,
)

# step 3: the SuperTokens APIs, CORS; step 4: the middleware handles the SDK's errors too
from flask import Flask, abort, g, jsonify, request
from flask_cors import CORS
from supertokens_python import get_all_cors_headers
from supertokens_python.framework.flask import Middleware

app = Flask(__name__)
Middleware(app)

CORS(
    app=app,
    origins=[website_domain],
    supports_credentials=True,
    allow_headers=["Content-Type"] + get_all_cors_headers(),
)


# Without it an OPTIONS request for the middleware's APIs is answered 404.
@app.route("/", defaults={"u_path": ""})
@app.route("/<path:u_path>")
def catch_all(u_path: str):
    abort(404)


from supertokens_python.recipe.session.syncio import create_new_session


@app.route("/login", methods=["POST"])
def login():
    asked = request.get_json()
    made = create_new_session(request, *session_for(asked["userId"], asked["payload"]))
    return jsonify(userId=asked["userId"], handle=made.get_handle())


# step 5: routes that need a session
from supertokens_python.recipe.session.framework.flask import verify_session


@app.route("/session", methods=["GET"])
@verify_session()
def of_session():
    return jsonify(about(g.supertokens))


@app.route("/session-checked", methods=["GET"])
@verify_session(**CHECKED)
def of_checked_session():
    return jsonify(about(g.supertokens))


@app.route("/optional", methods=["GET"])
@verify_session(session_required=False)
def optional():
    return jsonify(userId=g.supertokens.get_user_id() if g.supertokens else None)


@app.route("/merge", methods=["POST"])
@verify_session()
def merge():
    g.supertokens.sync_merge_into_access_token_payload(request.get_json())
    return jsonify({})


@app.route("/claim", methods=["GET"])
@verify_session(override_global_claim_validators=only_admins)
def claim():
    return jsonify(userId=g.supertokens.get_user_id())


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", port, app, threaded=True)
    print("ready", flush=True)
    server.serve_forever()
