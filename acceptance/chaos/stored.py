"""`python -m chaos --stored`: stored work, while everything that carries it is killed.

With `--cluster` over three nats-servers, each with a copy of everything, whose leaders are hit.
"""

import asyncio
import random
import time

from chaos import memory, promises
from chaos.jobs import Work
from chaos.trouble import Plan, Troubles
from support.callers import client
from support.system import System, journal

CALLERS = 18
READERS = 20
WAITING = 6
PROGRESS_EVERY_S = 5
# Nobody is spared. Held up: longer than the queues wait for a word about a job.
KILLS = Plan(
    {"kill": 8, "stop": 1, "hold": 2}, (0.5, 4), (0.5, 40), spares_first=False, quorum_share=0.15
)
# No run is good that is over before it has begun: most of its time there is trouble.
SHORT_S = 60
SHORT_KILLS = Plan({"kill": 1}, (0.5, 2), (0.5, 5), spares_first=False)
# After the last trouble: until the queue gives a job to another worker, twice, and its answer.
ENDS_WITHIN_S = 90
# Each service at rest: no reader's answer is kept in memory.
MOST_MIB = 128
# A nats-server keeps what was last written where it is read from.
MOST_NATS_MIB = 256


async def chaos(minutes, seed, folder, nats_servers=1):
    """Says whether every promise was kept."""
    system = System(folder, nats_servers=nats_servers, gateways=2, workers=3)
    began = time.monotonic()

    def tell(what):
        print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)

    try:
        await system.start()
        servers = f"{nats_servers} nats-server{'s' if nats_servers > 1 else ''}"
        told = f"{CALLERS} callers, {READERS} readers, {minutes:g} minutes, seed {seed}"
        tell(f"{servers}, {told}")
        return await _under_load(system, minutes * 60, seed, tell)
    finally:
        system.abandon()


async def _under_load(system, seconds, seed, tell):
    async with client() as http:
        work = Work(http, system, seed, CALLERS, READERS, WAITING)
        plan = SHORT_KILLS if seconds < SHORT_S else KILLS
        troubles = Troubles(system, random.Random(seed), tell, plan)
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0:
                await asyncio.sleep(min(left, PROGRESS_EVERY_S))
                troubles.check()
                work.check()
                tell(work.counts())
        finally:
            await troubles.end()
        tell("no more trouble; everything that was accepted must end")
        ends_at = time.monotonic() + ENDS_WITHIN_S
        await asyncio.wait_for(work.end(), ENDS_WITHIN_S + 60)
        await work.settle(max(5, ends_at - time.monotonic()))
        tell("everything was read again on each gateway")
    left_over = ""
    try:
        await system.at_rest(within_s=60)
        tell("at rest: nobody has anything in hand\n")
    except AssertionError as error:
        left_over = str(error)
    asked_of_models = (await journal(system.simulator))["started"]
    processes = [*system.services, *system.nats_servers]
    sizes = memory.measure(processes) if memory.can_be_measured() else {}
    return _report(work.jobs, troubles.all, asked_of_models, sizes, system.complaints(), left_over)


def _report(jobs, troubles, asked_of_models, sizes, complaints, left_over):
    print(promises.table(jobs))
    print(f"\nrefused and failed\n{promises.reasons(jobs)}")
    print(f"\nlongest silences\n{promises.silences(jobs)}")
    print(f"\nfrom a trouble to the next word\n{promises.recoveries(jobs, troubles)}")
    print(f"\nwhat happened\n{promises.happened(troubles)}")
    accepted = sum(job.promise == "accepted" for job in jobs)
    print(f"\n{asked_of_models} calls of the model for {accepted} accepted responses")
    large = []
    for name, (_starts, kilobytes) in sizes.items():
        print(f"  {name:16} {kilobytes / 1024:7.1f} MiB at rest")
        most = MOST_NATS_MIB if name.startswith("nats-server") else MOST_MIB
        if kilobytes > most * 1024:
            large.append(f"{name} has more than {most} MiB at rest")
    bad = [(why, job) for job in jobs if (why := promises.unaccounted(job, troubles))]
    if bad:
        lines = [f"  {why}: {job}" for why, job in bad[:50]]
        print(f"\n{len(bad)} promises not kept\n" + "\n".join(lines))
    if complaints:
        print("\npanics\n" + "\n".join(complaints))
    few = promises.too_few_completed(jobs)
    for what in [few, left_over, "; ".join(large)]:
        if what:
            print(f"\n{what}")
    good = not (bad or complaints or few or left_over or large)
    told = f"{accepted} accepted, {len(bad)} unaccounted for, {len(troubles)} troubles"
    print(f"\n{told}: {'good' if good else 'NOT good'}", flush=True)
    return good
