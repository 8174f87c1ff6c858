"""Open Responses: the checks of its compliance suite under their names, and what its text demands.

The suite is in no package registry: these are checks of our own, written from the specification.
docs/API.md lists them, and what differs.
"""

import json

import pytest

from support import ordered
from support.lifecycle import Life, events_of, is_valid

RESPONSES = "/v1/responses"
COUNTS = ordered("count", tokens=5, token_ms=0)
CALLS = ordered("tool_call", token_ms=0)
REPEATS = ordered("echo", token_ms=0)
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
# Sixteen red points.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAE"
    "ElEQVR42mP4z8AARwzEcQCukw/xOF6MEQAAAABJRU5ErkJggg=="
)


def says(role, content):
    return {"type": "message", "role": role, "content": content}


HELLO = [says("user", "Say hello.")]


@pytest.fixture
def ask(raw):
    """Asks, and gives the response, which is of its shape."""

    def ask(orders=COUNTS, **body):
        answer = raw.http.post(RESPONSES, json={"model": "simulator", **orders, **body})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return is_valid(answer.json())

    return ask


@pytest.fixture
def follow(raw):
    """Asks for a stream, and gives what its events come to, each of which is of its shape."""

    def follow(orders=COUNTS, **body):
        body = {"model": "simulator", "stream": True, **orders, **body}
        answer = raw.http.post(RESPONSES, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return Life(events_of(answer.text))

    return follow


@pytest.fixture
def refused(raw):
    """Asks, and gives the status and the error."""

    def refused(**body):
        answer = raw.http.post(RESPONSES, json={"model": "simulator", "input": HELLO, **body})
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return answer.status_code, error

    return refused


def is_complete(response, kind="message"):
    assert response["status"] == "completed"
    assert kind in [item["type"] for item in response["output"]]


def model_was_asked(response):
    """The body that the model got, of an answer by the script `echo`."""
    [message] = response["output"]
    return json.loads(message["content"][0]["text"])["body"]


# The compliance suite.


def test_basic_response(ask):
    is_complete(ask(input=HELLO))


def test_streaming_response(follow):
    life = follow(input=HELLO)

    is_complete(life.response)
    assert life.kinds.count("response.output_text.delta") > 1


def test_system_prompt(ask):
    response = ask(REPEATS, input=[says("system", "Answer like a pirate."), *HELLO])

    is_complete(response)
    roles = [message["role"] for message in model_was_asked(response)["messages"]]
    assert roles == ["system", "user"]


def test_tool_calling(ask):
    response = ask(CALLS, input=[says("user", "Is it raining in Lille?")], tools=[WEATHER])

    is_complete(response, "function_call")


def test_tool_calling_streaming(follow):
    life = follow(CALLS, input=[says("user", "Is it raining in Lille?")], tools=[WEATHER])

    is_complete(life.response, "function_call")
    assert life.kinds.count("response.function_call_arguments.delta") > 1
    assert life.kinds.count("response.function_call_arguments.done") == 1


def test_function_call_roundtrip(ask):
    forced = {"type": "function", "name": "get_weather"}
    first = ask(CALLS, input="Is it raining in Lille?", tools=[WEATHER], tool_choice=forced)
    [call] = first["output"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "It is."}

    second = ask(REPEATS, input=[result], previous_response_id=first["id"])

    is_complete(second)
    asked = model_was_asked(second)["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[-1]["tool_call_id"] == asked[-2]["tool_calls"][0]["id"] == call["call_id"]


def test_image_input(ask):
    text = {"type": "input_text", "text": "What is this?"}
    response = ask(
        REPEATS, input=[says("user", [text, {"type": "input_image", "image_url": PICTURE}])]
    )

    is_complete(response)
    assert PICTURE in json.dumps(model_was_asked(response))


def test_file_input(ask, refused):
    """Differs: the suite's file is a PDF. A file of text passes."""

    def file(kind):
        data = f"data:{kind};base64,VGhlIHRlbGVncmFwaA=="
        part = {"type": "input_file", "filename": "title", "file_data": data}
        return [says("user", [{"type": "input_text", "text": "Read the title."}, part])]

    text = ask(REPEATS, input=file("text/plain"))
    status, error = refused(input=file("application/pdf"))

    is_complete(text)
    assert "The telegraph" in json.dumps(model_was_asked(text))
    assert (status, error["code"]) == (400, "unsupported_value")
    assert error["param"] == "input[0].content[1].file_data"


def test_multi_turn(ask):
    said = [says("user", "I am Ada."), says("assistant", "Hello Ada."), says("user", "Who am I?")]
    response = ask(REPEATS, input=said)

    is_complete(response)
    asked = model_was_asked(response)["messages"]
    assert [(one["role"], one["content"]) for one in asked] == [
        (one["role"], one["content"]) for one in said
    ]


def test_previous_response_id(ask):
    first = ask(ordered("text", text="Kept in mind."), input="The word is papaya.")

    second = ask(REPEATS, input="Which word?", previous_response_id=first["id"])

    is_complete(second)
    assert second["previous_response_id"] == first["id"]
    asked = [message["content"] for message in model_was_asked(second)["messages"]]
    assert asked == ["The word is papaya.", "Kept in mind.", "Which word?"]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "web_search", "external_web_access": False},
    ],
    ids=["file_search", "offline_web_search"],
)
def test_optional_hosted_tools(refused, tool):
    """Left out: both are optional, and no tools are hosted here."""
    status, error = refused(tools=[tool])

    assert (status, error["code"]) == (400, "unsupported_value")
    assert error["param"] == "tools[0].type"
    assert tool["type"] in error["message"]


