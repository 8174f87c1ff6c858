"""The nats-server is killed and comes back with its data: everything recovers by itself."""

import asyncio
import itertools

import pytest

from support.callers import Request, ask
from support.load import Load, counts, told
from support.process import until

pytestmark = pytest.mark.anyio

# Until whatever can be known of a request is known, after the longest outage here.
ENDS_WITHIN_S = 40


def mixed(random):
    form = random.choices(["stream", "unary", "embeddings"], [6, 3, 1])[0]
    return Request(form, tokens=60, token_ms=20, ttft_ms=50)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    # Longer than a silent worker or gateway is waited for, and shorter.
    "down_s",
    [0, 7],
)
async def test_it_comes_back_and_everything_goes_on(started, http, measured, down_s):
    system = await started(gateways=2, workers=2)
    urls = [gateway.url for gateway in system.gateways]
    turns = itertools.cycle(urls)
    load = Load(http, lambda _request: next(turns), mixed, callers=24)
    await load.more(48)

    await system.nats.kill()
    at_the_end = len(load.outcomes)
    await asyncio.sleep(down_s)
    await system.nats.start_again()

    async def all_is_well():
        lately = load.outcomes[-48:]
        return len(load.outcomes) > at_the_end + 48 and counts(lately)["whole"] == 48

    await until("48 answers in a row are whole", all_is_well, ENDS_WITHIN_S)
    outcomes = await load.end()

    assert set(counts(outcomes)) <= {"whole", "refused", "failed"}, told(outcomes, "whole")
    longest = max(outcome.took_s for outcome in outcomes)
    measured(f"{dict(counts(outcomes))}, the longest of them", longest)
    assert longest < ENDS_WITHIN_S
    await system.at_rest()
    for url in urls:
        outcome = await ask(http, url, Request())
        assert outcome.end == "whole", outcome
