"""The life of a response as its events tell it: each step where Open Responses has it."""

import copy
import json

from support.open_responses import event_shape, response_shape

ENDS = ("response.completed", "response.incomplete", "response.failed")
# The member of a part that a kind of delta adds to.
ADDS_TO = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_text": "text",
    "response.function_call_arguments": "arguments",
}


def is_valid(response):
    """The response, which is of its shape."""
    response_shape.validate_python(response)
    return response


def events_of(text):
    """The events of a stream, each of them valid and with a head that says what it is."""
    events = []
    for frame in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.split("\n") if line[:1] not in ("", ":"))
        if not fields:
            continue
        event = json.loads(fields["data"])
        event_shape.validate_python(event)
        assert fields["event"] == event["type"]
        assert event["sequence_number"] == len(events)
        events.append(event)
    return events


class Life:
    """What the events come to: `output`, which has to be the output of the last one's response."""

    def __init__(self, events):
        events = copy.deepcopy(events)
        assert events[0]["type"] == "response.created", events[0]
        assert events[-1]["type"] in ENDS, events[-1]
        self.kinds = [event["type"] for event in events]
        self.output = []
        # For each item, what has to be told before it is closed: the next one last.
        self._due = []
        for event in events[1:-1]:
            self._take(event)
        self.response = events[-1]["response"]
        assert events[-1]["type"] == f"response.{self.response['status']}"
        assert self.response["output"] == self.output

    def _take(self, event):
        kind = event["type"]
        if kind in ("response.queued", "response.in_progress"):
            assert self.output == [], "its state changes before anything is said"
            assert self.kinds.count(kind) == 1
            assert event["response"]["status"] == kind.removeprefix("response.")
        elif kind == "response.output_item.added":
            self._begins(event["output_index"], event["item"])
        elif kind == "response.output_item.done":
            item = self._item(event)
            assert self._due[event["output_index"]] == []
            assert event["item"] == {**item, "status": event["item"]["status"]}
            # From now on it is no item that can grow.
            assert event["item"]["status"] in ("completed", "incomplete")
            self.output[event["output_index"]] = event["item"]
        elif kind == "response.content_part.added":
            self._begins_part(event, self._item(event)["content"])
        elif kind == "response.content_part.done":
            assert event["part"] == self._part(event)
            self._was_due(event)
        else:
            self._says(kind, event)

    def _begins(self, index, item):
        assert "response.in_progress" in self.kinds, "nobody has begun"
        assert index == len(self.output)
        assert item["status"] == "in_progress"
        if item["type"] == "function_call":
            assert item["name"] and item["call_id"] and item["arguments"] == ""
            self._due.append(["response.function_call_arguments.done"])
        else:
            assert item["content"] == []
            self._due.append([])
        self.output.append(item)

    def _begins_part(self, event, content):
        part, due = event["part"], self._due[event["output_index"]]
        assert event["content_index"] == len(content)
        assert not part.get("text") and not part.get("refusal")
        assert due == [], "the part before it is closed"
        due += ["response.content_part.done", f"response.{part['type']}.done"]
        content.append(part)

    def _says(self, kind, event):
        of, _dot, step = kind.rpartition(".")
        member = ADDS_TO[of]
        grows = self._item(event) if member == "arguments" else self._part(event)
        if step == "delta":
            assert self._due[event["output_index"]][-1] == f"{of}.done"
            grows[member] += event["delta"]
            if event.get("logprobs"):
                grows["logprobs"] += event["logprobs"]
        else:
            assert event[member] == grows[member]
            assert event.get("logprobs", []) == grows.get("logprobs", [])
            self._was_due(event)

    def _was_due(self, event):
        assert self._due[event["output_index"]].pop() == event["type"]

    def _item(self, event):
        item = self.output[event["output_index"]]
        assert item["status"] == "in_progress", "an item that was closed does not change"
        assert event.get("item_id", item["id"]) == item["id"]
        return item

    def _part(self, event):
        content = self._item(event)["content"]
        assert event["content_index"] == len(content) - 1, "the newest part is the one that grows"
        return content[-1]
