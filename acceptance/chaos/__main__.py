"""`python -m chaos`: what `cargo xtask chaos` runs, with the programs that it has built."""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from chaos import account, memory, pages, stored
from chaos.conservation import Conservation
from chaos.requests import Requests
from chaos.trouble import Troubles
from support.callers import client
from support.load import Load, counts
from support.system import CATALOGUE, System

CALLERS = 40
# The first measurement of memory: when everything has been used, and half the time at most.
WARM_AFTER_S = 60
PROGRESS_EVERY_S = 5
# The fewest nats-servers of which one may be missing.
CLUSTER = 3
FAULTY = """
[[models]]
name = "faulty"
[[models.upstreams]]
base_url = "http://127.0.0.1:{simulator}/v1"
name = "simulator"
"""


async def chaos(minutes, seed, folder):
    """Says whether everything is accounted for."""
    system = System(
        folder, gateways=3, workers=3, webs=2, proxy=True, catalogue=CATALOGUE + FAULTY
    )
    began = time.monotonic()

    def tell(what):
        print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)

    try:
        await system.start()
        tell(f"{CALLERS} callers, {minutes:g} minutes, seed {seed}")
        return await _under_load(system, minutes * 60, seed, tell)
    finally:
        system.abandon()


async def _under_load(system, seconds, seed, tell):
    requests = Requests()
    url_of = lambda request: system.web_url if request.form == "page" else system.url
    async with client() as http:
        load = Load(http, url_of, requests.draw, CALLERS, seed)
        conservation = Conservation(system.gateways)
        chance = random.Random(seed)
        warm_s = min(WARM_AFTER_S, seconds / 2)
        troubles = await _trouble_for(warm_s, system, load, chance, tell)
        await load.pause()
        await system.at_rest()
        before = _memory(system)
        tell("at rest; the memory is measured, and it goes on")
        load.go_on()
        troubles += await _trouble_for(seconds - warm_s, system, load, chance, tell)
        await load.pause()
        await system.at_rest()
        after = _memory(system)
        conservation.check()
        await conservation.end()
        outcomes = await load.end()
    tell("at rest: nobody has anything in hand\n")
    uneven = conservation.problems(outcomes)
    looked = f"{conservation.looks} looks, at most {conservation.most_open} open"
    print(f"accepted = settled + open on each gateway: {looked}: {'ok' if not uneven else 'NOT so'}")
    good = _report(outcomes, requests.kind_of, troubles, before, after, system.complaints())
    if uneven:
        print(f"\n{len(uneven)} times the jobs of a gateway did not add up\n" + "\n".join(uneven[:50]))
    return good and not uneven


async def _trouble_for(seconds, system, load, chance, tell):
    troubles = Troubles(system, chance, tell)
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, PROGRESS_EVERY_S))
            troubles.check()
            so_far = ", ".join(f"{number} {end}" for end, number in counts(load.outcomes).items())
            tell(f"{so_far or 'nothing yet'}; {load.running} open")
    finally:
        await troubles.end()
    return troubles.all


def _memory(system):
    if not memory.can_be_measured():
        return None
    return memory.measure([*system.services, system.nats])


def _report(outcomes, kind_of, troubles, before, after, complaints):
    print(account.table(outcomes, kind_of))
    print(f"\nnot whole\n{account.reasons(outcomes)}")
    print(f"\nslowest\n{account.slowest(outcomes)}")
    print(f"\nwhat happened\n{account.happened(troubles)}")
    grown = []
    if before is None:
        print("\nmemory: not measured, this system has no /proc/<pid>/smaps_rollup")
    else:
        lines, grown = memory.compare(before, after)
        print(f"\nmemory at rest, warm and at the end\n{lines}")
    bad = []
    for outcome in outcomes:
        why = account.unaccounted(outcome, kind_of(outcome.request), troubles)
        if why:
            bad.append(f"  {why}: {outcome}")
    if bad:
        print(f"\n{len(bad)} unaccounted for\n" + "\n".join(bad[:50]))
    if complaints:
        print("\npanics\n" + "\n".join(complaints))
    few = account.too_few_whole(outcomes, kind_of)
    if few:
        print(f"\n{few}")
    good = not (bad or grown or complaints or few)
    asked = f"{len(outcomes)} requests, {len(bad)} unaccounted for, {len(troubles)} troubles"
    print(f"\n{asked}: {'good' if good else 'NOT good'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask chaos")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--episodes", type=int, default=1000)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(1_000_000)
    folder = Path(os.environ["ACCEPTANCE_LOGS"])
    # Whoever ends this program ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_what: sys.exit(1))
    if arguments.pages:
        run = pages.chaos(arguments.episodes, seed, folder)
    elif arguments.stored:
        servers = CLUSTER if arguments.cluster else 1
        run = stored.chaos(arguments.minutes, seed, folder, servers)
    else:
        run = chaos(arguments.minutes, seed, folder)
    sys.exit(0 if asyncio.run(run) else 1)


main()
