"""Whoever checks Open Responses is checked: each thing that is not as it should be is noticed."""

import copy

import pydantic
import pytest

from support import ordered
from support.lifecycle import Life, events_of, is_valid

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
ASKED = {"model": "simulator", "input": "Hello", "tools": [TOOL]}
ORDERS = [
    ordered("count", tokens=5, token_ms=0),
    ordered("tool_call", token_ms=0),
    ordered("reasoning", token_ms=0),
]


@pytest.fixture(params=ORDERS, ids=lambda orders: orders["simulator"]["script"])
def events(raw, request):
    body = {**ASKED, "stream": True, **request.param}
    return events_of(raw.http.post("/v1/responses", json=body).text)


def test_a_member_too_few_too_many_or_of_another_type(raw):
    response = raw.http.post("/v1/responses", json={**ASKED, **ORDERS[0]}).json()
    ours = {"conversation", "user", "chappe"}

    is_valid(response)
    for member in set(response) - ours:
        less = copy.deepcopy(response)
        del less[member]
        with pytest.raises(pydantic.ValidationError, match=member):
            is_valid(less)
    for change in ({"created_at": "1"}, {"status": "done"}, {"output": [{}]}, {"more": 1}):
        with pytest.raises(pydantic.ValidationError):
            is_valid({**response, **change})


def test_an_event_that_is_left_out_or_told_twice(events):
    Life(events)
    for at in range(len(events)):
        for other in (events[:at] + events[at + 1 :], events[: at + 1] + events[at:]):
            with pytest.raises((AssertionError, LookupError)):
                Life(other)


def test_two_events_in_the_wrong_order(events):
    for at in range(len(events) - 1):
        one, two = events[at], events[at + 1]
        # Items may be told at the same time, and a word may stand there twice.
        of_two_items = {one.get("output_index"), two.get("output_index")} == {0, 1}
        alike = one["type"] == two["type"] and one["delta"] == two["delta"]
        if not of_two_items and not alike:
            with pytest.raises((AssertionError, LookupError)):
                Life([*events[:at], two, one, *events[at + 2 :]])
