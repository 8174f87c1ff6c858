"""Responses: stored answers, read whole or in pieces, now or later, and read on after a cut."""

import json
import time
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

from support import ordered

HELLO = {"model": "simulator", "input": "Hello"}
COUNTED = "".join(f"t{number} " for number in range(20))
# Long enough that nobody waits for its end: ten minutes.
ENDLESS = ordered("count", tokens=60_000, token_ms=10)


def count(tokens, **orders):
    return ordered("count", tokens=tokens, token_ms=0, **orders)


def create(client, orders=None, **more):
    return client.responses.create(**{**HELLO, "extra_body": orders, **more})


def until_done(client, response, within_s=30):
    """Polls, as the guide for background responses has it."""
    deadline = time.monotonic() + within_s
    seen = {response.status}
    while response.status in ("queued", "in_progress"):
        assert time.monotonic() < deadline, f"still {response.status}"
        time.sleep(0.05)
        response = client.responses.retrieve(response.id)
        seen.add(response.status)
    return response, seen


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def without_client_helpers(events):
    """What came over the wire, of events that a helper may have added to."""
    return [event.to_dict() for event in events]


def test_a_response_in_one_piece(client):
    response = create(client, count(20), metadata={"order": "4711"}, instructions="Be brief.")

    assert response.id.startswith("resp_")
    assert (response.object, response.status, response.error) == ("response", "completed", None)
    assert response.output_text == COUNTED
    assert response.model == "simulator"
    assert (response.metadata, response.instructions) == ({"order": "4711"}, "Be brief.")
    usage = response.usage
    assert usage.output_tokens == 20
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert response.completed_at >= response.created_at > 0


def test_it_can_be_retrieved_and_is_the_same(client):
    response = create(client, count(5))

    assert client.responses.retrieve(response.id).to_dict() == response.to_dict()


def test_an_answer_that_may_be_no_longer_is_incomplete(client):
    response = create(client, count(20), max_output_tokens=3)

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == "t0 t1 t2 "


def test_the_events_of_a_stream_are_numbered_and_in_order(client):
    events = list(create(client, count(20), stream=True))

    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert text_of(events) == COUNTED
    assert events[-1].response.output_text == COUNTED


