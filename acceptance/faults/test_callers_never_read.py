"""Callers who do not read, of models that answer faster than anybody could: what waits for them is
bounded, and the callers beside them have what is theirs. docs/adr/0008-flow-control.md"""

import asyncio
import json

import pytest

from chaos.memory import can_be_measured, compare, measure, peak_kb
from support.callers import Request, ask, counted
from support.load import told
from support.raw import sse_events
from support.sleeper import Sleeper
from support.system import journal

pytestmark = pytest.mark.anyio

SLEEPERS = 40
HONEST = Request(tokens=100, token_ms=20)
# Of each service, above what it has when it has started. Typically 18 to 25 MiB.
MOST_KB = 96 * 1024
# Typically 50 ms; a tenth of what a caller who reads nothing is given.
LONGEST_SILENCE_S = 3


async def test_their_models_wait_and_the_others_are_served(started, http, measured):
    system = await started()
    first, rests = memory(system), []
    # What an allocator keeps of the first time is used again the second time.
    for time in range(1, 3):
        honest = asyncio.create_task(ask(http, system.url, HONEST))
        sleepers = [Sleeper(system.url) for _sleeper in range(SLEEPERS)]
        for sleeper in sleepers:
            await sleeper.asks(tokens=1_000_000)
        unary = [await ask(http, system.url, Request("unary")) for _call in range(20)]
        streamed = await honest

        outcomes = [streamed, *unary]
        assert {outcome.end for outcome in outcomes} == {"whole"}, told(outcomes, "whole")
        measured("the longest silence that an honest stream heard", streamed.longest_gap_s)
        assert streamed.longest_gap_s < LONGEST_SILENCE_S
        seen = await journal(system.simulator)
        assert seen["running"] == SLEEPERS, f"their models wait: {seen}"

        for sleeper in sleepers:
            sleeper.closes()
        await journal(system.simulator, client_gone=time * SLEEPERS, wait_ms=20_000)
        await system.at_rest()
        rests.append(memory(system))
    for service in system.services if first else []:
        grown = peak_kb(service.pid) - first[service.name][1]
        assert grown < MOST_KB, f"{service.name} took {grown} KB more at its peak"
    lines, grown = compare(*rests)
    assert not grown, f"at rest again, and more than before is kept:\n{lines}"


async def test_who_reads_slowly_gets_everything(started):
    system = await started()
    slow = Sleeper(system.url)
    # Four windows.
    tokens = 128

    await slow.asks(tokens)
    said = b""
    while piece := await slow.reads(8_000):
        said += piece
        await asyncio.sleep(0.02)

    *chunks, end = sse_events(said.decode())
    assert end == "[DONE]", end
    deltas = [json.loads(chunk)["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == counted(tokens)
    slow.closes()
    await system.at_rest()


def memory(system):
    return measure(system.services) if can_be_measured() else {}
