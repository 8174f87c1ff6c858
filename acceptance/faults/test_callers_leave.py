"""A caller who leaves stops the model, wherever the work is."""

import asyncio
import time

import pytest

from support.callers import Request, ask
from support.process import until
from support.system import journal

pytestmark = pytest.mark.anyio

# From the caller's end to the model's, over gateway, NATS and worker: typically 30 to 80 ms where
# two busy cores do everything, most of it to read the journal. This is about ten times that, and
# once in five the machine may have been busy with something else.
STOPS_WITHIN_S = 0.5
AT_MOST_S = 3
ENDLESS = {"tokens": 60_000, "token_ms": 10}


@pytest.mark.parametrize(
    ("phase", "form", "more"),
    [
        ("headers", "stream", {"fault": {"stall_before_headers": True}}),
        ("first_token", "stream", {"fault": {"stall_before_first_token": True}}),
        ("stream", "stream", ENDLESS),
        ("unary", "unary", ENDLESS),
    ],
)
async def test_the_model_sees_its_connection_closed(started, http, measured, phase, form, more):
    system = await started()
    delays = []
    for times in range(1, 6):
        asking = asyncio.create_task(ask(http, system.url, Request(form, **more)))

        async def is_in_phase():
            return (await journal(system.simulator))["running_in"][phase] == 1

        await until(f"the model is in phase {phase}", is_in_phase)

        left_at = time.monotonic()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        seen = await journal(system.simulator, client_gone=times, wait_ms=20_000)
        delays.append(time.monotonic() - left_at)

        assert seen["client_gone_in"][phase] == times
        assert seen["running"] == 0
    measured(f"from leaving in phase {phase} to the model's end, of five", sorted(delays)[2])
    assert sorted(delays)[2] < STOPS_WITHIN_S, delays
    assert max(delays) < AT_MOST_S, delays
    await system.at_rest()


async def test_queued_work_that_nobody_waits_for_never_reaches_the_model(started, http):
    system = await started(slots=1)
    first = asyncio.create_task(ask(http, system.url, Request(**ENDLESS)))
    await journal(system.simulator, started=1, wait_ms=20_000)
    queued = [asyncio.create_task(ask(http, system.url, Request(form))) for form in FORMS]

    async def all_are_queued():
        return await system.jobs_in_queue() == 1 + len(queued)

    await until("the others are queued", all_are_queued)
    for task in queued:
        task.cancel()
    await asyncio.gather(*queued, return_exceptions=True)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await system.at_rest()
    outcome = await ask(http, system.url, Request())

    assert outcome.end == "whole", outcome
    assert (await journal(system.simulator))["started"] == 2, "the first and the last"


FORMS = ["stream", "unary", "embeddings", "stream"]
