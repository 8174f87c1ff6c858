"""Every member of a request reaches the model, every member of an answer the caller, whether
anybody here knows it or not. The simulator's `echo` answers with the body and the headers that
it received. Numbers are compared as they are spelt."""

import json
import typing

import pytest
from openai.types.chat import completion_create_params as chat_params
from openai.types.embedding_create_params import EmbeddingCreateParams

from support import ordered
from support.raw import exactly

# Where a parser that understands too much would change something.
UNKNOWN = {
    "beyond_double": 9007199254740993,
    "spelt_with_point": 1.0,
    "very_small": 1e-7,
    "negative_zero": -0.0,
    "nothing": None,
    "empty": [{}, [], ""],
    "escapes": "\"\\/\b\f\n\r\t\u2028\u0000 é 👋",
    "nested": {"a": [{"b": {"c": [1, [2, [3]]]}}]},
    "": "a member without a name",
}

MESSAGES = [
    {"role": "developer", "content": "Answer in French.", "name": "dev"},
    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
    {
        "role": "user",
        "name": "ada",
        "content": [
            {"type": "text", "text": "What is in these?", "vendor_hint": {"cache": True}},
            {
                "type": "image_url",
                "image_url": {"url": "data:image/png;base64,aGVsbG8=", "detail": "high"},
            },
            {"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}},
            {"type": "file", "file": {"file_data": "aGVsbG8=", "filename": "a.pdf"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "audio": {"id": "audio_1"},
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "x"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    {"role": "user", "content": "Go on.", "vendor_member": UNKNOWN},
]

FUNCTION = {"name": "f", "description": "F.", "parameters": {"type": "object"}, "strict": True}

CHAT = {
    "model": "simulator",
    "messages": MESSAGES,
    "audio": {"voice": "alloy", "format": "mp3"},
    "frequency_penalty": 0.25,
    "function_call": "none",
    "functions": [{"name": "old", "parameters": {"type": "object"}}],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 100_000,
    "max_tokens": 100_000,
    "metadata": {"order": "4711"},
    "modalities": ["text"],
    "moderation": {"model": "omni-moderation-latest"},
    "n": 1,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "Bonjour"},
    "presence_penalty": -0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "s", "strict": True, "schema": {"type": "object"}},
    },
    "safety_identifier": "u-1",
    "seed": 7,
    "service_tier": "auto",
    # A line break is escaped where the body is given back, so this does not end the answer.
    "stop": ["\nSTOP"],
    "store": False,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "temperature": 0.7,
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "tools": [{"type": "function", "function": FUNCTION}, {"type": "custom", "custom": {"name": "g"}}],
    "top_logprobs": 2,
    "top_p": 0.9,
    "user": "u-1",
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}


def test_the_sdks_documented_members_are_all_in_these_tests():
    documented = set(typing.get_type_hints(chat_params.CompletionCreateParamsBase))
    assert documented <= set(CHAT), f"new in the SDK: {documented - set(CHAT)}"
    assert set(typing.get_type_hints(EmbeddingCreateParams)) <= set(EMBEDDINGS)


@pytest.mark.parametrize("stream", [False, True])
def test_every_member_of_a_chat_request_reaches_the_model(client, stream):
    extra = {"vendor": UNKNOWN, "top_k": 40, "min_p": 0.05} | ordered("echo", token_ms=0)

    answer = client.chat.completions.with_raw_response.create(
        **CHAT, stream=stream, extra_body=extra
    )

    sent = answer.http_response.request.content
    if stream:
        choices = [choice for chunk in answer.parse() for choice in chunk.choices]
        said = "".join(choice.delta.content or "" for choice in choices)
    else:
        said = answer.parse().choices[0].message.content
    same_members(exactly(said)["body"], exactly(sent))


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
def test_every_member_of_an_embeddings_request_reaches_the_model(client, encoding_format):
    extra = {"vendor": UNKNOWN, "input_type": "query"} | ordered("echo")
    request = {**EMBEDDINGS, "encoding_format": encoding_format}

    answer = client.embeddings.with_raw_response.create(**request, extra_body=extra)

    # `echo` is itself a member that nobody knows: it has come back through the gateway.
    echoed = exactly(answer.http_response.text)["echo"]
    same_members(echoed["body"], exactly(answer.http_response.request.content))


def test_the_callers_key_and_cookies_stay_here(raw, api_key):
    # A gateway that asks for no key takes any.
    key = "sk-caller-canary" if api_key == "unused" else api_key
    answer = raw.http.post(
        "/v1/chat/completions",
        json={"model": "simulator", "messages": MESSAGES[-1:], **ordered("echo")},
        headers={"authorization": f"Bearer {key}", "cookie": "session=canary"},
    )

    said = answer.json()["choices"][0]["message"]["content"]
    headers = exactly(said)["headers"]
    assert headers["content-type"].startswith("application/json")
    assert "canary" not in str(headers) and key not in str(headers)


EXTRA = {
    "top": {"vendor_top": UNKNOWN, "service_tier": "priority"},
    "choice": {"vendor_choice": UNKNOWN, "stop_reason": 7},
    "delta": {"vendor_delta": UNKNOWN, "annotations": [{"type": "url_citation"}]},
}
SPELT = exactly(json.dumps(EXTRA))


def test_every_member_of_a_chunk_reaches_the_caller(raw):
    events = raw.stream(
        messages=MESSAGES[-1:], stream_options={"include_usage": True},
        **ordered("count", tokens=3, extra=EXTRA),
    )

    chunks = [exactly(event) for event in events[:-1]]
    assert chunks[-1]["usage"]["completion_tokens"] == "3"
    for chunk in chunks:
        contains(chunk, SPELT["top"])
        for choice in chunk["choices"]:
            contains(choice, SPELT["choice"])
    words = [choice for chunk in chunks for choice in chunk["choices"] if choice["delta"].get("content")]
    assert len(words) == 3
    for choice in words:
        contains(choice["delta"], SPELT["delta"])


def test_every_member_of_an_answer_in_one_piece_reaches_the_caller(raw):
    answer = raw.chat(messages=MESSAGES[-1:], **ordered("count", tokens=3, extra=EXTRA))

    whole = exactly(answer.text)
    contains(whole, SPELT["top"])
    contains(whole["choices"][0], SPELT["choice"])
    contains(whole["choices"][0]["message"], SPELT["delta"])


@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_shows_members_that_it_does_not_know(client, stream):
    answer = client.chat.completions.create(
        model="simulator", messages=MESSAGES[-1:], stream=stream,
        extra_body=ordered("count", tokens=2, extra=EXTRA),
    )

    parts = list(answer) if stream else [answer]
    for part in parts:
        assert part.model_extra["vendor_top"] == UNKNOWN
        assert part.choices[0].model_extra["vendor_choice"] == UNKNOWN


EMBEDDINGS = {
    "model": "simulator-embeddings",
    "input": ["Paris", "Lille \"escaped\" \n"],
    "dimensions": 4,
    "encoding_format": "float",
    "user": "u-1",
}


def same_members(received, sent):
    """Says which member differs, in place of two long texts."""
    assert sorted(received) == sorted(sent)
    for name, value in sent.items():
        assert received[name] == value, f"member `{name}`"


def contains(members, expected):
    for name, value in expected.items():
        assert members.get(name) == value, f"member `{name}` of {members}"
