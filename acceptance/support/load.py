"""Many callers at once, each asking again as soon as it has its answer."""

import asyncio
import random
from collections import Counter

from support.callers import Request, ask


class Load:
    """Callers of a system, and what became of their requests."""

    def __init__(self, http, url_of, requests, callers, seed=1):
        self.outcomes = []
        self.running = 0
        self._http = http
        self._url_of = url_of
        self._requests = requests
        self._random = random.Random(seed)
        self._stopping = asyncio.Event()
        self._going_on = asyncio.Event()
        self._going_on.set()
        self._callers = [asyncio.create_task(self._call()) for _caller in range(callers)]

    async def _call(self):
        while not self._stopping.is_set():
            await self._going_on.wait()
            request = self._requests(self._random)
            self.running += 1
            outcome = await ask(self._http, self._url_of(request), request)
            self.running -= 1
            self.outcomes.append(outcome)
            if outcome.end in ("refused", "proxy"):
                # As anybody does who is told to come again.
                await asyncio.sleep(0.1)

    async def more(self, number):
        """Waits for so many more outcomes."""
        wanted = len(self.outcomes) + number
        while len(self.outcomes) < wanted:
            assert not any(caller.done() for caller in self._callers), "callers have ended"
            await asyncio.sleep(0.05)

    async def pause(self):
        """Nobody asks until `go_on`; waits for the last answer."""
        self._going_on.clear()
        while self.running:
            assert not any(caller.done() for caller in self._callers), "callers have ended"
            await asyncio.sleep(0.05)

    def go_on(self):
        self._going_on.set()

    async def end(self):
        """Nobody asks again; waits for the last answer."""
        self._stopping.set()
        self._going_on.set()
        await asyncio.gather(*self._callers)
        return self.outcomes


def mixed(random):
    """What callers of everything ask for. The longest takes two seconds, and the drain time is
    thirty."""
    form = random.choices(["stream", "page", "unary", "embeddings"], [5, 3, 2, 1])[0]
    return Request(form, tokens=random.randint(10, 60), token_ms=random.choice([5, 30]))


def counts(outcomes):
    """How many ended in which way."""
    return Counter(outcome.end for outcome in outcomes)


def told(outcomes, *ends):
    """Those that ended otherwise, one a line."""
    return "\n".join(str(outcome) for outcome in outcomes if outcome.end not in ends)
