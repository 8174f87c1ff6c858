"""Orders for the model simulator: crates/model-simulator/README.md describes them."""

import json


def ordered(script=None, **orders):
    """The body's member that orders a script, a pace or a fault; for `extra_body`."""
    if script is not None:
        orders["script"] = script
    return {"simulator": orders}


def prompt_line(**orders):
    """The same as the first line of a prompt."""
    return f"simulator: {json.dumps(orders)}\n"
