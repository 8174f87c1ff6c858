"""What a response has told: every event of it that any reader has heard, and what they come to.

The simulator's script `count` makes every answer known beforehand: what is lost, doubled, changed
or out of order is a `Lie`.
"""

import json
import time

from support.callers import counted

# What comes last. An `error` with a number is how a cancelled response ends.
ENDS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "error": "cancelled",
}


class Lie(Exception):
    """What no response may say: `about` its tokens, its result, or something else."""

    def __init__(self, what, about="events"):
        super().__init__(what)
        self.about = about


class BrokenOff(Exception):
    """A reader was told that it will hear no more here, with a code. The response goes on."""


class Item:
    """One item of the answer, as its events have it."""

    def __init__(self):
        self.text = ""
        self.status = None


class Story:
    """One response, as all its readers together have heard it.

    Where its model `goes_on` with what an earlier attempt has begun, it has counted the rest alone.
    """

    def __init__(self, tokens, goes_on=False):
        self.id = None
        self.end = None
        self.why = ""
        self.items = []
        # When the first word of each attempt came.
        self.spoke_at = []
        # The events that begin an item behind one that was given up.
        self.begun_anew = []
        self._tokens = tokens
        self._goes_on = goes_on
        self._whole = counted(tokens)
        self._events = []
        self._last_response = None

    @property
    def length(self):
        """How many events are known."""
        return len(self._events)

    @property
    def restarts(self):
        """How often another attempt has begun anew after one that had spoken."""
        return len(self.begun_anew)

    def begins_anew_around(self, number):
        """Whether event `number` is one of those that give up an item for the next attempt's: its
        text, its part and itself are closed, and the next one is begun, at once or soon."""
        return any(number <= begun <= number + 3 for begun in self.begun_anew)

    def hears(self, event):
        """Takes one event as it came, and gives its number: `None` of a comment."""
        fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if line[:1] != b":")
        if not fields:
            return None
        said = json.loads(fields[b"data"])
        if b"id" not in fields:
            raise BrokenOff(said["error"]["code"])
        number = int(fields[b"id"])
        if number != said["sequence_number"] or fields[b"event"].decode() != said["type"]:
            raise Lie(f"its head says one thing, its data another: {event[:200]}")
        if number > self.length:
            raise Lie(f"event {number} came, and {self.length} was due")
        if number < self.length:
            if self._events[number] != event:
                raise Lie(f"event {number} was {self._events[number]}, and is {event}")
            return number
        if self.end:
            raise Lie(f"behind the end ({self.end}) came {event[:200]}", "result")
        self._events.append(event)
        self._take(said)
        return number

    def _take(self, said):
        kind = said["type"]
        if "response" in said:
            self.id = self.id or said["response"]["id"]
            if said["response"]["id"] != self.id:
                raise Lie(f"the id was {self.id}, and is {said['response']['id']}")
            self._last_response = said["response"]
        if kind == "response.output_item.added":
            self._is_last(said["output_index"], of=len(self.items) + 1)
            if self.items and self.items[-1].status != "incomplete":
                raise Lie("an item begins, and the one before it was not given up")
            if self.items:
                self.begun_anew.append(said["sequence_number"])
            self.items.append(Item())
        elif kind == "response.output_text.delta":
            self._is_last(said["output_index"])
            item = self.items[-1]
            if not item.text:
                self.spoke_at.append(time.monotonic())
            item.text += said["delta"]
            if not self._whole.startswith(item.text):
                raise Lie(f"tokens are lost, doubled or changed: …{item.text[-60:]!r}", "tokens")
        elif kind == "response.output_item.done":
            self._is_last(said["output_index"])
            item = self.items[-1]
            item.status = said["item"]["status"]
            if text_of([said["item"]]) != item.text:
                raise Lie("a closed item has another text than its pieces")
        elif kind in ENDS:
            self.end = ENDS[kind]
            self._check_end(said)

    def _is_last(self, index, of=None):
        last = (len(self.items) if of is None else of) - 1
        if index != last:
            raise Lie(f"item {index} is spoken of, and item {last} is the newest")

    def _check_end(self, said):
        if self.end == "cancelled":
            self.why = said["code"]
        if self.end == "failed":
            self.why = said["response"]["error"]["code"]
        if any(item.status is None for item in self.items):
            raise Lie("it has ended, and an item is open")
        if self.end == "completed":
            check_whole(said["response"], self._tokens, self._goes_on)
            if not self.items or self.items[-1].text != self._whole:
                raise Lie("it is completed, and its last item is not whole", "tokens")

    def agrees_with(self, response, ignoring=()):
        """Whether what is fetched in one piece is what its events have said, but for the members
        that not every version knows."""
        if response["id"] != self.id:
            raise Lie(f"{self.id} was fetched, and {response['id']} came")
        if response["status"] != self.end:
            raise Lie(f"its events end as {self.end}, and it is {response['status']}")
        told = lambda response: {name: of for name, of in response.items() if name not in ignoring}
        if self.end != "cancelled" and told(response) != told(self._last_response):
            raise Lie("its last event has another response than what is fetched")
        if self.end == "cancelled":
            kept = self.items[-1].text if self.items else ""
            if text_of(response["output"]) != kept:
                raise Lie("it was cancelled, and the text that its readers had is not kept")


def text_of(output):
    """The text of an answer's items."""
    parts = [part for item in output for part in item.get("content", [])]
    return "".join(part["text"] for part in parts if part["type"] == "output_text")


def check_whole(response, tokens, goes_on=False):
    """A completed response holds the whole text, once, and its model's account of it."""
    if len(response["output"]) != 1:
        raise Lie(f"a completed response has {len(response['output'])} items", "result")
    if text_of(response["output"]) != counted(tokens):
        raise Lie("a completed response has another text", "tokens")
    counted_ones = response["usage"]["output_tokens"]
    if counted_ones != tokens and not (goes_on and 0 < counted_ones < tokens):
        raise Lie(f"{tokens} tokens were said, and {counted_ones} counted")
