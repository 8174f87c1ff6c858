"""A seed is exchanged as docs/OPERATIONS.md says, and nobody notices."""

import asyncio
import re

import pytest

from support.held import Held
from support.operations import commands

pytestmark = [pytest.mark.anyio, pytest.mark.long]
HERE = "acceptance/compose/test_credentials_are_rotated.py"


def known(stack):
    """The public keys that the server is told of."""
    config = stack.compose("exec", "-T", "nats", "cat", "/etc/nats/credentials/nats-users.conf").stdout
    return set(re.findall(r"\bU[A-Z2-7]{55}\b", config))


@pytest.mark.timeout(240)
async def test_a_seed_is_exchanged_under_load(stack, http):
    before = known(stack)
    held = Held(http, stack.site, callers=3)
    await held.more(6)

    counts = []
    for step in commands(f"{HERE}::test_a_seed_is_exchanged_under_load"):
        await asyncio.to_thread(stack.command, step)
        counts.append(len(known(stack)))

    await held.more(6)
    await held.end()
    assert counts == [len(before) + 1] * 3 + [len(before)] * 2
    assert len(known(stack) - before) == 1
