"""What endpoints answer."""

from .._types import APIResponse as APIResponse
from .._types import GeneralErrorResponse as GeneralErrorResponse
