"""A system on a day on which everything happens: successes of each kind, errors, callers who leave,
work that is delivered again, work that is given up, readers who are slow, and NATS away for a moment."""

import asyncio
import json
import signal
import time
from dataclasses import dataclass

import httpx2

from support.callers import Request, ask
from support.orders import ordered
from support.raw import CHAT
from support.readers import RESPONSES, asked
from support.sleeper import Sleeper
from support.system import EAVESDROPPER, journal
from support.wire import Wire

# What the models cost, in USD for a million tokens.
PRICE = """\
[models.price]
input_per_million_usd = 2.5
output_per_million_usd = 10
"""
CATALOGUE = f"""\
[[models]]
name = "simulator"
capabilities = ["chat"]
{PRICE}[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"
{{limits}}

[[models]]
name = "simulator-embeddings"
capabilities = ["embeddings"]
{PRICE}[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"

[[models]]
name = "faulty"
[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"
name = "simulator"

# The first of its servers is never there.
[[models]]
name = "two-homes"
[[models.upstreams]]
base_url = "http://127.0.0.1:9/v1"
name = "simulator"
weight = 1000
connect_timeout_ms = 200
[[models.upstreams]]
base_url = "http://127.0.0.1:{{simulator}}/v1"
name = "simulator"
weight = 1
"""
QUICK = ordered("count", tokens=8, ttft_ms=5, token_ms=2)
# So that a rate is seen of it, each is done again and again for so long at least.
BUSY_S = 8
# What no worker can read.
GARBAGE = b"this is no job"
# A model's own failures, before its first word and after it.
FAULTS = [
    {"status": 400},
    {"status": 429, "retry_after": 30},
    {"status": 500},
    {"cut_after": 2},
    {"error_chunk_after": 2},
    {"malformed_chunk_after": 2},
]


@dataclass
class Day:
    """What was done, and when."""

    began: float
    ended: float = 0
    requests: int = 0


async def goes_by(system, http, busy_s=BUSY_S):
    """Has everything happen once or more. Takes half a minute, most of it waits that the
    system sets itself."""
    day = Day(time.time())
    # What goes wrong in one of them ends the others, and is what is told.
    async with Wire(system.nats_url, EAVESDROPPER) as wire, asyncio.TaskGroup() as callers:
        # There are callers all the time.
        stopping = asyncio.Event()
        for _caller in range(3):
            callers.create_task(_calls(system, http, stopping, day))
        async with asyncio.TaskGroup() as scenes:
            scenes.create_task(_stored(system, http))
            scenes.create_task(_leaves(system, http))
            scenes.create_task(_reads_slowly(system, busy_s))
            scenes.create_task(_fails(system, http))
            scenes.create_task(_nobody_can_read(wire))
        await _a_worker_dies(system, http)
        stopping.set()
    await _nats_is_away(system, http)
    await _are_exchanged(system)
    day.ended = time.time()
    return day


async def _calls(system, http, stopping, day):
    """What most callers do, by each gateway and by the chat page."""
    requests = [
        Request("stream", tokens=20, ttft_ms=20, token_ms=10),
        Request("unary", tokens=20, token_ms=2),
        Request("embeddings"),
        Request("page", tokens=10, token_ms=5),
    ]
    while not stopping.is_set():
        for number, request in enumerate(requests):
            gateway = system.gateways[(day.requests + number) % len(system.gateways)]
            url = system.web_url if request.form == "page" else gateway.url
            await ask(http, url, request)
            day.requests += 1
        await _posts(http, gateway, CHAT, {**_chat(), "model": "two-homes", **QUICK})
        for path in ("/v1/models", "/v1/models/simulator", "/v1/nothing", "/openapi.json"):
            await http.get(f"{gateway.url}{path}")
        for path in ("/", "/operate"):
            await http.get(f"{system.web_url}{path}")
        await http.get(f"{gateway.url}/v1/admin/overview")


async def _stored(system, http):
    """Responses of each form, conversations, and what is asked twice."""
    first, second = system.gateways[:2]
    body = asked(10, ttft_ms=5, token_ms=2)
    whole = (await _posts(http, first, RESPONSES, body)).json()
    async with http.stream("POST", f"{first.url}{RESPONSES}", json={**body, "stream": True}) as stream:
        await stream.aread()
    await http.get(f"{second.url}{RESPONSES}/{whole['id']}?stream=true&starting_after=3")
    for path in ("", "/input_items"):
        await http.get(f"{second.url}{RESPONSES}/{whole['id']}{path}")
    behind = (await _posts(http, second, RESPONSES, {**body, "background": True})).json()
    await _ends(http, first, behind["id"])
    # One that is cancelled while its worker writes, and one that its model refuses.
    slow = asked(10_000, token_ms=20, background=True)
    slow = (await _posts(http, first, RESPONSES, slow)).json()
    await _comes_to(http, first, slow["id"], ["in_progress"])
    await _posts(http, second, f"{RESPONSES}/{slow['id']}/cancel", {})
    refused = asked(3, background=True, fault={"status": 400}, model="faulty")
    await _ends(http, first, (await _posts(http, first, RESPONSES, refused)).json()["id"])
    await http.delete(f"{second.url}{RESPONSES}/{whole['id']}")
    conversation = (await _posts(http, first, "/v1/conversations", {})).json()["id"]
    for gateway in (first, second):
        turn = (await _posts(http, gateway, RESPONSES, {**body, "conversation": conversation})).json()
    thumb = f"/v1/conversations/{conversation}/turns/{turn['id']}/feedback"
    await _posts(http, second, thumb, {"rating": "up"})
    await http.get(f"{second.url}/v1/conversations/{conversation}/items")
    for gateway in (first, second):
        key = {"idempotency-key": "one and the same"}
        await _posts(http, gateway, CHAT, {**_chat(), **QUICK}, headers=key)


