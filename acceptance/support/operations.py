"""The commands of docs/OPERATIONS.md: tests execute them as they stand there.

A comment above a block names the test that does, or says why none does;
`xtask/tests/walls/operations.rs` sees to it.
"""

import re

from support.compose import ROOT

PAGE = ROOT / "docs" / "OPERATIONS.md"


def commands(test):
    """What the block that names this test has somebody type, line by line."""
    marker = f"<!-- executed by {test} -->\n```sh\n"
    blocks = PAGE.read_text().split(marker)[1:]
    assert blocks, f"no block of {PAGE.name} names {test}"
    lines = [line for block in blocks for line in block.partition("\n```")[0].splitlines()]
    # What is said about a command stands behind it.
    typed = [re.sub(r"\s+# .*", "", line).strip() for line in lines]
    return [line for line in typed if line]
