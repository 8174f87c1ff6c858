"""Stored work outlives whatever carries it: workers that are killed or held up, gateways, the
nats-server, and readers who come and go.

What takes half a minute because the queue, or a worker, waits so long happens at the same time,
each with a system of its own; each test then says what it saw.
"""

import asyncio
import signal
import time

import pytest

from support.callers import client
from support.process import until
from support.readers import Reader, asked, fetch
from support.stories import Story
from support.system import System, journal, kept_at

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(150)]

# The queue gives a response to another worker after this time without a word: a live one, and one
# in the background.
ACK_WAIT_S = (15, 30)
# For the next worker's attempt, its model, and a machine that is busy with the other scenes.
MARGIN_S = 5
# A live response is worked on for so long while nobody reads it.
UNREAD_S = 30
# A worker looks for readers, and at the log of a silent model, so often.
LOOKS_S = 5
AWAY_S = 18
# A line of the catalogue: the simulator's servers go on behind the beginning of an answer.
GOES_ON = 'continues = "continue_final_message"'


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


class Scene:
    """A system in which one thing happens. Its models may go on where another one was."""

    def __init__(self, http, system, goes_on):
        self.http = http
        self.system = system
        self._goes_on = goes_on

    def asks(self, tokens, gateway=0, leaves_after=None, **more):
        """A reader who asks for a response, and the task that reads it as it comes."""
        reader = Reader(self.http, Story(tokens, self._goes_on))
        body = asked(tokens, stream=True, **more)
        creating = reader.creates(self.system.gateways[gateway], body, leaves_after)
        return reader, asyncio.create_task(creating)

    async def speaks(self, story, tokens, item=0):
        """Waits until so many tokens of an item were heard."""

        async def heard():
            return len(story.items) > item and story.items[item].text.count(" ") >= tokens

        await until(f"item {item} has {tokens} tokens", heard)

    async def is_whole(self, story):
        """Reads it again on every gateway, in pieces and in one: nothing differs."""
        for gateway in self.system.gateways:
            await gateway.ready()
            assert await Reader(self.http, story).reads_on(gateway) == "over"
            response, why = await fetch(self.http, gateway.url, story.id)
            assert response, why
            story.agrees_with(response)


async def killed(scene):
    """A worker is killed that has a live response and one in the background in hand.

    Gives their stories, how long their readers waited for more, and how many models were asked.
    """
    system = scene.system
    first, second = system.workers
    live, reading = scene.asks(100, token_ms=40)
    later, reading_later = scene.asks(100, token_ms=40, background=True)
    await scene.speaks(live.story, 20)
    await scene.speaks(later.story, 20)
    await second.start_again()
    await first.kill()
    assert await reading == await reading_later == "over"
    await first.start_again()
    readers = [live, later]
    for reader in readers:
        await scene.is_whole(reader.story)
    waited_s = [max(silence.took_s for silence in reader.silences) for reader in readers]
    asked = (await journal(system.simulator))["started"]
    return [reader.story for reader in readers], waited_s, asked


async def held_up(scene):
    system = scene.system
    first, second = system.workers
    # Its model speaks all the time: its next append is what is refused.
    speaking, reading = scene.asks(550, token_ms=50)
    # This one's model is silent: the worker must find out without an append.
    stalls = {"stall_after": 20, "times": 1, "key": "silent"}
    silent, reading_silent = scene.asks(40, token_ms=10, fault=stalls)
    await scene.speaks(speaking.story, 20)
    await scene.speaks(silent.story, 20)
    first.signal(signal.SIGSTOP)
    held_at = time.monotonic()
    await second.start_again()
    await scene.speaks(speaking.story, 20, item=1)
    spoke_after_s = time.monotonic() - held_at
    assert await reading_silent == "over"
    assert (await journal(system.simulator))["running"] >= 2, "its models still speak to it"

    first.signal(signal.SIGCONT)
    awake_at = time.monotonic()
    seen = await journal(system.simulator, client_gone=2, wait_ms=20_000)
    fenced_after_s = time.monotonic() - awake_at
    assert await reading == "over"
    assert (await journal(system.simulator))["client_gone"] == seen["client_gone"] == 2
    for story in (speaking.story, silent.story):
        await scene.is_whole(story)
    return [speaking.story, silent.story], spoke_after_s, fenced_after_s


