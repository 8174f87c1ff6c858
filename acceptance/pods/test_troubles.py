"""A worker is parted from NATS, and one has no memory: nothing that was stored is lost."""

import asyncio
import time

import pytest

from pods.account import Account
from support.callers import Request, ask
from support.compose import Site
from support.held import Held
from support.load import told
from support.process import until
from support.sleeper import Sleeper
from support.system import journal

pytestmark = [pytest.mark.anyio, pytest.mark.long]

WORKER = "llm-worker-0"
PARTED_S = 20
SLEEPERS = 40
# Of each prompt. A worker has it more than once while it passes it on.
LARGE_BYTES = 2_000_000
# Above what a worker has at rest: for a few such prompts too little.
ROOM_MIB = 8


@pytest.mark.timeout(300)
async def test_a_worker_is_parted_from_nats_and_comes_back(pods, http, tell):
    """Its cable is taken out, and neither end hears of it."""
    async with Account(http, pods) as account:
        await account.accepts(20)
        with account.trouble("hold", WORKER):
            await account.of_thread(pods.cut, WORKER, "nats")
            began = time.monotonic()
            assert not await account.of_thread(pods.reaches, WORKER, "nats-1.nats", 4222)
            # The other one works for two.
            await account.accepts(10)
            await asyncio.sleep(max(0, began + PARTED_S - time.monotonic()))
            await account.of_thread(pods.cut, WORKER, "nats", False)
            healed = time.monotonic()
            assert await account.of_thread(pods.reaches, WORKER, "nats-1.nats", 4222)
            await pods.ready(WORKER)
            before = await account.of_thread(calls_of_models, pods)

            async def works_again():
                return await account.of_thread(calls_of_models, pods) > before

            await until("it works again", works_again, 120)
            works_after_s = time.monotonic() - healed
        await account.accepts(20)
    tell(f"{WORKER} parted for {PARTED_S} s: works {works_after_s:.1f} s after; {account.told()}")


def calls_of_models(pods):
    """How many answers of a model the worker has had."""
    _status, body = pods.fetch(WORKER, 8792, "/metrics")
    name = "gen_ai_client_operation_duration_seconds_count"
    lines = [line for line in body.decode().splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@pytest.mark.timeout(180)
async def test_callers_who_read_nothing_do_not_fill_a_pod(pods, http, key, usage, tell):
    before = dict(usage.most)
    sleepers = [
        Sleeper(pods.gateways[number % 2].url, key) for number in range(SLEEPERS)
    ]
    for sleeper in sleepers:
        await sleeper.asks(tokens=1_000_000)
    honest = Request(tokens=200, token_ms=20)
    outcomes = await asyncio.gather(*(ask(http, one.url, honest) for one in pods.gateways))
    assert {outcome.end for outcome in outcomes} == {"whole"}, told(outcomes, "whole")
    simulator = Site("simulator", pods.simulator_url)
    assert (await journal(simulator))["running"] == SLEEPERS
    for sleeper in sleepers:
        sleeper.closes()
    await journal(simulator, client_gone=SLEEPERS, wait_ms=20_000)
    grown = {
        name: usage.most[name] - before[name]
        for name in pods.running
        if name.startswith(("gateway", "llm-worker"))
    }
    for name, most in usage.most.items():
        assert most < pods.pods[name].memory_mib[1], f"{name} has had {most:.0f} MiB"
    listed = ", ".join(f"{name} {mib:+.0f} MiB" for name, mib in grown.items())
    tell(f"{SLEEPERS} callers who read nothing: {listed} at their most")


@pytest.mark.timeout(300)
async def test_a_worker_has_too_little_memory_for_its_work(
    request, pods, http, entrance, usage, tell
):
    """The kernel kills it. Its work is done by another, and by itself once it may have what its
    manifest says."""
    request.node.killed.add(WORKER)
    started = pods.inspect(WORKER)["State"]["StartedAt"]
    since, limit = time.time(), usage.now[WORKER] + ROOM_MIB
    await asyncio.to_thread(pods.limit_memory, WORKER, limit)
    held = Held(http, entrance, callers=8, tokens=40, input="x" * LARGE_BYTES)

    async def is_killed():
        return await asyncio.to_thread(pods.was_out_of_memory, WORKER, since)

    await until("the kernel kills it", is_killed, 60)
    killed_at = time.monotonic()
    await asyncio.to_thread(pods.limit_memory, WORKER, pods.pods[WORKER].memory_mib[1])

    async def runs_again():
        return (await asyncio.to_thread(pods.inspect, WORKER))["State"]["StartedAt"] != started

    await until("it is started again", runs_again, 60)
    await pods.ready(WORKER)
    back_after_s = time.monotonic() - killed_at
    await held.more(8)
    accepted = await held.end()
    tell(
        f"{WORKER} killed by the kernel at {limit:.0f} MiB: ready {back_after_s:.1f} s after; "
        f"{len(accepted)} responses of {LARGE_BYTES / 1e6:g} MB prompts accepted, all whole"
    )
