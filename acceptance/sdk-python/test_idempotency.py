"""Idempotency keys: what is asked twice under one key is done once, whichever way it is read."""

import uuid

import openai
import pytest

from support import ordered

MESSAGES = [{"role": "user", "content": "Hello"}]
HELLO = {"model": "simulator", "input": "Hello"}
COUNTED = "".join(f"t{number} " for number in range(20))
COUNT = ordered("count", tokens=20, token_ms=5)


@pytest.fixture
def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


def is_repeat(answer):
    return answer.headers.get("idempotent-replayed") == "true"


def chat(client, key, **more):
    raw = client.chat.completions.with_raw_response
    asked = {"model": "simulator", "messages": MESSAGES, "extra_body": COUNT, **more}
    return raw.create(extra_headers=key, **asked)


def respond(client, key, **more):
    raw = client.responses.with_raw_response
    return raw.create(**{**HELLO, "extra_body": COUNT, **more}, extra_headers=key)


def test_a_chat_completion_in_one_piece(client, key, simulator):
    first, again = chat(client, key), chat(client, key)

    assert (is_repeat(first), is_repeat(again)) == (False, True)
    assert first.parse().choices[0].message.content == COUNTED
    assert first.parse().object == "chat.completion"
    assert first.text == again.text
    assert simulator.journal(started=1)["started"] == 1


def test_a_chat_completion_in_pieces(client, key, simulator):
    more = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(chat(client, key, **more).parse())
    again = list(chat(client, key, **more).parse())

    told = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert told == COUNTED
    assert chunks[-1].usage.completion_tokens == 20
    assert again == chunks
    assert simulator.journal(started=1)["started"] == 1


def test_who_left_a_stream_reads_it_again_from_its_beginning(client, key, simulator):
    with client.chat.completions.create(
        model="simulator", messages=MESSAGES, stream=True, extra_body=COUNT, extra_headers=key
    ) as stream:
        next(iter(stream))

    again = list(chat(client, key, stream=True).parse())

    told = "".join(choice.delta.content or "" for chunk in again for choice in chunk.choices)
    assert told == COUNTED
    assert simulator.journal(started=1)["started"] == 1


def test_a_response_in_one_piece_and_in_the_background(client, key, simulator):
    first, again = respond(client, key), respond(client, key)
    other = {"Idempotency-Key": key["Idempotency-Key"] + "-2"}
    queued, later = (respond(client, other, background=True) for _time in range(2))

    assert (is_repeat(first), is_repeat(again)) == (False, True)
    assert first.parse().output_text == COUNTED
    assert first.text == again.text
    assert queued.parse().id == later.parse().id != first.parse().id
    assert simulator.journal(started=2)["started"] == 2


def test_the_events_of_a_response(client, key, simulator):
    events, again = (list(respond(client, key, stream=True).parse()) for _time in range(2))

    assert events[0].type == "response.created"
    assert events[-1].response.output_text == COUNTED
    assert again == events
    assert simulator.journal(started=1)["started"] == 1


def test_a_conversation_and_its_items(client, key):
    made, again = (client.conversations.create(extra_headers=key) for _time in range(2))
    assert made == again
    add = client.conversations.items.create
    item = {"type": "message", "role": "user", "content": "one"}
    other = {"Idempotency-Key": key["Idempotency-Key"] + "-2"}

    added, twice = (add(made.id, items=[item], extra_headers=other) for _time in range(2))

    assert added == twice
    assert [item.id for item in client.conversations.items.list(made.id)] == [added.first_id]
    client.conversations.delete(made.id)


def test_another_request_is_a_conflict_that_is_not_retried(client, key):
    respond(client, key)

    with pytest.raises(openai.ConflictError) as refused:
        respond(client.with_options(max_retries=2), key, input="Something else")

    assert refused.value.code == "idempotency_key_reused"
    assert refused.value.param == "Idempotency-Key"
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_a_deleted_response_leaves_its_key_free(client, key):
    first = respond(client, key).parse()
    client.responses.delete(first.id)

    other = respond(client, key, input="Something else")

    assert not is_repeat(other)
    assert other.parse().id != first.id
