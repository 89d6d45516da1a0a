"""True or false."""

from ...._claims import BooleanClaim as BooleanClaim
from ...._claims import BooleanClaimValidators as BooleanClaimValidators