async def gateway_killed(scene):
    doomed, other = scene.system.gateways
    reader, reading = scene.asks(100, token_ms=40)
    await scene.speaks(reader.story, 20)
    killed_at = time.monotonic()
    await doomed.kill()
    assert await reading == "cut", reader.why
    known = reader.story.length
    going_on = asyncio.create_task(reader.reads_on(other))

    async def is_news():
        return reader.story.length > known

    await until("the other gateway goes on", is_news)
    resumed_after_s = time.monotonic() - killed_at
    assert await going_on == "over"
    await doomed.start_again()
    # From the beginning, on each: byte for byte, or it is a lie.
    await scene.is_whole(reader.story)
    return reader.story, resumed_after_s


async def nats_restarted(scene, down_s):
    reader, reading = scene.asks(100, token_ms=40)
    await scene.speaks(reader.story, 20)
    await scene.system.nats.kill()
    await asyncio.sleep(down_s)
    known = reader.story.length
    await scene.system.nats.start_again()
    back_at = time.monotonic()

    async def is_news():
        return reader.story.length > known

    await until("it goes on", is_news)
    resumed_after_s = time.monotonic() - back_at
    assert await reading == "over", "on the same connection"
    await scene.is_whole(reader.story)
    return reader.story, resumed_after_s


async def left(scene):
    """One reader leaves for good, and one for eighteen seconds, twice, and is back in between for
    long enough to be seen whenever a worker looks."""
    system = scene.system
    first, second = system.gateways
    gone, reading = scene.asks(60_000, token_ms=20, leaves_after=30)
    back, reading_back = scene.asks(920, gateway=1, token_ms=50, leaves_after=30)
    assert await reading == "left"
    left_at = time.monotonic()

    async def stopped():
        await journal(system.simulator, client_gone=1, wait_ms=60_000)
        return time.monotonic() - left_at

    async def comes_back(reader, leaves_after):
        await asyncio.sleep(AWAY_S)
        assert await reader.reads_on(first, leaves_after) == "left"
        await asyncio.sleep(AWAY_S)
        assert await reader.reads_on(second) == "over"
        await scene.is_whole(reader.story)

    assert await reading_back == "left"
    words = (AWAY_S + LOOKS_S) * 20
    stopped_after_s, _back = await asyncio.gather(stopped(), comes_back(back, words))
    assert await gone.reads_on(second) == "over"
    await scene.is_whole(gone.story)
    return gone.story, back.story, stopped_after_s


async def moved(scene):
    """A worker is killed, and the reader is away for a moment when another one takes over."""
    system = scene.system
    # The first model call says nothing more; the second one is quick.
    stalls = {"stall_after": 20, "times": 1, "key": "moved"}
    reader, reading = scene.asks(40, token_ms=10, fault=stalls)
    await scene.speaks(reader.story, 20)
    # Older than a live response may be unread.
    await asyncio.sleep(UNREAD_S - ACK_WAIT_S[0] + LOOKS_S)
    await system.workers[1].start_again()
    await system.workers[0].kill()
    await asyncio.sleep(LOOKS_S)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.sleep(ACK_WAIT_S[0])
    reader.rewinds()
    assert await reader.reads_on(system.gateways[1]) == "over"
    await system.workers[0].start_again()
    return reader.story


async def slower(scene):
    """A worker takes over after the nats-server was restarted, while the gateway of a reader who
    is there all the time has not made its connection again."""
    system = scene.system
    stalls = {"stall_after": 20, "times": 1, "key": "slower"}
    reader, reading = scene.asks(40, token_ms=10, fault=stalls)
    await scene.speaks(reader.story, 20)
    await asyncio.sleep(UNREAD_S - ACK_WAIT_S[0] + LOOKS_S)
    await system.workers[1].start_again()
    system.gateways[0].signal(signal.SIGSTOP)
    await system.workers[0].kill()
    await system.nats.kill()
    await system.nats.start_again()
    await asyncio.sleep(ACK_WAIT_S[0] + LOOKS_S)
    system.gateways[0].signal(signal.SIGCONT)
    assert await reading == "over", "on the same connection"
    await system.workers[0].start_again()
    return reader.story


