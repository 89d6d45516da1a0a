"""Every test starts from an SDK that was never initialised, and Python resolves no name but this machine's: addresses, and
names that other code resolves, are not stopped. The list of what is left out is read here: file SUITE_LEFT_OUT has an entry
a line, a test, or a file or a folder with all that is in it."""

import os
import socket

import pytest

from tests.utils import reset

resolve = socket.getaddrinfo


def resolve_only_here(host, *arguments, **named):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in ("localhost", "127.0.0.1", "::1", None):
        raise socket.gaierror(socket.EAI_NONAME, f"{name} is not on this machine")
    return resolve(host, *arguments, **named)


socket.getaddrinfo = resolve_only_here


@pytest.fixture(autouse=True)
def forget_the_last_test():
    reset()
    yield
    reset()


def pytest_collection_modifyitems(config, items):
    with open(os.environ["SUITE_LEFT_OUT"]) as file:
        entries = [line.rstrip("\n") for line in file if not line.startswith("#")]
    used, left_out, kept = set(), [], []
    for item in items:
        name = item.nodeid
        found = [
            entry
            for entry in entries
            if name == entry
            or (entry.endswith("/") and name.startswith(entry))
            or (entry.endswith(".py") and name.startswith(entry + "::"))
        ]
        used.update(found)
        (left_out if found else kept).append(item)
    if unused := [entry for entry in entries if entry not in used]:
        raise pytest.UsageError(f"left out, but not there: {unused}")
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_sessionfinish(session):
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    kinds = ("passed", "deselected", "skipped", "failed", "error")
    passed, left_out, skipped, failed, errors = (
        len(stats.get(kind, [])) for kind in kinds
    )
    with open(os.environ["SUITE_RESULT"], "w") as file:
        file.write(f"{passed} {left_out} {skipped} {failed + errors}\n")
