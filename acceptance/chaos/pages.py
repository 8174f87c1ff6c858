"""`python -m chaos --pages`: tabs that show answers, while chat pages and gateways are killed."""

import asyncio
import random
import time
from collections import Counter
from types import SimpleNamespace

from chaos.episodes import Episode
from chaos.trouble import Plan, Troubles
from support.callers import client
from support.system import System, journal

AT_ONCE = 12
PROGRESS_EVERY_S = 5
# After the last kill: until a gateway has found out that a job is lost, and put it back.
ENDS_WITHIN_S = 90
KILLS = Plan({"kill": 1}, (0.5, 2.5), (0, 0), spares_first=False)


async def chaos(episodes, seed, folder):
    """Says whether every tab has shown each character once."""
    system = System(folder, gateways=2, workers=2, webs=2, proxy=True)
    began = time.monotonic()

    def tell(what):
        print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)

    try:
        await system.start()
        tell(f"{episodes} episodes, {AT_ONCE} at once, seed {seed}")
        return await _while_killing(system, episodes, seed, tell)
    finally:
        system.abandon()


async def _while_killing(system, number, seed, tell):
    # Workers and NATS are spared: an answer that begins anew is another one.
    hit = SimpleNamespace(gateways=system.gateways, webs=system.webs, workers=[], nats_servers=[])
    async with client() as http:
        chance = random.Random(seed)
        # Each has its own, so that the next one does not depend on how this one went.
        drawn = [random.Random(chance.random()) for _ in range(number)]
        played = [Episode(http, system, drawn[n], n) for n in range(number)]
        waiting = iter(played)
        all_begun = asyncio.Event()

        async def plays():
            for episode in waiting:
                began = time.monotonic()
                try:
                    await episode.plays()
                finally:
                    episode.seconds = time.monotonic() - began
            all_begun.set()

        troubles = Troubles(hit, random.Random(seed), tell, KILLS)
        playing = asyncio.gather(*(plays() for _ in range(AT_ONCE)))
        try:
            begun = asyncio.create_task(all_begun.wait())
            while not (begun.done() or playing.done()):
                some = asyncio.FIRST_COMPLETED
                await asyncio.wait([begun, playing], timeout=PROGRESS_EVERY_S, return_when=some)
                troubles.check()
                tell(f"{sum(episode.seconds > 0 for episode in played)} of {number} are over")
        finally:
            await troubles.end()
        tell("no more kills; every answer must end")
        try:
            await asyncio.wait_for(playing, ENDS_WITHIN_S)
        except TimeoutError:
            tell(f"some have not, within {ENDS_WITHIN_S} s")
    left_over = ""
    try:
        await system.at_rest(within_s=60)
    except AssertionError as error:
        left_over = str(error)
    calls = (await journal(system.simulator))["started"]
    return _report(played, troubles.all, calls, system.complaints(), left_over)


def _report(played, troubles, calls, complaints, left_over):
    happened = Counter({"model asked": calls})
    for episode in played:
        happened += episode.happened
        happened["question sent again"] += episode.browser.sent_again
        happened["question given back"] += episode.browser.given_back
        if episode.answer:
            happened[f"answer, {episode.answer.script}"] += 1
            happened["page of an answer that is written"] += episode.answer.loaded
            happened["of these with less than was shown before"] += episode.answer.behind
            happened += Counter(episode.answer.events)
    print("\nwhat happened")
    for what, times in sorted(happened.items()):
        print(f"  {what:42} {times:6}")
    killed = Counter(trouble.name for trouble in troubles)
    print(f"  killed: {', '.join(f'{name} {times}' for name, times in sorted(killed.items()))}")
    slowest = max(episode.seconds for episode in played)
    print(f"  the longest episode took {slowest:.1f} s")
    bad = [(episode.number, episode.lie) for episode in played if episode.lie]
    brief = [(episode.number, episode.for_a_moment) for episode in played if episode.for_a_moment]
    for what, some in (("in the end", bad), ("for a moment", brief)):
        if some:
            kinds = Counter(wrong.partition(":")[0] for _number, wrong in some)
            happened_in = ", ".join(f"{times} {kind}" for kind, times in kinds.items())
            lines = [f"  episode {number}: {wrong}" for number, wrong in some[:50]]
            print(f"\n{len(some)} episodes were wrong {what} ({happened_in})\n" + "\n".join(lines))
    if complaints:
        print("\npanics\n" + "\n".join(complaints))
    few = too_little(happened, len(played), len(troubles))
    for what in (few, left_over):
        if what:
            print(f"\n{what}")
    good = not (bad or brief or complaints or few or left_over)
    wrong = f"{len(bad)} wrong in the end, {len(brief)} for a moment"
    told = f"{len(played)} episodes, {wrong}, {len(troubles)} kills"
    print(f"\n{told}: {'good' if good else 'NOT good'}", flush=True)
    return good


def too_little(happened, episodes, kills):
    """No run is good in which too little has happened."""
    disturbed = sum(happened[what] for what in ("reload", "reconnect", "put away", "second tab"))
    if disturbed < episodes:
        return f"only {disturbed} times something happened to a tab"
    if kills < episodes / 25:
        return f"only {kills} processes were killed"
    return ""
