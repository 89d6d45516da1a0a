"""Django under WSGI: serves settings.py and wsgi_views.py with a thread for each request."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
os.environ["MODE"] = "wsgi"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", int(os.environ["PORT"]), application, threaded=True)
    print("ready", flush=True)
    server.serve_forever()
