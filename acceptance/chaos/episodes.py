"""One answer each, read by tabs that are loaded again, cut off, put away, and joined by others."""

import asyncio
from collections import Counter

from chaos.answers import Answer, drawn, says
from support.browsers import Browser
from support.orders import prompt_line
from support.shown import Lie
from support.tabs import PlainTab, ScriptedTab

# What happens to a tab with a script, each with its share.
HAPPENS = {"reload": 4, "reconnect": 4, "put away": 2, "second tab": 3}
MOST_TABS = 4


class Episode:
    """An answer from its question to the comparison of everything that was shown of it.

    `lie` says what was wrong in the end, if anything was, and `for_a_moment` before it.
    """

    def __init__(self, http, system, chance, number):
        self.number = number
        self.lie = ""
        self.answer = None
        self.browser = Browser(http, system.web_url)
        self.happened = Counter()
        self.seconds = 0
        self._http = http
        self._system = system
        self._chance = chance
        self._tabs = []
        self._reading = []

    @property
    def for_a_moment(self):
        return self.answer.wrong[0] if self.answer and self.answer.wrong else ""

    async def plays(self):
        try:
            await self._plays()
        except Lie as lie:
            self.lie = str(lie)
        except asyncio.CancelledError:
            told = [f"{len(tab.body)} bytes{', over' if tab.how else ''}" for tab in self._tabs]
            where = self.answer.path if self.answer else ""
            self.lie = f"no end: {where} after {len(told)} tabs, {', '.join(told)}"
            raise
        finally:
            for task in self._reading:
                task.cancel()
            await asyncio.gather(*self._reading, return_exceptions=True)

    async def _plays(self):
        script, orders = drawn(self._chance)
        said = await says(self._http, self._system.simulator, orders)
        self.answer = Answer(script, said)
        prompt = prompt_line(**orders) + f"Question {self.number}?"
        self.answer.path = await self.browser.asks(prompt)
        self._opens(ScriptedTab)
        if self._chance.random() < 0.4:
            self._opens(PlainTab)
        # Those that are opened meanwhile are waited for as well.
        while waited_for := [task for task in self._reading if not task.done()]:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_EXCEPTION)
            for task in self._reading:
                if task.done():
                    task.result()
        await self._compares()

    def _opens(self, kind):
        tab = kind(self._http, self.browser, self.answer)
        self._tabs.append(tab)
        reading = self._reads_plainly if kind is PlainTab else self._reads
        self._reading.append(asyncio.create_task(reading(tab)))

    async def _reads_plainly(self, tab):
        self.happened["page without a script"] += 1
        await tab.follows()

    async def _reads(self, tab):
        """Reads to the end, whatever happens. The first tab is disturbed at least once."""
        loaded = False
        left = self._chance.randint(1 if tab is self._tabs[0] else 0, 3)
        while not tab.how:
            limit = self._chance.uniform(0.03, 1.5) if left else None
            try:
                async with asyncio.timeout(limit):
                    if not loaded:
                        await tab.loads()
                        loaded = True
                    await tab.follows()
            except TimeoutError:
                left -= 1
                loaded &= await self._disturbs(tab)

    async def _disturbs(self, tab):
        """Whether what the tab has loaded stays."""
        [what] = self._chance.choices(list(HAPPENS), list(HAPPENS.values()))
        if what == "second tab" and len(self._tabs) == MOST_TABS:
            what = "reload"
        self.happened[what] += 1
        match what:
            case "second tab":
                # This one is read on, as after a moment without a network.
                self._opens(self._chance.choice([ScriptedTab, ScriptedTab, PlainTab]))
            case "put away":
                await asyncio.sleep(self._chance.uniform(0, 1))
                tab.turns_to()
            case "reconnect":
                await asyncio.sleep(tab.retry_s)
        return what != "reload"

    async def _compares(self):
        """What each tab has in the end is what a page has that is loaded afterwards."""
        afterwards = ScriptedTab(self._http, self.browser, self.answer)
        await afterwards.loads_afterwards()
        self.answer.must_be(afterwards.body)
        for tab in self._tabs:
            if tab.how != "done":
                raise Lie(f"the answer is {tab.how}")
            for part in ("body", "thoughts", "actions"):
                one, other = getattr(tab, part), getattr(afterwards, part)
                if one != other:
                    raise Lie(f"{type(tab).__name__}, {part}: {_difference(one, other)}")


def _difference(one, other):
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    at = min(len(one), len(other)) if at is None else at
    around = slice(max(0, at - 40), at + 80)
    return f"byte {at}: shown {one[around]!r}, afterwards {other[around]!r}"
