"""A gateway is killed: its work stops, and nobody else notices."""

import asyncio
import time

import pytest

from support.callers import Request, ask
from support.process import until
from support.system import journal

pytestmark = pytest.mark.anyio

# A gateway that is silent for so long holds no callers any more.
SILENT_AFTER_S = 5
# For the beat that follows, and the model's end.
MARGIN_S = 2


async def test_its_work_stops_and_others_notice_nothing(started, http, measured):
    system = await started(gateways=2, workers=2)
    doomed, other = system.gateways
    endless = Request(tokens=60_000, token_ms=20)
    theirs = [asyncio.create_task(ask(http, doomed.url, endless)) for _caller in range(10)]
    unary = Request("unary", tokens=60_000, token_ms=20)
    theirs += [asyncio.create_task(ask(http, doomed.url, unary)) for _caller in range(5)]
    # Longer than all that happens.
    others = Request(tokens=1_000, token_ms=10)
    ours = [asyncio.create_task(ask(http, other.url, others)) for _caller in range(10)]
    await until("all are answered", lambda: running(system, 25))

    killed_at = time.monotonic()
    await doomed.kill()
    seen = await journal(system.simulator, client_gone=15, wait_ms=20_000)
    stopped_after = time.monotonic() - killed_at

    measured("from the kill to the models' end", stopped_after)
    assert stopped_after < SILENT_AFTER_S + MARGIN_S
    assert seen["client_gone"] == 15
    cut = await asyncio.gather(*theirs)
    assert {outcome.end for outcome in cut} == {"cut"}, ends(cut)
    outcomes = await asyncio.gather(*ours)
    assert {outcome.end for outcome in outcomes} == {"whole"}, ends(outcomes)
    longest = max(outcome.longest_gap_s for outcome in outcomes)
    measured("the longest silence that others heard", longest)
    assert longest < SILENT_AFTER_S, "others notice nothing"
    await doomed.start_again()
    await system.at_rest()


async def test_what_it_had_queued_is_forgotten(started, http):
    system = await started(gateways=2, slots=1)
    doomed, other = system.gateways
    endless = Request(tokens=60_000, token_ms=20)
    first = asyncio.create_task(ask(http, other.url, endless))
    await journal(system.simulator, started=1, wait_ms=20_000)
    queued = [asyncio.create_task(ask(http, doomed.url, endless)) for _caller in range(5)]

    async def all_are_queued():
        return await system.jobs_in_queue() == 6

    await until("all are queued", all_are_queued)
    await doomed.kill()
    await asyncio.gather(*queued)
    await asyncio.sleep(SILENT_AFTER_S)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    # A job that was queued after the forgotten ones.
    outcome = await ask(http, other.url, Request())

    assert outcome.end == "whole", outcome
    assert (await journal(system.simulator))["started"] == 2, "the first and the last"
    await doomed.start_again()
    await system.at_rest()


async def running(system, number):
    return (await journal(system.simulator))["running"] == number


def ends(outcomes):
    return "\n".join(str(outcome) for outcome in outcomes)
