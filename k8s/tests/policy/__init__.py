"""The rules that every overlay keeps. Each is a function from a bundle to complaints."""

from importlib import import_module

RULES = {}


def rule(function):
    """Enters it under its name."""
    RULES[function.__name__] = function
    return function


for module in ("pods", "ends", "availability", "configuration", "network", "nats"):
    import_module(f"policy.{module}")