async def _ends(http, gateway, id):
    await _comes_to(http, gateway, id, ["completed", "failed", "cancelled", "incomplete"])


async def _comes_to(http, gateway, id, statuses):
    while (await http.get(f"{gateway.url}{RESPONSES}/{id}")).json()["status"] not in statuses:
        await asyncio.sleep(0.05)


async def _leaves(system, http):
    """Callers who leave: in the middle, before the first word, and of a whole answer."""
    url = system.gateways[0].url
    for request in (
        Request("stream", tokens=1_000, token_ms=10, leaves_after=5),
        Request("stream", tokens=1_000, ttft_ms=3_000, leaves_after_s=0.3),
        Request("unary", tokens=1_000, token_ms=10, leaves_after_s=0.3),
    ):
        for _time in range(3):
            await ask(http, url, request)


async def _reads_slowly(system, busy_s):
    sleepers = [Sleeper(gateway.url) for gateway in system.gateways]
    for sleeper in sleepers:
        await sleeper.asks(tokens=100_000)
    await asyncio.sleep(busy_s)
    for sleeper in sleepers:
        sleeper.closes()


async def _fails(system, http):
    """Errors of callers, of ours and of the model. A model that fails too often is left alone for a
    while, which is an error of its own."""
    gateway = system.gateways[0]

    async def again_and_again(fault):
        for _time in range(2):
            await ask(http, gateway.url, Request("stream", tokens=5, fault=fault, model="faulty"))

    async def callers_err():
        for _time in range(3):
            await _posts(http, gateway, CHAT, {**_chat(), "model": "nobody-has-this"})
            await _posts(http, gateway, CHAT, {**_chat(), "messages": []})
            await http.post(f"{gateway.url}{CHAT}", content=b"{")
            await asyncio.sleep(1.5)

    await asyncio.gather(callers_err(), *map(again_and_again, FAULTS))
    once = {"status": 503, "times": 1, "key": "once"}
    assert (await ask(http, gateway.url, Request("unary", fault=once))).end == "whole"


async def _nobody_can_read(wire):
    """Work that cannot be done, now and then: each is given up."""
    for number in range(4):
        for lane in ("chat", "live", "background"):
            await wire.says(f"job.{lane}.default.local.garbage{number}", GARBAGE)
        await asyncio.sleep(1.5)


async def _a_worker_dies(system, http):
    """What it had in hand comes to the other one."""
    before = (await journal(system.simulator))["started"]
    asking = []
    for number in range(8):
        # The first call of each never says a word. The key is of this day alone.
        key = f"stall {number} of {before}"
        fault = {"stall_before_first_token": True, "times": 1, "key": key}
        asking.append(asyncio.create_task(ask(http, system.gateways[0].url, Request(fault=fault))))
    await journal(system.simulator, started=before + len(asking), wait_ms=20_000)
    for worker in system.workers:
        await worker.kill()
    await asyncio.gather(*(worker.start_again() for worker in system.workers))
    outcomes = await asyncio.gather(*asking)
    assert {outcome.end for outcome in outcomes} == {"whole"}, "\n".join(map(str, outcomes))


async def _nats_is_away(system, http):
    server = system.nats
    await server.kill()
    refused = await ask(http, system.gateways[0].url, Request("unary"))
    assert refused.end == "refused", refused
    await server.start_again()
    for gateway in system.gateways:
        await _until_whole(http, gateway)
    await system.at_rest()


async def _are_exchanged(system):
    """One of each service ends in good order, and comes back: it tells how long it took."""
    some = [system.gateways[0], system.workers[0], system.webs[0]]
    for service in some:
        service.signal(signal.SIGTERM)
    for service in some:
        assert await service.ends() == 0, service.said()[-2000:]
        await service.start_again()


async def _until_whole(http, gateway):
    while (await ask(http, gateway.url, Request("unary"))).end != "whole":
        await asyncio.sleep(0.1)


def _chat():
    return {"model": "simulator", "messages": [{"role": "user", "content": "Hello"}]}


async def _posts(http, gateway, path, body, headers=None):
    try:
        return await http.post(f"{gateway.url}{path}", json=body, headers=headers)
    except httpx2.HTTPError as error:
        raise AssertionError(f"{path} {json.dumps(body)[:200]}: {error!r}") from None
