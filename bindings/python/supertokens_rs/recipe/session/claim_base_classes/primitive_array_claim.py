"""A list of values."""

from ...._claims import PrimitiveArrayClaim as PrimitiveArrayClaim
from ...._claims import PrimitiveArrayClaimValidators as PrimitiveArrayClaimValidators
