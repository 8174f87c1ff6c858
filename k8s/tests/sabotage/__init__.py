"""Ways to break a bundle: the rule that has to notice, what is broken, how. What begins with the name
of an overlay breaks that one; all else production."""

from importlib import import_module

MODULES = ("pods", "ends", "availability", "configuration", "network", "nats")
SABOTAGE = [way for one in MODULES for way in import_module(f"sabotage.{one}").WAYS]
