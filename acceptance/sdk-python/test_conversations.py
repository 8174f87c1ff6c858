"""Conversations: what was said, kept by the gateway; responses are their turns."""

import openai
import pytest

from support import ordered

# Long enough that nobody waits for its end: ten minutes.
ENDLESS = ordered("count", tokens=60_000, token_ms=10)
UNKNOWN = "conv_0190d6a0000070008000000000000000"


@pytest.fixture
def conversation(client):
    conversation = client.conversations.create()
    yield conversation
    client.conversations.delete(conversation.id)


def turn(client, conversation, text, orders=None, **more):
    orders = orders or ordered("count", tokens=2, token_ms=0)
    return client.responses.create(
        model="simulator", input=text, conversation=conversation, extra_body=orders, **more
    )


def user(text):
    return {"type": "message", "role": "user", "content": text}


def said_in(client, conversation):
    """Who said what, the oldest first, page by page."""
    items = client.conversations.items.list(conversation.id, order="asc", limit=2)
    return [(item.role, item.content[0].text) for item in items]


def test_one_is_made_shown_changed_and_deleted(client):
    made = client.conversations.create(metadata={"topic": "bees"}, items=[user("Hello")])

    assert made.id.startswith("conv_")
    assert (made.object, made.metadata) == ("conversation", {"topic": "bees"})
    assert made.created_at > 0
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, metadata={"topic": "wasps"})
    assert (changed.id, changed.metadata) == (made.id, {"topic": "wasps"})
    deleted = client.conversations.delete(made.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (made.id, "conversation.deleted", True)
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(made.id)


def test_items_are_added_listed_shown_and_taken_out(client, conversation):
    items = client.conversations.items

    added = items.create(conversation.id, items=[user("one"), user("two"), user("three")])

    assert [item.content[0].text for item in added.data] == ["one", "two", "three"]
    assert (added.first_id, added.last_id) == (added.data[0].id, added.data[-1].id)
    assert [text for _who, text in said_in(client, conversation)] == ["one", "two", "three"]
    second = added.data[1]
    include = ["message.output_text.logprobs"]
    shown = items.retrieve(second.id, conversation_id=conversation.id, include=include)
    assert shown == second
    assert items.delete(second.id, conversation_id=conversation.id).id == conversation.id
    assert [text for _who, text in said_in(client, conversation)] == ["one", "three"]
    with pytest.raises(openai.NotFoundError):
        items.retrieve(second.id, conversation_id=conversation.id)


def test_each_turn_is_asked_with_what_was_said_before(client, conversation):
    client.conversations.items.create(conversation.id, items=[user("Let us count.")])

    first = turn(client, conversation.id, "one")
    with turn(client, {"id": conversation.id}, "two", stream=True) as stream:
        second = [event for event in stream][-1].response

    assert first.conversation.id == second.conversation.id == conversation.id
    assert second.usage.input_tokens > first.usage.input_tokens
    expected = [
        ("user", "Let us count."),
        ("user", "one"),
        ("assistant", "t0 t1 "),
        ("user", "two"),
        ("assistant", "t0 t1 "),
    ]
    assert said_in(client, conversation) == expected
    asked = client.responses.input_items.list(second.id, order="asc")
    assert [(item.role, item.content[0].text) for item in asked] == expected[:-1]


def test_a_turn_goes_behind_any_other(client, raw, conversation):
    """Ours: OpenAI's conversations are lines. A member that the SDK does not know is sent along."""
    orders = ordered("count", tokens=2, token_ms=0)
    first = turn(client, conversation.id, "one")
    second = turn(client, conversation.id, "two")

    other = turn(client, conversation.id, "two?", {**orders, "chappe": {"after": first.id}})

    turns = f"/v1/conversations/{conversation.id}/turns"
    page = raw.http.get(turns).json()
    assert [one["id"] for one in page["data"]] == [first.id, other.id]
    assert page["data"][1]["siblings"] == [second.id, other.id]
    before = raw.http.get(turns, params={"at": second.id}).json()
    assert [one["response"]["id"] for one in before["data"]] == [first.id, second.id]
    asked = client.responses.input_items.list(other.id, order="asc")
    assert [item.content[0].text for item in asked] == ["one", "t0 t1 ", "two?"]


def test_one_turn_at_a_time(client, conversation):
    running = turn(client, conversation.id, "one", ENDLESS, background=True)

    with pytest.raises(openai.BadRequestError) as refused:
        turn(client, conversation.id, "two")
    client.responses.cancel(running.id)
    turn(client, conversation.id, "three")

    assert (refused.value.code, refused.value.param) == ("conversation_locked", "conversation")
    expected = [("user", "one"), ("user", "three"), ("assistant", "t0 t1 ")]
    assert said_in(client, conversation) == expected


def test_what_cannot_be_a_turn_is_refused(client, conversation):
    with pytest.raises(openai.NotFoundError) as unknown:
        turn(client, UNKNOWN, "one")
    with pytest.raises(openai.BadRequestError) as both:
        turn(client, conversation.id, "one", previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError) as unkept:
        turn(client, conversation.id, "one", store=False)

    assert (unknown.value.code, unknown.value.param) == ("conversation_not_found", "conversation")
    assert both.value.code == "mutually_exclusive_parameters"
    assert unkept.value.param == "store"
    assert said_in(client, conversation) == []


def test_more_than_twenty_items_at_once_are_refused(client, conversation):
    with pytest.raises(openai.BadRequestError) as refused:
        client.conversations.items.create(conversation.id, items=[user("x")] * 21)

    assert refused.value.code == "array_above_max_length"
    assert said_in(client, conversation) == []


def test_conversations_are_listed_and_found(client, raw, conversation):
    """Ours: OpenAI's API has no list of conversations, and the SDK no method for it."""
    turn(client, conversation.id, f"Where is {conversation.id}?")

    newest = raw.http.get("/v1/conversations", params={"limit": 1}).json()
    word = conversation.id.removeprefix("conv_").upper()
    found = raw.http.get("/v1/conversations", params={"search": word}).json()

    assert (newest["object"], len(newest["data"])) == ("list", 1)
    assert [one["id"] for one in found["data"]] == [conversation.id]
    assert found["data"][0]["title"] == f"Where is {conversation.id}?"
    assert found["has_more"] is False