# The text of the specification.


def test_a_text_as_input_is_a_message_of_a_user(ask):
    [message] = model_was_asked(ask(REPEATS, input="Hello"))["messages"]

    assert message == {"role": "user", "content": "Hello"}


def test_thoughts_are_content_of_their_own_item(follow):
    life = follow(ordered("reasoning", token_ms=0), input=HELLO)

    assert [item["type"] for item in life.output] == ["reasoning", "message"]
    # Differs: OpenAI's SDKs know these events as `reasoning_text`, the specification as `reasoning`.
    assert "response.reasoning_text.delta" in life.kinds
    assert "response.reasoning_text.done" in life.kinds


def test_a_refusal_is_a_part_like_a_text(follow):
    delta = {"refusal": "I will not."}
    life = follow(ordered("text", text=" ", tokens=1, extra={"delta": delta}), input=HELLO)

    parts = [part for item in life.output for part in item["content"]]
    assert "refusal" in [part["type"] for part in parts]
    assert "response.refusal.done" in life.kinds


def test_probabilities_are_told_with_each_piece(follow):
    life = follow(input=HELLO, include=["message.output_text.logprobs"], top_logprobs=2)

    [message] = life.output
    assert len(message["content"][0]["logprobs"]) == 5


def test_an_item_that_breaks_off_is_the_last_and_so_does_its_response(follow):
    life = follow(ordered("count", tokens=50, token_ms=0), input=HELLO, max_output_tokens=3)

    assert life.response["status"] == "incomplete"
    assert life.response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert life.output[-1]["status"] == "incomplete"


def test_in_the_background_it_is_queued_first(follow):
    life = follow(input=HELLO, background=True)

    assert life.kinds[:3] == ["response.created", "response.queued", "response.in_progress"]
    is_complete(life.response)


def test_what_breaks_after_the_first_word_is_a_failed_response(follow, broken):
    fault = ordered("count", tokens=50, token_ms=0, fault={"error_chunk_after": 3})

    life = follow(fault, input=HELLO)

    assert life.response["status"] == "failed"
    assert life.response["error"]["message"]
    assert life.output[-1]["status"] == "incomplete"


def test_a_turn_names_its_conversation(ask, client):
    conversation = client.conversations.create()

    response = ask(input=HELLO, conversation=conversation.id)

    assert response["conversation"] == {"id": conversation.id}
    client.conversations.delete(conversation.id)


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_whether_a_tool_is_called_is_up_to_the_caller(ask, choice):
    response = ask(REPEATS, input=HELLO, tools=[WEATHER], tool_choice=choice)

    assert response["tool_choice"] == model_was_asked(response)["tool_choice"] == choice


