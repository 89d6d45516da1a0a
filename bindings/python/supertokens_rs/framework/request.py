"""Requests, whatever the framework."""

from .._http import BaseRequest as BaseRequest
