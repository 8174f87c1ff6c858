"""No job comes from nowhere, and none is forgotten: whenever a gateway is asked, it has accepted as
many as it has settled and has open."""

import asyncio
import re
import time
from collections import defaultdict
from dataclasses import dataclass

import httpx2

LOOK_EVERY_S = 0.25
# Whoever is held up does not answer.
PATIENCE_S = 2
ACCEPTED, SETTLED, OPEN = "app_jobs_accepted_total", "app_jobs_settled_total", "app_jobs_open"
# Of those the caller's connection is the only place: each is open on one gateway.
UNSTORED = "chat"
LINE = re.compile(r'(\w+)\{([^}]*)\} ([0-9.e+]+)')


@dataclass(frozen=True)
class Book:
    """What a gateway says of its jobs in a lane."""

    accepted: int = 0
    settled: int = 0
    open: int = 0

    @property
    def is_even(self):
        return self.accepted == self.settled + self.open


def books(text):
    """Those of the lanes whose open jobs are told."""
    figures = defaultdict(lambda: defaultdict(int))
    told = set()
    for name, labels, value in LINE.findall(text):
        if name not in (ACCEPTED, SETTLED, OPEN):
            continue
        lane = dict(re.findall(r'(\w+)="([^"]*)"', labels)).get("app_lane", "")
        figures[lane][name] += int(float(value))
        if name == OPEN:
            told.add(lane)
    return {
        lane: Book(figures[lane][ACCEPTED], figures[lane][SETTLED], figures[lane][OPEN])
        for lane in told
    }


def completed(text):
    """How many unstored jobs were answered whole."""
    total = 0
    for name, labels, value in LINE.findall(text):
        if name == SETTLED and f'app_lane="{UNSTORED}"' in labels and 'app_outcome="completed"' in labels:
            total += int(float(value))
    return total


class Conservation:
    """Asks each gateway that lives, again and again."""

    def __init__(self, gateways):
        self.looks = 0
        self.most_open = 0
        self._gateways = gateways
        self._uneven = []
        self._untold = 0
        self._last = {}
        self._began = time.monotonic()
        self._stopping = asyncio.Event()
        self._watching = [asyncio.create_task(self._watch(one)) for one in gateways]

    def check(self):
        """Raises what went wrong in looking."""
        for task in self._watching:
            if task.done():
                task.result()

    async def end(self):
        """After a last look at each."""
        self._stopping.set()
        await asyncio.gather(*self._watching)

    async def _watch(self, gateway):
        async with httpx2.AsyncClient(timeout=PATIENCE_S, trust_env=False) as http:
            over = False
            while not over:
                over = self._stopping.is_set()
                try:
                    text = (await http.get(f"{gateway.health}/metrics")).raise_for_status().text
                except httpx2.HTTPError:
                    # It is killed, held up, or on its way.
                    pass
                else:
                    self.sees(gateway.name, gateway.starts, text)
                await asyncio.sleep(LOOK_EVERY_S)

    def sees(self, name, life, text):
        self.looks += 1
        self._last[name] = (life, text)
        lanes = books(text)
        if UNSTORED not in lanes and ACCEPTED in text:
            self._untold += 1
        for lane, book in lanes.items():
            self.most_open = max(self.most_open, book.open)
            if not book.is_even:
                at = time.monotonic() - self._began
                self._uneven.append(f"{at:7.1f} s  {name}, life {life}, {lane}: {book}")

    def problems(self, outcomes):
        """What does not add up, also with what callers have got."""
        found = list(self._uneven)
        if not self.looks:
            found.append("nobody was looked at")
        if self._untold:
            found.append(f"it could not be checked in {self._untold} of {self.looks} looks: no {OPEN}")
        for name, (life, text) in sorted(self._last.items()):
            found += self._at_the_end(name, life, text, outcomes)
        return found

    @staticmethod
    def _at_the_end(name, life, text, outcomes):
        for lane, book in books(text).items():
            if book.open:
                yield f"{name}: {book.open} open in {lane} when everybody has an answer"
        # Of one that was never started anew, the account has every answer. What the chat page was
        # answered comes on top, and what was cut on its way.
        whole = [one for one in outcomes if one.end == "whole" and one.served_by == name]
        if life == 1 and len(whole) > completed(text):
            yield f"{name}: {len(whole)} callers have whole answers, and it says {completed(text)}"
