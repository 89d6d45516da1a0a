"""Errors of the SDK."""

from ._errors import BadInputError as BadInputError
from ._errors import EngineError as EngineError
from ._errors import GeneralError as GeneralError
from ._errors import NotInThisPackageError as NotInThisPackageError
from ._errors import PluginError as PluginError
from ._errors import SuperTokensError as SuperTokensError
from ._errors import raise_bad_input_exception as raise_bad_input_exception
from ._errors import raise_general_exception as raise_general_exception
