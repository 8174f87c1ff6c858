"""Stored work behind one address: what was accepted, and whether it was kept."""

import asyncio
import time

import httpx2

from support.readers import RESPONSES, Reader, asked, fetch, refusal
from support.stories import Story, check_whole

# After the last trouble: until the queue gives a job to another worker, twice, and its answer.
ENDS_WITHIN_S = 120
# How long one that is refused waits before it asks again.
AGAIN_AFTER_S = 0.3


class Held:
    """Responses that are asked for in the background, one after the other by each of some callers,
    and read as they come by somebody else."""

    def __init__(self, http, site, callers=6, tokens=60, token_ms=30, ignoring=(), **more):
        self.accepted = []
        self._http = http
        self._site = site
        self._body = asked(tokens, token_ms=token_ms, background=True, **more)
        self._tokens = tokens
        self._ignoring = ignoring
        self._stopping = asyncio.Event()
        self._readers = []
        self._callers = [asyncio.create_task(self._call()) for _caller in range(callers)]

    async def _call(self):
        while not self._stopping.is_set():
            try:
                answer = await self._http.post(f"{self._site.url}{RESPONSES}", json=self._body)
            except httpx2.TransportError:
                # Nothing was promised.
                answer = None
            if answer is None or answer.status_code != 200:
                if answer is not None:
                    refusal(answer.status_code, answer.content)
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            story = Story(self._tokens)
            story.id = answer.json()["id"]
            self.accepted.append(story)
            reading = asyncio.create_task(self._read(story))
            self._readers.append(reading)
            await asyncio.wait([reading], timeout=1)

    async def _read(self, story):
        reader, how = Reader(self._http, story), ""
        deadline = time.monotonic() + ENDS_WITHIN_S
        while how != "over":
            how = await reader.reads_on(self._site)
            assert time.monotonic() < deadline, f"{story.id} has no end: {how} {reader.why}"
            if how != "over":
                assert how != "refused" or reader.why[:3] in ("502", "503"), reader.why
                await asyncio.sleep(AGAIN_AFTER_S)

    async def more(self, number):
        """Waits until so many more are accepted."""
        wanted = len(self.accepted) + number
        while len(self.accepted) < wanted:
            for caller in self._callers:
                assert not caller.done(), caller.exception()
            await asyncio.sleep(0.05)

    async def end(self):
        """Everything that was accepted is answered once, whole, and the same whoever reads it."""
        self._stopping.set()
        await asyncio.gather(*self._callers)
        await asyncio.gather(*self._readers)
        for story in self.accepted:
            response, why = await fetch(self._http, self._site.url, story.id)
            assert response is not None, f"{story.id} is lost: {why}"
            assert response["status"] == "completed", f"{story.id} is {response['status']}"
            story.agrees_with(response, self._ignoring)
            check_whole(response, self._tokens)
        return self.accepted
