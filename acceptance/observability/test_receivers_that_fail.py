"""Whoever should receive telemetry is away, does not answer, or breaks off: no request is harmed by it,
and no memory taken that grows."""

import asyncio
import time
from pathlib import Path

import pytest

from support.callers import Request
from support.collector import RESETTING, SILENT, WELL
from support.load import Load, counts, told
from support.process import until

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

DOWN = "down"
CALLERS = 8
# Against the same system without telemetry; a busy machine is excused up to here.
SLOWER_AT_MOST = 10
NOT_SLOW_S = 0.02
# Queues have their default sizes: 2,048 spans and as many lines, of about a kilobyte each, the batch
# that is on its way, and what an allocator keeps of them.
MOST_KB = 32 * 1024
# How long a caller's answer takes without anybody's fault.
REQUEST = Request("stream", tokens=6, ttft_ms=5, token_ms=1)


@pytest.mark.parametrize(
    "seconds", [2, pytest.param(60, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_no_request_is_harmed(started, collector, http, tells, seconds):
    off = await started(gateways=1, workers=1)
    without, _ = await under_load(off, http, seconds)
    off.abandon()
    # Only where to: all else is as it is by default.
    to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    system = await started(gateways=1, workers=1, variables=to)
    with_, _ = await under_load(system, http, seconds)
    found = {"off": (without, {}), WELL: (with_, {})}
    before = memory_kb(system)
    for mode in (DOWN, SILENT, RESETTING):
        if mode == DOWN:
            await collector.kill()
        else:
            await collector.is_now(mode)
        took, grown = await under_load(system, http, seconds, before)
        found[mode] = (took, grown)
        if mode == DOWN:
            collector.start()
            await collector.ready()
    rows = [
        f"{mode:10} {len(took):>6} answers, "
        + ", ".join(f"p{percent} {at(took, percent) * 1000:6.1f} ms" for percent in (50, 99))
        + "".join(f", {name} {kb / 1024:+.1f} MiB" for name, kb in grown.items())
        for mode, (took, grown) in found.items()
    ]
    tells("\n    ".join(rows))
    limit = SLOWER_AT_MOST * max(at(without, 99), NOT_SLOW_S)
    for mode, (took, grown) in found.items():
        assert at(took, 99) < limit, f"{mode}: p99 {at(took, 99):.3f} s"
        assert max(grown.values(), default=0) < MOST_KB, (mode, grown)

    # It is back, and hears again of what happens now.
    await collector.is_now(WELL)
    number = len(collector.spans())

    async def spans_come():
        load = Load(http, lambda _request: system.url, lambda _chance: REQUEST, 1)
        await load.more(1)
        await load.end()
        return {span.service for span in collector.spans()[number:]} >= {"gateway", "llm-worker"}

    await until("spans come again", spans_come, 30)


async def under_load(system, http, seconds, before=None):
    """How long each answer took, all of them whole; how much each process has grown since."""
    load = Load(http, lambda _request: system.url, lambda _chance: REQUEST, CALLERS)
    most = {}
    until_ = time.monotonic() + seconds
    while time.monotonic() < until_:
        await asyncio.sleep(0.2)
        for name, kb in memory_kb(system).items():
            most[name] = max(kb, most.get(name, 0))
    outcomes = await load.end()
    assert set(counts(outcomes)) == {"whole"}, told(outcomes, "whole")
    grown = {name: kb - before[name] for name, kb in most.items()} if before else {}
    return sorted(outcome.took_s for outcome in outcomes), grown


def memory_kb(system):
    """What the kernel holds for each process."""
    found = {}
    for service in system.services:
        for line in Path(f"/proc/{service.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                found[service.name] = int(line.split()[1])
    return found


def at(took, percent):
    return took[min(len(took) * percent // 100, len(took) - 1)]
