"""Our package under the official one's name, for applications that are not changed: found before the official one, as its folder comes
before all packages on the path."""

import importlib
import importlib.abc
import importlib.machinery
import os
import sys

OFFICIAL, OURS = "supertokens_python", "supertokens_rs"


class Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname != OFFICIAL and not fullname.startswith(f"{OFFICIAL}."):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec):
        return importlib.import_module(OURS + spec.name.removeprefix(OFFICIAL))

    def exec_module(self, module):
        # The same module has a name of its own, which the import machinery has just taken from it.
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None, origin=module.__file__, is_package=hasattr(module, "__path__"))


sys.meta_path.insert(0, Alias())

if os.environ.get("NATIVE_EMBEDDED"):
    # The one setting in which an application with a core of its own differs.
    import supertokens_rs

    core = supertokens_rs.EmbeddedCore(os.environ["DATABASE_URL"], {"access_token_validity": 3})
    init = supertokens_rs.init
    supertokens_rs.init = lambda *given, **named: init(*given, **{**named, "supertokens_config": supertokens_rs.SupertokensConfig(embedded=core)})
