"""Settings of the session recipe."""

from ..._sdk import InputErrorHandlers as InputErrorHandlers
from ..._sdk import SessionConfig as SessionConfig
from ..._sdk import SessionOverrideConfig as SessionOverrideConfig
from ..._session import TokenTransferMethod as TokenTransferMethod

InputOverrideConfig = SessionOverrideConfig
