"""The alert that wakes somebody, with its real rule, while the fault happens: silent under success,
firing in the fault, silent again behind it. Time is made shorter by a factor, in all windows alike."""

import asyncio
import random
import time

import pytest

from support.callers import Request
from support.load import Load, counts, told
from support.process import until
from support.queries import rule_files
from support.readers import RESPONSES, asked
from support.rules import copied

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

# Of five minutes and of half an hour it makes four seconds, the fewest of which there is a rate, and of
# an hour nine.
FACTOR = 400
# So many that even those who wait for a model that is not there are more than the rule takes for too
# few to wake anybody; and each of them slow enough that all together leave the machine its breath.
CALLERS = 40
TTFT_MS = 300
# Longer than all windows of those that wake somebody, but for the longest: that one alone is enough
# for nothing.
SUCCESS_S = 9
FIRES_WITHIN_S = 30
SILENT_WITHIN_S = 40
# What a fault of a model brings about. How the others burn is promtool's to say.
FIRES = "AcceptBurn"
PAGE = "page"


async def test_it_fires_in_a_fault_and_goes_silent_after(started, watched, http, folder, tells):
    system = await started(gateways=2, workers=2)
    rules = copied(rule_files(), folder, FACTOR)
    prometheus = await watched(system, rules)
    turn = random.Random(1)
    load = Load(http, lambda _request: turn.choice(system.gateways).url, quick, CALLERS)
    stored = asyncio.create_task(works_behind(http, system.gateways[0]))

    async def burning(state="firing"):
        alerts = await prometheus.alerts()
        wanted = {name for name, severity, is_ in alerts if (severity, is_) == (PAGE, state)}
        return {name for name in wanted if name.endswith("Burn")}

    began = time.monotonic()
    while time.monotonic() - began < SUCCESS_S:
        assert not await burning() and not await burning("pending"), await prometheus.alerts()
        await asyncio.sleep(0.5)
    assert set(counts(load.outcomes)) == {"whole"}, counts(load.outcomes)
    well = len(load.outcomes)
    await stops(stored)

    began = time.monotonic()
    await system.simulator.kill()

    async def fires():
        return FIRES in await burning()

    await until(f"{FIRES} fires", fires, FIRES_WITHIN_S)
    fired_s = time.monotonic() - began
    await system.simulator.start_again()

    began = time.monotonic()

    async def nothing_burns():
        return not await burning() and not await burning("pending")

    await until("everything is silent", nothing_burns, SILENT_WITHIN_S)
    silent_s = time.monotonic() - began
    # And stays so: it is not the load that has ended.
    before = len(load.outcomes)
    await load.more(100)
    assert not await burning(), await prometheus.alerts()
    assert set(counts(load.outcomes[before:])) == {"whole"}, told(load.outcomes[before:], "whole")
    await load.end()
    tells(f"silent for {well} answers; fired after {fired_s:.0f} s, silent after {silent_s:.0f} s")
    assert await prometheus.sick_rules() == []


def quick(chance):
    form = chance.choice(["stream", "unary", "embeddings"])
    return Request(form, tokens=4, ttft_ms=TTFT_MS, token_ms=2)


async def works_behind(http, gateway):
    """Work in the background is success as well, and ends otherwise for its gateway."""
    while True:
        answer = await http.post(f"{gateway.url}{RESPONSES}", json=asked(3, background=True))
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(0.05)


async def stops(task):
    assert not task.done(), task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
