"""Responses, whatever the framework."""

from .._http import BaseResponse as BaseResponse
