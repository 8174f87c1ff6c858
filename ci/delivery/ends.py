"""How the programs end: one line that says why, and an exit code that a pipeline can tell apart."""

import sys

GOOD = 0
REFUSED = 1  # looked at, and not good enough
USAGE = 2  # the command line, as argparse has it
NOT_SCANNED = 3  # nothing was looked at: neither good nor bad
MISSING = 69  # a program or a service that is needed is not there, or failed (EX_UNAVAILABLE)
SETTINGS = 78  # a file or a variable that we were given cannot be used (EX_CONFIG)

TABLE = """exit codes:
  0   good
  1   refused: it was looked at and is not good enough
  2   the command line is not understood
  3   not scanned: nothing was looked at (ci/scan)
  69  a program or a service that is needed is missing, or failed
  78  a file or a variable cannot be used"""


class End(Exception):
    """Why a program ends early."""

    code = REFUSED


class Refused(End):
    """It was looked at, and is not good enough."""


class NotScanned(End):
    """Nothing was looked at."""

    code = NOT_SCANNED


class Missing(End):
    """Something that is needed is not there."""

    code = MISSING


class Unusable(End):
    """What we were given cannot be used."""

    code = SETTINGS


def run(name, main):
    """Runs a program, and ends the process as it says."""
    try:
        sys.exit(main() or GOOD)
    except End as end:
        word = {REFUSED: "refused: ", NOT_SCANNED: "not scanned: "}.get(end.code, "")
        print(f"{name}: {word}{end}", file=sys.stderr)
        sys.exit(end.code)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(GOOD)
