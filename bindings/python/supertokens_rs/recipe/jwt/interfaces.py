"""What the functions give."""

from ..._results import CreateJwtOkResult as CreateJwtOkResult
from ..._results import CreateJwtResultUnsupportedAlgorithm as CreateJwtResultUnsupportedAlgorithm
from ..._results import GetJWKSResult as GetJWKSResult
from ..._results import JsonWebKey as JsonWebKey
