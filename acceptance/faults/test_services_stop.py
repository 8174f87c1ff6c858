"""Each service is stopped with SIGTERM and started again, in turn, under load with open streams:
nobody loses an answer."""

import os
import signal

import pytest

from support.load import Load, counts, mixed, told

pytestmark = pytest.mark.anyio

# How many answers at least; acceptance/README.md names the long form.
ANSWERS = int(os.environ.get("FAULTS_ANSWERS", "300"))


@pytest.mark.timeout(900)
async def test_nobody_loses_an_answer(started, http, measured):
    system = await started(gateways=2, workers=2, webs=2, proxy=True)
    url_of = lambda request: system.web_url if request.form == "page" else system.url
    load = Load(http, url_of, mixed, callers=30)
    share = ANSWERS // len(system.services)

    for service in system.services:
        await load.more(share // 2)
        service.signal(signal.SIGTERM)
        code = await service.ends()
        assert code == 0, f"{service.name} ended with {code}"
        await service.start_again()
        await load.more(share - share // 2)
    outcomes = await load.end()

    assert len(outcomes) >= ANSWERS - len(system.services)
    assert set(counts(outcomes)) == {"whole"}, told(outcomes, "whole")
    measured(
        f"{len(outcomes)} answers, all whole; the longest silence in a stream",
        max(outcome.longest_gap_s for outcome in outcomes),
    )
    await system.at_rest()
