"""Django under ASGI: serves settings.py and asgi_views.py with uvicorn."""

import os
import socket

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
os.environ["MODE"] = "asgi"

from django.core.asgi import get_asgi_application

application = get_asgi_application()

if __name__ == "__main__":
    import uvicorn

    listening = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
    print("ready", flush=True)
    uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off")).run(sockets=[listening])
