"""Checks of routes, for each framework."""