@pytest.fixture(scope="module")
async def scenes(tmp_path_factory):
    """What came of each scene, by its name: what was seen, or what went wrong."""

    async def plays(name, play, limits="", **wanted):
        folder = kept_at(f"stored-{name}", tmp_path_factory.mktemp(name))
        system = System(folder, gateways=2, workers=2, limits=limits, **wanted)
        try:
            await system.start()
            async with client() as http:
                seen = await play(Scene(http, system, goes_on=limits == GOES_ON))
            await system.at_rest(within_s=60)
            assert system.complaints() == []
            return seen
        finally:
            system.abandon()

    # Where a worker is killed or held up, the other one comes when it has everything in hand.
    playing = {
        "killed": plays("killed", killed, idle=[1]),
        "continued": plays("continued", killed, idle=[1], limits=GOES_ON),
        "held-up": plays("held-up", held_up, idle=[1]),
        "gateway": plays("gateway", gateway_killed),
        "nats": plays("nats", lambda scene: nats_restarted(scene, 2)),
        "nats-long": plays("nats-long", lambda scene: nats_restarted(scene, 20)),
        "left": plays("left", left),
        "moved": plays("moved", moved, idle=[1]),
        "slower": plays("slower", slower, idle=[1]),
    }
    seen = await asyncio.gather(*playing.values(), return_exceptions=True)
    return dict(zip(playing, seen, strict=True))


@pytest.fixture
def scene(scenes):
    def scene(name):
        seen = scenes[name]
        if isinstance(seen, BaseException):
            raise seen
        return seen

    return scene


def is_begun_anew(story):
    """Its readers had words of an attempt that did not end, and then a whole one."""
    first, second = story.items
    assert (first.status, second.status) == ("incomplete", "completed")
    assert 0 < len(first.text) < len(second.text)
    assert story.end == "completed"


async def test_a_worker_is_killed_and_the_next_one_begins_anew(scene, measured):
    stories, waited_s, asked = scene("killed")

    assert asked == 4
    for story, waited, ack_wait_s in zip(stories, waited_s, ACK_WAIT_S, strict=True):
        is_begun_anew(story)
        measured("from the last word of one attempt to the next one", waited)
        assert waited < ack_wait_s + MARGIN_S


async def test_a_worker_is_killed_and_the_next_one_goes_on_where_it_was(scene, measured):
    stories, waited_s, asked = scene("continued")

    # A story takes no token twice, none out of order and none too few, and no number twice.
    assert asked == 4
    for story, waited, ack_wait_s in zip(stories, waited_s, ACK_WAIT_S, strict=True):
        assert (story.end, story.restarts) == ("completed", 0)
        assert [item.status for item in story.items] == ["completed"]
        measured("from the last word of one attempt to the next one", waited)
        assert waited < ack_wait_s + MARGIN_S


async def test_a_worker_that_was_held_up_is_out_and_changes_nothing(scene, measured):
    stories, spoke_after_s, fenced_after_s = scene("held-up")

    for story in stories:
        is_begun_anew(story)
    measured("from the hold to the next attempt's first words", spoke_after_s)
    assert spoke_after_s < ACK_WAIT_S[0] + MARGIN_S
    measured("from its waking up to its models' end", fenced_after_s)
    assert fenced_after_s < 2 * LOOKS_S


async def test_a_gateway_is_killed_and_the_other_one_goes_on_byte_for_byte(scene, measured):
    story, resumed_after_s = scene("gateway")

    assert (story.end, story.restarts) == ("completed", 0)
    measured("from the kill to the next word elsewhere", resumed_after_s)
    assert resumed_after_s < MARGIN_S


@pytest.mark.parametrize("outage", ["nats", "nats-long"])
async def test_the_nats_server_is_killed_and_an_answer_goes_on(scene, measured, outage):
    story, resumed_after_s = scene(outage)

    assert story.end == "completed"
    anew = f"begun anew {story.restarts} times"
    measured(f"from its return to the next word, {anew}", resumed_after_s)
    assert resumed_after_s < MARGIN_S
    # Shorter than the queue waits: nobody needs to begin anew.
    assert outage == "nats-long" or story.restarts == 0


async def test_a_live_answer_ends_when_its_only_reader_is_gone_and_not_before(scene, measured):
    gone, back, stopped_after_s = scene("left")

    assert gone.end == "cancelled" and gone.items[-1].text
    measured("from the last reader's leaving to the model's end", stopped_after_s)
    assert UNREAD_S - MARGIN_S < stopped_after_s < UNREAD_S + 2 * LOOKS_S
    assert (back.end, back.restarts) == ("completed", 0)


async def test_a_reader_who_is_away_while_a_worker_takes_over_is_waited_for(scene):
    story = scene("moved")

    assert story.end == "completed"


async def test_a_reader_whose_gateway_connects_later_than_a_worker_counts(scene):
    story = scene("slower")

    assert story.end == "completed"