def test_a_model_knows_of_no_tool_that_is_not_allowed(ask):
    allowed = {"type": "allowed_tools", "tools": [{"type": "function", "name": "get_weather"}]}
    other = {**WEATHER, "name": "send_mail"}

    response = ask(REPEATS, input=HELLO, tools=[other, WEATHER], tool_choice=allowed)

    [tool] = model_was_asked(response)["tools"]
    assert tool["function"]["name"] == "get_weather"
    assert [tool["name"] for tool in response["tools"]] == ["send_mail", "get_weather"]
    assert response["tool_choice"] == {**allowed, "mode": "auto"}


def test_nothing_is_left_out_of_what_is_too_long(ask, refused, broken):
    fault = {"status": 400, "code": "context_length_exceeded", "message": "Too long."}

    status, error = refused(**ordered("count", fault=fault))

    assert ask(input=HELLO)["truncation"] == "disabled"
    assert (status, error["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("tier", ["auto", "default", "flex", "priority"])
def test_tiers_are_known(ask, tier):
    served = "default" if tier == "auto" else tier
    assert ask(input=HELLO, service_tier=tier)["service_tier"] == served


def test_all_that_was_asked_is_told_again_in_its_shape(ask):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    asked = {
        "instructions": "Be brief.",
        "max_output_tokens": 64,
        "max_tool_calls": 2,
        "metadata": {"order": "4711"},
        "parallel_tool_calls": False,
        "prompt_cache_key": "key",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "somebody",
        "store": False,
        "temperature": 0.5,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "thing",
                "description": "A thing.",
                "schema": schema,
                "strict": True,
            },
            "verbosity": "low",
        },
        "tools": [{**WEATHER, "strict": None}],
        "top_p": 0.5,
        "truncation": "auto",
    }
    response = ask(REPEATS, input=HELLO, **asked)

    assert {member: response[member] for member in asked} == asked


# What differs, and is documented as such.


def test_a_stream_ends_with_its_last_event(raw):
    """Differs: the specification wants `[DONE]` behind it, which OpenAI's API does not send. And
    events have an `id`, which it advises against: with it, a browser reads on after a cut."""
    body = {"model": "simulator", "input": HELLO, "stream": True, **COUNTS}
    *_events, last, rest = raw.http.post(RESPONSES, json=body).text.split("\n\n")

    assert last.startswith("event: response.completed\nid: ")
    assert rest == ""


def test_a_cancelled_stream_ends_with_an_error_as_openais_sdks_know_it(raw, client):
    """Differs: the specification has the error's members in `error`, and `response.failed` behind
    it; OpenAI has them in the event, and its SDKs raise whatever has an `error`."""
    endless = ordered("count", tokens=60_000, token_ms=10)
    response = client.responses.create(
        model="simulator", input="Hello", background=True, extra_body=endless
    )
    client.responses.cancel(response.id)

    answer = raw.http.get(f"{RESPONSES}/{response.id}", params={"stream": "true"})

    *_events, last, rest = answer.text.split("\n\n")
    event = json.loads(last.split("data: ")[1])
    assert set(event) == {"type", "sequence_number", "code", "message", "param"}
    assert (event["type"], event["code"], rest) == ("error", "response_cancelled", "")


def test_items_are_given_and_not_referred_to(refused):
    status, error = refused(input=[{"type": "item_reference", "id": "msg_1"}])

    assert (status, error["param"]) == (400, "input[0].type")
    assert error["type"] == "invalid_request_error", "OpenAI's word; here `invalid_request`"


def test_nothing_is_compacted_and_nothing_comes_by_websocket(raw):
    compact = raw.http.post(f"{RESPONSES}/compact", json={"model": "simulator"})
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    websocket = raw.http.get(RESPONSES, headers={**upgrade, "sec-websocket-key": "aGVsbG8gY2hhcHBlISEhIQ=="})

    assert (compact.status_code, compact.json()["error"]["code"]) == (404, "unknown_url")
    assert (websocket.status_code, websocket.json()["error"]["code"]) == (405, "method_not_allowed")
