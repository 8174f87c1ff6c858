"""The load of stored work: responses whose answers are known, and what became of each."""

import asyncio
import random
import time
from dataclasses import dataclass, field

import httpx2

from support.callers import HUNG_AFTER_S
from support.readers import RESPONSES, Reader, asked, fetch, refusal
from support.stories import Lie, Story, check_whole

# Each with its share.
KINDS = {"background": 16, "streamed": 2, "cancelled": 1}
# Of those that readers may follow.
RECENT = 60
NOBODY = "nobody was there"
# Whoever follows one response for longer gives it up; `settle` says what became of it.
FOLLOWED_S = 150


@dataclass
class Job:
    """One response that was asked for.

    accepted  its caller has a 200: an answer is owed
    refused   its caller has another status, or reached nobody
    doubt     its caller was cut off before it had a status
    """

    kind: str
    tokens: int
    story: Story
    began: float = field(default_factory=time.monotonic)
    promise: str = "doubt"
    # Of which gateway, and when its caller knew.
    asked_of: str = ""
    told_at: float = float("inf")
    # What a refusal, a failure or a lie says.
    why: str = ""
    # `cancelled` or another status that a caller who cancels was told.
    cancelled: str = ""
    # How it ended: a response's status, or lost, or wrong, and then about what.
    end: str = ""
    about: str = ""
    ended_after_s: float = 0
    silences: list = field(default_factory=list)

    def __str__(self):
        items = [f"{item.status} after {item.text.count(' ')}" for item in self.story.items]
        return f"{self.kind} {self.story.id}: {self.end} {self.why}; items {items}"


