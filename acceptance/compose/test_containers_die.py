"""Any one container dies while stored responses run: each that was accepted is answered whole."""

import asyncio
import time

import pytest

from support.held import Held
from support.process import until

pytestmark = pytest.mark.anyio


async def dies(stack, http, kill, measured, service):
    held = Held(http, stack.site)
    await held.more(8)
    [container, *_rest] = stack.containers(service)
    started = stack.inspect(container)["State"]["StartedAt"]

    await asyncio.to_thread(kill, container)
    killed_at = time.monotonic()

    async def runs_again():
        state = (await asyncio.to_thread(stack.inspect, container))["State"]
        return state["StartedAt"] != started and state.get("Health", {}).get("Status") == "healthy"

    await until(f"the engine has started {container} again", runs_again, 60)
    back_after_s = time.monotonic() - killed_at
    await held.more(8)
    accepted = await held.end()
    measured(
        f"{service}: healthy again {back_after_s:.1f} s after its death; "
        f"{len(accepted)} responses accepted, all whole"
    )


@pytest.mark.timeout(240)
async def test_a_worker_dies(stack, http, kill, measured):
    await dies(stack, http, kill, measured, "llm-worker")


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", ["gateway", "nats", "web", "proxy"])
async def test_another_dies(stack, http, kill, measured, service):
    await dies(stack, http, kill, measured, service)
