"""Every service is exchanged, one replica at a time, under load with open streams: nobody loses an
answer. What is lost, and what load is, as in faults/test_services_stop.py."""

import asyncio
import os

import pytest

from support.load import Load, counts, mixed, told

pytestmark = [pytest.mark.anyio, pytest.mark.long]

ANSWERS = int(os.environ.get("COMPOSE_ANSWERS", "2000"))
SERVICES = ["gateway", "llm-worker", "web"]


@pytest.mark.timeout(1200)
async def test_nobody_loses_an_answer(stack, http, measured):
    url_of = lambda request: stack.web_url if request.form == "page" else stack.url
    load = Load(http, url_of, mixed, callers=30)
    share = ANSWERS // len(SERVICES)

    for service in SERVICES:
        before = set(stack.containers(service))
        await load.more(share // 2)
        rolled = await asyncio.to_thread(stack.script, "roll", service)
        assert rolled.stderr == "", "each has ended in order"
        ids = {stack.inspect(container)["Id"] for container in stack.containers(service)}
        assert len(ids) == len(before) == 2
        await load.more(share - share // 2)
    outcomes = await load.end()

    assert len(outcomes) >= ANSWERS - len(SERVICES)
    assert set(counts(outcomes)) == {"whole"}, told(outcomes, "whole")[:4000]
    measured(
        f"{len(outcomes)} answers while 6 containers were exchanged, all whole; the longest "
        f"silence in a stream: {max(one.longest_gap_s for one in outcomes) * 1000:.0f} ms"
    )
