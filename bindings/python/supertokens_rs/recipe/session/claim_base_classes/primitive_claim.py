"""One value."""

from ...._claims import PrimitiveClaim as PrimitiveClaim
from ...._claims import PrimitiveClaimValidators as PrimitiveClaimValidators
