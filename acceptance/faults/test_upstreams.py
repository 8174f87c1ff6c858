"""A model server that fails, in each way that it can: its callers are told, and another one is
asked where there is one."""

import asyncio
import signal

import pytest

from support.callers import Request, ask
from support.process import until
from support.system import journal

pytestmark = pytest.mark.anyio

# What happens, in which form it was asked for, and what its caller must be told. `None`: anything,
# before the first token, that is an error with a status.
CASES = {
    "429": ({"status": 429}, "stream", ("refused", "429 ")),
    "429-unary": ({"status": 429}, "unary", ("refused", "429 ")),
    "500": ({"status": 500}, "stream", ("refused", "500 ")),
    "500-unary": ({"status": 500}, "unary", ("refused", "500 ")),
    "503": ({"status": 503}, "stream", ("refused", "503 ")),
    "stalls-before": ({"stall_before_headers": True}, "stream", ("refused", "504 upstream_timeout")),
    "stalls-after-its-head": (
        {"stall_before_first_token": True},
        "stream",
        ("refused", "504 upstream_timeout"),
    ),
    "stalls-in-the-middle": ({"stall_after": 3}, "stream", ("failed", "upstream_timeout")),
    "stalls-unary": ({"stall_after": 3}, "unary", ("refused", "504 upstream_timeout")),
    "garbage": ({"malformed_chunk_after": 0}, "stream", ("refused", "502 upstream_malformed")),
    "garbage-later": ({"malformed_chunk_after": 3}, "stream", ("failed", "upstream_malformed")),
    "garbage-unary": ({"garbage_json": True}, "unary", ("refused", "502 upstream_malformed")),
    "an-html-page": ({"wrong_content_type": True}, "stream", ("refused", "502 upstream_malformed")),
    "closes-at-once": ({"reset_on_accept": True}, "stream", ("refused", "502 ")),
    "closes-early": ({"close_without_done_after": 3}, "stream", ("failed", "upstream_closed")),
    "is-cut": ({"cut_after": 3}, "stream", ("failed", "upstream_closed")),
    "is-cut-unary": ({"cut_after": 3}, "unary", ("refused", "502 ")),
    "says-that-it-failed": ({"error_chunk_after": 3}, "stream", ("failed", "")),
    "a-line-of-10-MB": ({"huge_line_bytes": 10_000_000}, "stream", ("failed", "upstream_malformed")),
}
# One model for each, so that what one of them does to its upstream's circuit is its own affair.
MODEL = """\
[[models]]
name = "{name}"
[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"
name = "simulator"
first_token_timeout_ms = 1000
idle_timeout_ms = 1000
total_timeout_ms = 1500

"""


async def test_each_failure_is_an_honest_break(started, http):
    catalogue = "".join(MODEL.format(name=name) for name in CASES)
    system = await started(workers=2, catalogue=catalogue)
    asking = {
        name: ask(http, system.url, Request(form, fault=fault, tokens=20, token_ms=5, model=name))
        for name, (fault, form, _told) in CASES.items()
    }

    outcomes = dict(zip(asking, await asyncio.gather(*asking.values()), strict=True))

    wrong = {
        name: str(outcome)
        for name, outcome in outcomes.items()
        if outcome.end != CASES[name][2][0] or not outcome.why.startswith(CASES[name][2][1])
    }
    assert wrong == {}, "\n".join(f"{name}: {told}" for name, told in wrong.items())
    await system.at_rest()
    # All of them are well when their model server is.
    well = await asyncio.gather(*(ask(http, system.url, Request(model=name)) for name in CASES))
    assert {outcome.end for outcome in well} == {"whole"}, "\n".join(map(str, well))


STURDY = """\
[[models]]
name = "sturdy"
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
name = "simulator"
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator1}/v1"
name = "simulator"
weight = 0
"""


async def test_one_that_is_away_is_replaced_left_alone_and_asked_again(started, http):
    system = await started(simulators=2, catalogue=STURDY)
    first, second = system.simulators
    [worker] = system.workers
    at = f"{first.url}/v1"
    request = Request(model="sturdy")
    assert (await ask(http, system.url, request)).end == "whole"
    assert (await journal(first))["complete"] == 1

    await first.kill()
    for _time in range(8):
        outcome = await ask(http, system.url, request)
        assert outcome.end == "whole", outcome

    # Five failures in a row are enough; whoever comes later is not made to wait for a sixth.
    assert (await journal(second))["complete"] == 8
    assert await worker.figure("app_upstream_fallbacks_total", error_type="unavailable") == 5
    assert await worker.figure("app_upstream_open", app_upstream=at) == 1
    assert await worker.figure("app_upstream_open", app_upstream=f"{second.url}/v1") == 0

    await first.start_again()

    async def it_is_asked_again():
        assert (await ask(http, system.url, request)).end == "whole"
        return (await journal(first))["complete"]

    await until("the first one answers again", it_is_asked_again)
    assert await worker.figure("app_upstream_open", app_upstream=at) == 0
    await system.at_rest()


async def test_one_that_is_held_up_is_replaced_before_its_first_word(started, http):
    limits = "first_token_timeout_ms = 1000\nidle_timeout_ms = 1000\n"
    catalogue = STURDY.replace("[[models.upstreams]]\n", f"[[models.upstreams]]\n{limits}")
    system = await started(simulators=2, catalogue=catalogue)
    first, second = system.simulators
    # One speaks, and others are asked later.
    speaking = asyncio.create_task(
        ask(http, system.url, Request(model="sturdy", tokens=1_000, token_ms=20))
    )

    async def it_speaks():
        return (await journal(first))["running_in"]["stream"]

    await until("it speaks", it_speaks)
    first.signal(signal.SIGSTOP)
    later = [ask(http, system.url, Request(model="sturdy")) for _caller in range(3)]
    broken, *whole = await asyncio.gather(speaking, *later)
    first.signal(signal.SIGCONT)

    assert (broken.end, broken.why) == ("failed", "upstream_timeout"), broken
    assert {outcome.end for outcome in whole} == {"whole"}, "\n".join(map(str, whole))
    assert (await journal(second))["complete"] == 3
    await system.at_rest()
