"""Functions that the model asks to be called."""

import json

from support import ordered

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}
QUESTION = {"role": "user", "content": "What is the weather in Lille?"}
CALL = ordered("tool_call")


def test_a_call_in_one_piece_has_arguments_that_are_json(client):
    answer = client.chat.completions.create(
        model="simulator", messages=[QUESTION], tools=[WEATHER], extra_body=CALL
    )

    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0]
    assert call.id and call.type == "function"
    assert call.function.name == "get_weather"
    assert "city" in json.loads(call.function.arguments)


def test_a_streamed_call_is_put_together_from_its_fragments(client):
    chunks = client.chat.completions.create(
        model="simulator", messages=[QUESTION], tools=[WEATHER], stream=True, extra_body=CALL
    )

    fragments = [
        fragment
        for chunk in chunks
        for choice in chunk.choices
        for fragment in choice.delta.tool_calls or []
    ]
    first = [fragment for fragment in fragments if fragment.index == 0]
    assert len(first) > 1, "arguments come in pieces"
    assert first[0].id and first[0].function.name == "get_weather"
    assert all(fragment.id is None for fragment in first[1:])
    arguments = "".join(fragment.function.arguments or "" for fragment in first)
    assert "city" in json.loads(arguments)


def test_the_helper_sees_the_same_call(client):
    with client.chat.completions.stream(
        model="simulator", messages=[QUESTION], tools=[WEATHER], extra_body=CALL
    ) as events:
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]

    assert done[0].name == "get_weather"
    assert "city" in json.loads(done[0].arguments)


def test_the_result_of_a_call_goes_back_and_is_answered(client):
    first = client.chat.completions.create(
        model="simulator", messages=[QUESTION], tools=[WEATHER], extra_body=CALL
    )
    asked = first.choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": '{"celsius": 21}'}
        for call in asked.tool_calls
    ]

    second = client.chat.completions.create(
        model="simulator",
        messages=[QUESTION, asked.to_dict(), *results],
        tools=[WEATHER],
        tool_choice="none",
        extra_body=ordered("text", text="It is 21 degrees."),
    )

    assert second.choices[0].message.content == "It is 21 degrees."
    assert second.choices[0].finish_reason == "stop"
