"""What the Python suites share: where Chappe is, how to steer the simulator, what it saw."""

from support.journal import Simulator
from support.orders import ordered, prompt_line
from support.raw import Raw, sse_events

__all__ = ["Raw", "Simulator", "ordered", "prompt_line", "sse_events"]
