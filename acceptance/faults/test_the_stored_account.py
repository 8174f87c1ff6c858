"""Whoever watches over stored work is watched: each lie of a response is called one, and each
promise that was not kept is reported."""

import asyncio
import json

import pytest

from chaos.jobs import Job
from chaos.promises import recoveries, table, too_few_completed, unaccounted
from chaos.trouble import Trouble
from support.callers import client
from support.readers import Reader, Silence
from support.stories import BrokenOff, Lie, Story

pytestmark = pytest.mark.anyio

TOKENS = 3


def message(text, status="completed"):
    part = {"type": "output_text", "text": text}
    return {"type": "message", "status": status, "content": [part]}


def event(number, kind, **more):
    said = json.dumps({"type": kind, "sequence_number": number, **more})
    return f"event: {kind}\nid: {number}\ndata: {said}".encode()


def response(status, *texts):
    usage = {"output_tokens": TOKENS}
    output = [message(text) for text in texts]
    return {"id": "resp_1", "status": status, "output": output, "usage": usage, "error": None}


class Teller:
    """Tells a response, number by number."""

    def __init__(self):
        self.events = []
        self.says("response.created", response=response("in_progress"))

    def says(self, kind, **more):
        self.events.append(event(len(self.events), kind, **more))
        return self

    def item(self, *words, index=0, status="completed", kept=None):
        self.says("response.output_item.added", output_index=index)
        for word in words:
            self.says("response.output_text.delta", output_index=index, delta=word)
        text = "".join(words) if kept is None else kept
        return self.says(
            "response.output_item.done", output_index=index, item=message(text, status)
        )

    def ends(self, *texts, status="completed"):
        return self.says(f"response.{status}", response=response(status, *texts))


WORDS = ("t0 ", "t1 ", "t2 ")
WHOLE = "t0 t1 t2 "
GOOD = {
    "whole": Teller().item(*WORDS).ends(WHOLE),
    "anew": Teller().item("t0 ", status="incomplete").item(*WORDS, index=1).ends(WHOLE),
    "anew before a word": Teller().item(status="incomplete").item(*WORDS, index=1).ends(WHOLE),
}
LIES = {
    "a token twice": (Teller().item("t0 ", "t0 ", "t1 "), "tokens"),
    "a token lost": (Teller().item("t0 ", "t2 "), "tokens"),
    "an end too early": (Teller().item("t0 ").ends(WHOLE), "tokens"),
    "another text in the end": (Teller().item(*WORDS).ends("t0 t1 "), "tokens"),
    "the text of both attempts": (
        Teller().item("t0 ", status="incomplete").item(*WORDS, index=1).ends("t0 ", WHOLE),
        "result",
    ),
    "two ends": (Teller().item(*WORDS).ends(WHOLE).ends(WHOLE), "result"),
    "a word behind the end": (
        Teller().item(*WORDS).ends(WHOLE).says("response.output_text.delta", delta="t0 "),
        "result",
    ),
    "a second answer": (Teller().item(*WORDS).item(*WORDS, index=1), "events"),
    "an item left open": (
        Teller().says("response.output_item.added", output_index=0).ends(WHOLE),
        "events",
    ),
    "a closed item with another text": (Teller().item("t0 ", kept="t0 t1 "), "events"),
    "a number left out": (Teller().says("response.in_progress"), "events"),
}
del LIES["a number left out"][0].events[0]


@pytest.mark.parametrize("name", GOOD)
def test_what_may_be_said(name):
    story = Story(TOKENS)
    for one in GOOD[name].events:
        story.hears(one)

    assert story.end == "completed"
    story.agrees_with(response("completed", WHOLE))


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_called_one(name):
    told, about = LIES[name]
    story = Story(TOKENS)

    with pytest.raises(Lie) as lie:
        for one in told.events:
            story.hears(one)
    assert lie.value.about == about


@pytest.mark.parametrize(
    "fetched",
    [
        response("completed", "t0 t1 "),
        response("in_progress"),
        response("failed"),
        {**response("completed", WHOLE), "id": "resp_2"},
    ],
)
def test_what_is_fetched_must_be_what_was_said(fetched):
    story = Story(TOKENS)
    for one in GOOD["whole"].events:
        story.hears(one)

    with pytest.raises(Lie):
        story.agrees_with(fetched)


def test_what_is_heard_twice_must_be_the_same_bytes():
    story = Story(TOKENS)
    first, second, *_others = GOOD["whole"].events
    story.hears(first)
    story.hears(first)
    story.hears(second)

    with pytest.raises(Lie):
        story.hears(first.replace(b'"type": ', b'"type":'))


def test_an_error_without_a_number_breaks_off():
    with pytest.raises(BrokenOff):
        Story(TOKENS).hears(b'event: error\ndata: {"error":{"code":"gateway_stopped"}}')


