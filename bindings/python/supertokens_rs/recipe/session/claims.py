"""Claims."""

from ..._claims import BooleanClaim as BooleanClaim
from ..._claims import PrimitiveArrayClaim as PrimitiveArrayClaim
from ..._claims import PrimitiveClaim as PrimitiveClaim
from ..._session import SessionClaim as SessionClaim