def test_the_stream_helper_accumulates_the_same_response(client):
    with client.responses.stream(**HELLO, extra_body=count(20)) as stream:
        texts = [event.snapshot for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()

    assert texts[-1] == COUNTED
    assert response.output_text == COUNTED
    assert client.responses.retrieve(response.id).output_text == COUNTED


def test_behind_every_event_the_rest_is_the_same(client):
    whole = without_client_helpers(create(client, count(5), stream=True))
    id = whole[0]["response"]["id"]

    for after in range(len(whole)):
        rest = client.responses.retrieve(id, stream=True, starting_after=after)
        assert without_client_helpers(rest) == whole[after + 1 :]


def test_a_stream_that_was_left_is_read_on_while_it_goes_on(client):
    stream = create(client, ordered("count", tokens=100, token_ms=5), stream=True)
    events = []
    for event in stream:
        events.append(event)
        if len(events) == 10:
            break
    stream.close()

    rest = client.responses.retrieve(
        events[0].response.id, stream=True, starting_after=events[-1].sequence_number
    )
    events += list(rest)

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert text_of(events) == "".join(f"t{number} " for number in range(100))
    assert events[-1].type == "response.completed"


def test_the_helper_reads_on_from_the_number_that_it_is_given(client):
    response = create(client, count(20))

    with client.responses.stream(response_id=response.id, starting_after=10) as stream:
        numbers = [event.sequence_number for event in stream]
        final = stream.get_final_response()

    assert numbers[0] == 11
    assert final.output_text == COUNTED


def test_in_the_background_it_is_polled_until_it_is_done(client):
    queued = create(client, ordered("count", tokens=20, token_ms=20), background=True)

    done, seen = until_done(client, queued)

    assert (queued.status, queued.background) == ("queued", True)
    assert seen <= {"queued", "in_progress", "completed"}
    assert done.output_text == COUNTED


def test_in_the_background_it_can_be_streamed_left_and_read_on(client):
    orders = ordered("count", tokens=50, token_ms=5)
    stream = create(client, orders, background=True, stream=True)
    events = [event for event, _number in zip(stream, range(6))]
    stream.close()

    rest = client.responses.retrieve(
        events[0].response.id, stream=True, starting_after=events[-1].sequence_number
    )
    events += list(rest)

    assert [event.type for event in events[:2]] == ["response.created", "response.queued"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text.endswith("t49 ")


def test_cancelling_stops_the_model_and_twice_is_the_same_as_once(client, simulator):
    response = create(client, ENDLESS, background=True)
    simulator.journal(started=1)

    cancelled = client.responses.cancel(response.id)
    again = client.responses.cancel(response.id)

    assert cancelled.status == "cancelled"
    assert again.to_dict() == cancelled.to_dict()
    assert simulator.journal(client_gone=1)["running"] == 0
    assert client.responses.retrieve(response.id).to_dict() == cancelled.to_dict()


def test_only_responses_in_the_background_are_cancelled(client):
    response = create(client, count(2))

    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.cancel(response.id)

    assert raised.value.type == "invalid_request_error"


def test_what_is_deleted_is_gone_and_its_model_stops(client, simulator):
    response = create(client, ENDLESS, background=True)
    simulator.journal(started=1)

    client.responses.delete(response.id)

    assert simulator.journal(client_gone=1)["running"] == 0
    for gone in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            gone(response.id)


def test_a_second_turn_goes_on_from_the_first(client):
    first = create(client, ordered("text", text="Paris and Lille."), instructions="Be brief.")
    second = create(
        client,
        ordered("echo", token_ms=0),
        input="And then?",
        previous_response_id=first.id,
    )

    messages = json.loads(second.output_text)["body"]["messages"]
    said = [(message["role"], json.dumps(message["content"])) for message in messages]
    assert [role for role, _text in said] == ["user", "assistant", "user"], "one's instructions"
    for (_role, text), expected in zip(said, ["Hello", "Paris and Lille.", "And then?"]):
        assert expected in text
    assert second.previous_response_id == first.id


def test_the_items_that_a_response_answers_are_listed(client):
    first = create(client, ordered("text", text="Good day."))
    second = create(client, count(2), input="Again", previous_response_id=first.id)

    items = list(client.responses.input_items.list(second.id, order="asc", limit=2))

    texts = [item.content[0].text for item in items]
    assert texts == ["Hello", "Good day.", "Again"]
    newest = client.responses.input_items.list(second.id, limit=1)
    assert (newest.data[0].content[0].text, newest.has_more) == ("Again", True)


def test_what_is_not_to_be_kept_is_read_once(client):
    response = create(client, count(3), store=False)

    assert response.output_text == "t0 t1 t2 "
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(openai.APIStatusError) as raised:
        create(client, count(3), previous_response_id=response.id)
    assert raised.value.code == "previous_response_not_found"


WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def test_a_function_is_called_and_its_result_answered(client):
    first = create(
        client, ordered("tool_call"), input="What is the weather in Lille?", tools=[WEATHER]
    )
    [call] = [item for item in first.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}

    second = create(
        client,
        ordered("echo", token_ms=0),
        input=[result],
        previous_response_id=first.id,
        tools=[WEATHER],
        tool_choice="none",
    )

    assert call.name == "get_weather"
    assert "city" in json.loads(call.arguments)
    asked = json.loads(second.output_text)["body"]
    said, result = asked["messages"][-2:]
    assert said["tool_calls"][0]["function"]["name"] == "get_weather"
    assert said["tool_calls"][0]["id"] == result["tool_call_id"] == call.call_id
    assert "21 degrees" in json.dumps(result["content"])
    assert asked["tools"][0]["function"]["name"] == "get_weather"


def test_a_streamed_call_is_put_together_from_its_fragments(client):
    with client.responses.stream(
        model="simulator",
        input="What is the weather in Lille?",
        tools=[WEATHER],
        extra_body=ordered("tool_call"),
    ) as stream:
        snapshots = [
            event.snapshot
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        response = stream.get_final_response()

    [call] = [item for item in response.output if item.type == "function_call"]
    assert len(snapshots) > 1, "arguments come in pieces"
    assert snapshots[-1] == call.arguments


class Station(BaseModel):
    name: str
    kind: Literal["semaphore", "relay"]
    arms: list[int]


def test_an_answer_follows_the_schema_and_is_parsed(client):
    response = client.responses.parse(**HELLO, text_format=Station)

    assert isinstance(response.output_parsed, Station)


def test_a_streamed_answer_follows_the_schema(client):
    with client.responses.stream(**HELLO, text_format=Station) as stream:
        response = stream.get_final_response()

    assert isinstance(response.output_parsed, Station)


def test_thoughts_are_items_of_their_own(client):
    response = create(client, ordered("reasoning"))

    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output[0].content[0].text
    assert response.usage.output_tokens_details.reasoning_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_before_the_first_word_is_the_sdks_exception(client, broken, stream):
    fault = count(20, fault={"status": 400, "message": "Not today."})

    with pytest.raises(openai.BadRequestError) as raised:
        create(client, fault, stream=stream)

    assert "Not today." in raised.value.message


def test_what_breaks_in_the_background_says_so(client, broken):
    fault = count(20, fault={"status": 400, "message": "Not today."})

    response, _seen = until_done(client, create(client, fault, background=True))

    assert response.status == "failed"
    assert "Not today." in response.error.message


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 7}, "input"),
        ({"model": 7}, "model"),
        ({"conversation": 7}, "conversation"),
        ({"conversation": "conv_nobody"}, "conversation"),
        ({"include": ["everything"]}, "include[0]"),
        ({"previous_response_id": "resp_nobody"}, "previous_response_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_parameter_is_named(client, asked, param):
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as raised:
        create(client, **asked)

    assert raised.value.param == param
    assert raised.value.type == "invalid_request_error"


def test_a_cursor_behind_the_end_is_refused(client):
    response = create(client, count(2))

    with pytest.raises(openai.BadRequestError):
        client.responses.retrieve(response.id, stream=True, starting_after=1_000)


@pytest.mark.parametrize("id", ["resp_1", "msg_1", "resp_00000000000000000000000000000000"])
def test_an_unknown_response_is_not_found(client, id):
    with pytest.raises(openai.NotFoundError) as raised:
        client.responses.retrieve(id)

    assert id in raised.value.message
