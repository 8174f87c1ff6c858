"""Whoever watches over the rest is watched: each lie of a server is called one, and each end that
nothing explains is reported."""

import asyncio

import pytest

from chaos.account import too_few_whole, unaccounted
from chaos.memory import compare
from chaos.trouble import Trouble
from support.callers import Outcome, Request, ask, client

pytestmark = pytest.mark.anyio

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
DONE = "data: [DONE]\n\n"
ERROR = 'data: {"error":{"message":"no","code":"worker_lost","type":"server_error"}}\n\n'


def tokens(*numbers):
    event = 'data: {{"choices":[{{"index":0,"delta":{{"content":"t{} "}}}}]}}\n\n'
    return "".join(event.format(number) for number in numbers)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (tokens(0, 1, 2) + DONE, "whole"),
        (": waiting\n\n" + tokens(0, 1) + ERROR, "failed"),
        (tokens(0, 1, 1, 2) + DONE, "wrong"),
        (tokens(0, 2) + DONE, "wrong"),
        (tokens(0, 2, 1) + ERROR, "wrong"),
        (tokens(0, 1) + DONE, "wrong"),
        (tokens(0, 1, 2), "wrong"),
        (tokens(0, 1) + ERROR + DONE, "wrong"),
        (tokens(0, 1, 2) + DONE + DONE, "wrong"),
        ("", "wrong"),
    ],
)
async def test_a_lie_is_called_one(said, end):
    assert (await answered_with(said, len(said))).end == end


@pytest.mark.parametrize(("said", "end"), [(tokens(0, 1), "cut"), (tokens(0, 0), "wrong")])
async def test_a_connection_that_ends_too_early_is_cut(said, end):
    assert (await answered_with(said, len(said) + 1)).end == end


async def answered_with(said, length):
    """What a caller makes of a server that says this, and announces this length."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + f"content-length: {length}\r\n\r\n{said}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, client() as http:
        port = server.sockets[0].getsockname()[1]
        return await ask(http, f"http://127.0.0.1:{port}", Request(tokens=3))


def outcome(end, why="", by="gateway-2", form="stream"):
    return Outcome(Request(form), end, why, served_by=by, began=100, ended=101)


@pytest.mark.parametrize(
    ("ended", "kind", "good"),
    [
        (outcome("whole"), "stream", True),
        (outcome("whole"), "fault", False),
        (outcome("hung"), "stream", False),
        (outcome("wrong"), "fault", False),
        (outcome("left"), "leaves", True),
        (outcome("left"), "stream", False),
        (outcome("cut"), "stream", True),
        (outcome("cut", by="gateway-1"), "stream", False),
        (outcome("proxy", "502", by="gateway-1"), "unary", False),
        (outcome("failed", "worker_lost"), "stream", True),
        (outcome("failed", "gateway_stopped"), "stream", False),
        (outcome("failed", "upstream_closed"), "stream", False),
        (outcome("failed", "upstream_closed"), "fault", True),
        (outcome("failed", "read_too_slowly"), "slow", False),
        (outcome("failed", "upstream_closed"), "leaves", False),
        (outcome("failed", "page", form="page"), "page", True),
        (outcome("refused", "503 queue_unavailable"), "unary", True),
        (outcome("refused", "500 internal_error"), "unary", False),
        (outcome("refused", "404 model_not_found"), "unary", False),
        (outcome("refused", "400 simulated_fault"), "fault", True),
    ],
    ids=str,
)
def test_an_end_needs_a_reason(ended, kind, good):
    killed = Trouble("kill", "gateway-2", 100.5, 102)

    assert (unaccounted(ended, kind, [killed]) is None) == good


def test_a_system_that_refuses_everything_is_not_good():
    kind_of = lambda _request: "stream"
    refused = outcome("refused", "503 queue_unavailable")

    assert too_few_whole([refused] * 2 + [outcome("whole")] * 7, kind_of)
    assert too_few_whole([refused] * 2 + [outcome("whole")] * 8, kind_of) is None
    assert too_few_whole([refused], lambda _request: "fault") is None


def test_trouble_long_ago_explains_nothing():
    long_ago = Trouble("kill", "gateway-2", 10, 12)

    assert unaccounted(outcome("failed", "worker_lost"), "stream", [long_ago])
    assert unaccounted(outcome("refused", "503 queue_unavailable"), "stream", [long_ago])


def test_a_process_that_awakes_may_cut_what_it_had_not_read():
    cut = outcome("cut", by="")

    assert unaccounted(cut, "stream", [Trouble("hold", "gateway-3", 95, 101.1)]) is None
    assert unaccounted(cut, "stream", [Trouble("hold", "gateway-3", 95, 98)])
    assert unaccounted(cut, "stream", [Trouble("hold", "llm-worker-1", 95, 101.1)])
    spoken = outcome("cut", by="gateway-3")
    spoken.text = "t0 "
    assert unaccounted(spoken, "stream", [Trouble("hold", "gateway-3", 95, 101.1)])


def test_memory_is_compared_over_those_that_lived():
    before = {"web-1": (1, 10_000), "web-2": (1, 10_000), "gateway-1": (1, 10_000)}
    after = {"web-1": (1, 15_000), "web-2": (2, 90_000), "gateway-1": (1, 15_100)}

    _lines, grown = compare(before, after)

    assert grown == ["gateway"]
