"""Readers of stored responses, who are cut off, leave and come back, and notice what is missing."""

import json
import time
from dataclasses import dataclass, field

import httpx2

from support.orders import ordered
from support.stories import BrokenOff, Lie

RESPONSES = "/v1/responses"
# Shorter silences are no silences: the time between two words, and what a busy machine adds.
NOTED_S = 0.4


def asked(tokens, *, background=False, stream=False, ttft_ms=0, token_ms=0, fault=None, **more):
    """The body of a request whose answer is known."""
    orders = {"tokens": tokens, "ttft_ms": ttft_ms, "token_ms": token_ms, "jitter": 0}
    if fault:
        orders["fault"] = fault
    body = {"model": "simulator", "input": "Hello", "background": background, "stream": stream}
    return {**body, **ordered("count", **orders), **more}


def refusal(status, body):
    """What a refusal says: a `Lie` if that is no error of ours."""
    try:
        error = json.loads(body)["error"]
        return f"{status} {error['code'] or error['type']}"
    except (ValueError, KeyError, TypeError):
        raise Lie(f"{status} without an OpenAI error: {body[:200]}") from None


async def fetch(http, url, id):
    """A response in one piece, or the refusal of it."""
    answer = await http.get(f"{url}{RESPONSES}/{id}")
    if answer.status_code != 200:
        return None, refusal(answer.status_code, answer.content)
    return answer.json(), ""


@dataclass
class Silence:
    """A time without news for a reader who wanted some."""

    began: float
    ended: float
    # The event that ended it.
    number: int
    # Whether something was said before.
    spoken: bool
    # Whether it began with an event, and not with a reader who joined.
    after_event: bool
    # The gateways that cut this reader off meanwhile.
    cut_by: list = field(default_factory=list)

    @property
    def took_s(self):
        return self.ended - self.began


class Reader:
    """One reader of one response. What it has heard it keeps; it says how each visit ended:

    over     with the response's end
    left     it left, as it was told
    cut      the connection ended too early
    broken   with an error that has no number: another gateway goes on
    refused  with a status
    """

    def __init__(self, http, story):
        self.story = story
        self.next = 0
        self.silences = []
        self.why = ""
        self._http = http
        self._since = None
        self._after_event = False
        self._cut_by = []

    async def creates(self, gateway, body, leaves_after=None):
        """Asks for a response, and reads it as it comes."""
        request = self._http.stream("POST", f"{gateway.url}{RESPONSES}", json=body)
        return await self._visit(gateway, request, leaves_after)

    async def reads_on(self, gateway, leaves_after=None, by_header=False):
        """Goes on behind what it has, on whichever gateway."""
        url, headers = f"{gateway.url}{RESPONSES}/{self.story.id}?stream=true", {}
        if self.next and by_header:
            headers["last-event-id"] = str(self.next - 1)
        elif self.next:
            url += f"&starting_after={self.next - 1}"
        request = self._http.stream("GET", url, headers=headers)
        return await self._visit(gateway, request, leaves_after)

    def rewinds(self):
        """Has heard nothing: the next visit begins at the beginning."""
        self.next = 0
        self._rests()

    def _rests(self):
        self._since, self._cut_by = None, []

    async def _visit(self, gateway, request, leaves_after):
        if self._since is None:
            self._since, self._after_event = time.monotonic(), False
        try:
            async with request as answer:
                if answer.status_code != 200:
                    self.why = refusal(answer.status_code, await answer.aread())
                    return "refused"
                return await self._read(answer, leaves_after)
        except BrokenOff as error:
            self.why = str(error)
            self._cut_by.append(gateway.name)
            return "broken"
        except httpx2.TimeoutException as error:
            raise Lie(f"not a word, not even a comment: {error!r}") from None
        except httpx2.TransportError as error:
            self.why = repr(error)
            self._cut_by.append(gateway.name)
            return "cut"

    async def _read(self, answer, leaves_after):
        pending = b""
        async for piece in answer.aiter_bytes():
            *events, pending = (pending + piece).split(b"\n\n")
            for event in events:
                if self._hears(event) and leaves_after is not None:
                    leaves_after -= 1
                if self.story.end and self.next == self.story.length:
                    self._rests()
                    # What comes behind the end is heard as well.
                    leaves_after = None
                elif leaves_after is not None and leaves_after <= 0:
                    self._rests()
                    return "left"
        if self.story.end and self.next == self.story.length:
            return "over"
        raise Lie("a stream ended without an end and without an error")

    def _hears(self, event):
        spoken = bool(self.story.items)
        is_news = self.next == self.story.length
        number = self.story.hears(event)
        if number is None:
            return False
        if number != self.next:
            raise Lie(f"event {number} came to a reader whose next one is {self.next}")
        self.next += 1
        now = time.monotonic()
        # What others have heard before says nothing about when it was said.
        if is_news and self._since is not None and now - self._since > NOTED_S:
            self.silences.append(
                Silence(self._since, now, number, spoken, self._after_event, self._cut_by)
            )
        self._since, self._after_event, self._cut_by = now, True, []
        return True