class Work:
    """Callers and readers of a system; everything that they were promised."""

    def __init__(self, http, system, seed, callers, readers, waiting):
        self.jobs = []
        self._http = http
        self._system = system
        self._random = random.Random(seed)
        self._stopping = asyncio.Event()
        self._tasks = [asyncio.create_task(self._call()) for _caller in range(callers)]
        self._tasks += [asyncio.create_task(self._wait()) for _caller in range(waiting)]
        self._readers = [asyncio.create_task(self._follow()) for _reader in range(readers)]

    def check(self):
        """Raises what went wrong in a caller or a reader."""
        for task in [*self._tasks, *self._readers]:
            if task.done():
                task.result()

    def counts(self):
        promises = [job.promise for job in self.jobs]
        ended = sum(bool(job.story.end) for job in self.jobs)
        return f"{promises.count('accepted')} accepted, {ended} seen to their end"

    async def end(self):
        """Nobody asks any more, and readers read to the ends of what they read."""
        self._stopping.set()
        await asyncio.gather(*self._tasks, *self._readers)

    def _gateway(self):
        return self._random.choice(self._system.gateways)

    def _draw(self, kind):
        chance = self._random
        tokens, token_ms = chance.randint(5, 80), chance.choice([0, 5, 20, 50])
        if chance.random() < 0.1:
            # So long that something happens meanwhile.
            tokens, token_ms = chance.randint(100, 250), 50
        job = Job(kind, tokens, Story(tokens))
        body = asked(tokens, token_ms=token_ms, ttft_ms=chance.choice([0, 50, 300]))
        self.jobs.append(job)
        return job, body

    async def _call(self):
        """Asks for work in the background."""
        while not self._stopping.is_set():
            [kind] = self._random.choices(list(KINDS), list(KINDS.values()))
            job, body = self._draw(kind)
            try:
                await self._ask(job, {**body, "background": True, "stream": kind == "streamed"})
            except Lie as lie:
                wrong(job, lie)
            refused = job.promise != "accepted"
            await asyncio.sleep(0.3 if refused else self._random.uniform(0.1, 0.7))

    async def _ask(self, job, body):
        if job.kind == "streamed":
            return await self._ask_and_read(job, body, leaves_after=1)
        gateway = self._gateway()
        job.asked_of = gateway.name
        try:
            answer = await self._http.post(f"{gateway.url}{RESPONSES}", json=body)
        except httpx2.ConnectError:
            return refuse(job, NOBODY)
        except httpx2.TimeoutException:
            raise Lie(f"no answer to a POST for {HUNG_AFTER_S} s") from None
        except httpx2.TransportError:
            return None
        finally:
            job.told_at = time.monotonic()
        if answer.status_code != 200:
            return refuse(job, refusal(answer.status_code, answer.content))
        job.promise, job.story.id = "accepted", answer.json()["id"]
        if job.kind == "cancelled":
            await self._cancel(job)
        return None

    async def _ask_and_read(self, job, body, leaves_after):
        gateway, reader = self._gateway(), Reader(self._http, job.story)
        job.asked_of = gateway.name
        try:
            how = await reader.creates(gateway, body, leaves_after)
        finally:
            job.told_at = time.monotonic()
        if job.story.id:
            job.promise = "accepted"
            if how != "over":
                await self._read_to_the_end(job, reader)
        elif how == "refused":
            refuse(job, reader.why)
        elif how == "cut" and "ConnectError" in reader.why:
            refuse(job, NOBODY)

    async def _cancel(self, job):
        await asyncio.sleep(self._random.uniform(0, 2))
        while not job.cancelled:
            try:
                url = f"{self._gateway().url}{RESPONSES}/{job.story.id}/cancel"
                answer = await self._http.post(url)
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                job.cancelled = answer.json()["status"]
            elif answer is not None and answer.status_code != 503:
                raise Lie(f"cancel: {refusal(answer.status_code, answer.content)}")
            else:
                await asyncio.sleep(0.3)

    async def _wait(self):
        """Asks for work and waits for it, over however many connections it takes."""
        while not self._stopping.is_set():
            job, body = self._draw("live")
            try:
                await self._ask_and_read(job, {**body, "stream": True}, self._leaves())
            except Lie as lie:
                wrong(job, lie)
            await asyncio.sleep(0.3)

    async def _follow(self):
        """Reads one response after another, whoever asked for it."""
        while not self._stopping.is_set():
            recent = [job for job in self.jobs[-RECENT:] if job.promise == "accepted"]
            open_ones = [job for job in recent if not job.story.end]
            if not recent:
                await asyncio.sleep(0.1)
                continue
            # Sometimes what is over, and sometimes what others read as well.
            job = self._random.choice(open_ones or recent)
            try:
                await self._read_to_the_end(job, Reader(self._http, job.story))
            except Lie as lie:
                wrong(job, lie)

    async def _read_to_the_end(self, job, reader):
        until = time.monotonic() + FOLLOWED_S
        how = "left"
        while how != "over" and not job.end and time.monotonic() < until:
            if how == "left":
                await asyncio.sleep(self._random.uniform(0, 1.5))
            elif how != "over":
                await asyncio.sleep(0.1)
            if self._random.random() < 0.05:
                reader.rewinds()
            by_header = self._random.random() < 0.5
            leaves_after = None if self._stopping.is_set() else self._leaves()
            how = await reader.reads_on(self._gateway(), leaves_after, by_header)
            if how == "refused" and not reader.why.startswith("503"):
                raise Lie(f"whoever reads on is refused: {reader.why}")
        job.silences += reader.silences

    def _leaves(self):
        """After how many events a reader leaves; mostly it stays."""
        return self._random.choice([None, None, self._random.randint(1, 60)])

    async def settle(self, within_s):
        """What became of everything that was accepted: each is waited for, and read once more
        from its beginning on each gateway."""
        deadline = time.monotonic() + within_s
        places = asyncio.Semaphore(12)

        async def settled(job):
            async with places:
                try:
                    await self._settle(job, deadline)
                except Lie as lie:
                    wrong(job, lie)

        accepted = [job for job in self.jobs if job.promise == "accepted" and not job.end]
        await asyncio.gather(*(settled(job) for job in accepted))

    async def _settle(self, job, deadline):
        one, other = self._system.gateways[:2]
        response, why = await fetch(self._http, one.url, job.story.id)
        while response is None or response["status"] in ("queued", "in_progress"):
            if why.startswith("404") or time.monotonic() > deadline:
                job.end, job.why = "lost", why or f"still {response['status']}"
                return
            await asyncio.sleep(0.25)
            response, why = await fetch(self._http, one.url, job.story.id)
        for gateway in (other, one):
            how = await Reader(self._http, job.story).reads_on(gateway)
            if how != "over":
                raise Lie(f"all is well, and a reader is {how}")
        job.story.agrees_with(response)
        job.end, job.why = job.story.end, job.story.why
        job.ended_after_s = max(0, (response["completed_at"] or 0) - response["created_at"])
        if job.end == "completed":
            check_whole(response, job.tokens)
        if job.cancelled and job.cancelled != job.end:
            raise Lie(f"whoever cancelled was told {job.cancelled}, and it is {job.end}")


def refuse(job, why):
    job.promise, job.why = "refused", why


def wrong(job, lie):
    job.end, job.about, job.why = "wrong", lie.about, str(lie)
    if job.promise == "doubt":
        job.promise = "accepted"