@pytest.mark.parametrize(
    ("events", "announced", "ends"),
    [
        (GOOD["whole"].events, 0, "over"),
        (GOOD["whole"].events[:4], 1, "cut"),
        # An end of the stream, and none of the response.
        (GOOD["whole"].events[:4], 0, Lie),
        # Something that this reader has heard.
        ([*GOOD["whole"].events[:4], *GOOD["whole"].events[2:]], 0, Lie),
        # Of the rest, not the next.
        (GOOD["whole"].events[1:], 0, Lie),
    ],
)
async def test_a_reader_notices(events, announced, ends):
    said = b"".join(one + b"\n\n" for one in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"

    async def answer(asking, writer):
        await asking.readuntil(b"\r\n\r\n")
        writer.write(head + f"content-length: {len(said) + announced}\r\n\r\n".encode() + said)
        await writer.drain()
        writer.close()

    class Gateway:
        name = "gateway-1"

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, client() as http:
        Gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        reader = Reader(http, Story(TOKENS))
        if ends is Lie:
            with pytest.raises(Lie):
                await reader.reads_on(Gateway)
        else:
            assert await reader.reads_on(Gateway) == ends


KILLED = Trouble("kill", "gateway-2", 100, 102)


def job(promise, end="", why="", kind="background", silences=()):
    one = Job(kind, TOKENS, Story(TOKENS), began=101, promise=promise, end=end, why=why)
    one.asked_of, one.told_at = "gateway-2", 101.5
    one.silences += silences
    return one


def silence(began, ended, **more):
    return Silence(began, ended, number=9, spoken=True, after_event=True, **more)


@pytest.mark.parametrize(
    ("one", "good"),
    [
        (job("accepted", "completed"), True),
        (job("accepted", "lost", "404 response_not_found"), False),
        (job("accepted", "wrong", "a lie"), False),
        (job("accepted"), False),
        (job("accepted", "incomplete"), False),
        (job("accepted", "cancelled"), False),
        (job("accepted", "cancelled", kind="cancelled"), True),
        (job("accepted", "failed", "attempts_exhausted"), True),
        (job("accepted", "failed", "body_lost"), False),
        (job("refused", why="503 queue_unavailable"), True),
        (job("refused", why="500 internal_error"), False),
        (job("doubt"), True),
        (job("accepted", "completed", silences=[silence(101, 109)]), True),
        (job("accepted", "completed", silences=[silence(301, 309)]), False),
        (job("accepted", "completed", silences=[silence(301, 303)]), True),
    ],
    ids=lambda one: f"{one.promise}-{one.end}-{one.why}" if isinstance(one, Job) else None,
)
def test_a_promise_is_kept_or_reported(one, good):
    assert (unaccounted(one, [KILLED]) is None) == good


def test_without_trouble_nothing_is_excused():
    for one in [
        job("refused", why="503 queue_unavailable"),
        job("doubt"),
        job("accepted", "failed", "attempts_exhausted"),
    ]:
        assert unaccounted(one, [])
    for other in [("kill", "llm-worker-1"), ("kill", "gateway-1"), ("hold", "gateway-2")]:
        assert unaccounted(job("doubt"), [Trouble(*other, 100, 102)])


def test_a_system_whose_answers_all_fail_is_not_good():
    completed, failed = job("accepted", "completed"), job("accepted", "failed")

    assert too_few_completed([completed] * 9 + [failed])
    assert too_few_completed([completed] * 99 + [failed]) is None
    assert too_few_completed([completed] * 9 + [job("accepted", "lost")])


def test_the_table_counts_what_is_lost_doubled_and_changed():
    jobs = [job("accepted", "lost"), job("accepted", "completed"), job("doubt"), job("refused")]
    for about in ["result", "tokens", "events", "tokens"]:
        jobs.append(job("accepted", "wrong"))
        jobs[-1].about = about

    row = table(jobs).splitlines()[-2].split()

    assert row == ["all", *map(str, [8, 1, 1, 6, 1, 0, 0, 1, 1, 2, 1, 0])]


def test_a_silence_belongs_to_what_happened_when_it_began():
    cut = job("accepted", silences=[silence(100.1, 103, cut_by=["gateway-2"])])
    other = job("accepted", silences=[silence(100.1, 103, cut_by=["gateway-1"])])

    assert "kill gateway" in recoveries([cut], [KILLED])
    assert "kill gateway" not in recoveries([other], [KILLED])
    both = [KILLED, Trouble("kill", "nats-server", 100.3, 101)]
    assert "several at once" in recoveries([cut], both)


def test_of_several_nats_servers_it_matters_what_was_led():
    heard = job("accepted", silences=[silence(100.1, 103)])
    leader = Trouble("kill", "nats-server-2", 100, 102, being="leader of LOGS")

    assert "kill leader of LOGS" in recoveries([heard], [leader])
