"""Requests and responses, whatever the framework."""

from .._http import BaseRequest as BaseRequest
from .._http import BaseResponse as BaseResponse
