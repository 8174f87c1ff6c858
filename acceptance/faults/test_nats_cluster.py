"""Three nats-servers, of which some are missing: nothing can be stored, and that is said."""

import asyncio

import pytest

from support.process import until
from support.readers import RESPONSES, Reader, asked, fetch, refusal
from support.stories import Story

pytestmark = pytest.mark.anyio

TOKENS = 100


@pytest.mark.timeout(180)
async def test_without_a_quorum_work_is_refused_what_is_accepted_goes_on_and_services_start(
    started, http, measured
):
    system = await started(nats_servers=3, gateways=2, workers=2, idle=[1])
    one, other = system.gateways
    story = Story(TOKENS)
    reader = Reader(http, story)
    background = asked(TOKENS, background=True, stream=True, token_ms=20)
    assert await reader.creates(one, background, leaves_after=5) == "left"

    async def reads_on():
        while await reader.reads_on(other) != "over":
            await asyncio.sleep(0.1)

    reading = asyncio.create_task(reads_on())
    missing = system.nats_servers[1:]
    for server in missing:
        await server.kill()
    refused = await http.post(f"{one.url}{RESPONSES}", json=asked(TOKENS, background=True))
    assert refusal(refused.status_code, refused.content) == "503 queue_unavailable"
    late = system.workers[1]
    late.start()

    async def asks_again():
        return "asking again" in late.said()

    await until("it waits for a leader", asks_again)
    for server in missing:
        server.start()
    await asyncio.gather(*(server.healthy() for server in system.nats_servers))
    await late.ready()

    await reading
    response, why = await fetch(http, one.url, story.id)
    assert not why
    story.agrees_with(response)
    assert (story.end, story.restarts) == ("completed", 0)
    measured("longest silence", max(silence.took_s for silence in reader.silences))
    await system.at_rest()


@pytest.mark.timeout(120)
async def test_everything_is_declared_on_a_cluster_that_still_gathers(started, http):
    system = await started(nats_servers=3, gathers=True)
    story = Story(TOKENS)
    stored = asked(TOKENS, background=True, stream=True)
    assert await Reader(http, story).creates(system.gateways[0], stored) == "over"
    response, why = await fetch(http, system.url, story.id)
    assert not why
    story.agrees_with(response)
