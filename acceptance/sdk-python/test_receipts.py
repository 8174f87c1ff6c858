"""The receipt of an answer, as the SDK shows a member that it does not know."""

import openai
import pytest

from support import ordered

MODEL = "simulator"
MESSAGES = [{"role": "user", "content": "Hello"}]
COUNT = ordered("count", tokens=20, token_ms=5)
WANTED = {"x-chappe-receipt": "true"}
TIMES = ["queue_wait_ms", "model_first_token_ms", "time_to_first_token_ms", "duration_ms"]
MEMBERS = {
    "model", "upstream", "attempt", "trace_id", "input_tokens", "output_tokens",
    "tokens_per_second", *TIMES,
}


def ask(client, headers=None, **more):
    return client.chat.completions.create(
        model=MODEL, messages=MESSAGES, extra_body=COUNT, extra_headers=headers, **more
    )


def checked(receipt, usage, streamed):
    """All of its members are there, fit each other, and what the model has counted."""
    assert set(receipt) == MEMBERS
    assert (receipt["model"], receipt["attempt"]) == (MODEL, 1)
    assert "/" not in receipt["upstream"], "a name and no address"
    assert (receipt["input_tokens"], receipt["output_tokens"]) == usage
    for name in TIMES:
        assert (receipt[name] is None) == (not streamed and "first_token" in name), name
        assert (receipt[name] or 0) >= 0, name
    # 20 tokens, 5 ms apart.
    assert receipt["duration_ms"] >= 90
    assert 0 < receipt["tokens_per_second"] <= 20 / 0.09
    if streamed:
        assert receipt["time_to_first_token_ms"] < receipt["duration_ms"]


def test_a_whole_chat_completion_has_it(client):
    answer = ask(client)

    usage = answer.usage
    checked(answer.chappe, (usage.prompt_tokens, usage.completion_tokens), streamed=False)


def test_embeddings_have_it(client):
    answer = client.embeddings.create(model="simulator-embeddings", input="Hello")

    assert set(answer.chappe) == MEMBERS
    assert answer.chappe["input_tokens"] == answer.usage.prompt_tokens


def test_a_stream_ends_with_it_for_who_wants_it(client):
    options = {"include_usage": True}
    chunks = list(ask(client, WANTED, stream=True, stream_options=options))

    *before, last = chunks
    assert not any("chappe" in chunk.model_extra for chunk in before)
    assert (last.choices, last.usage) == ([], None)
    assert (last.id, last.created, last.model) == (before[0].id, before[0].created, MODEL)
    usage = before[-1].usage
    checked(last.chappe, (usage.prompt_tokens, usage.completion_tokens), streamed=True)


def test_nobody_is_sent_a_chunk_that_they_did_not_ask_for(client):
    chunks = list(ask(client, stream=True))

    assert all(chunk.choices and "chappe" not in chunk.model_extra for chunk in chunks)


def test_tokens_that_nobody_has_counted_are_not_made_up(client):
    last = list(ask(client, WANTED, stream=True))[-1]

    counted = ("input_tokens", "output_tokens", "tokens_per_second")
    assert [last.chappe[name] for name in counted] == [None, None, None]


def test_the_sdks_own_reader_of_streams_takes_it_for_a_chunk_like_any(client):
    with client.chat.completions.stream(
        model=MODEL, messages=MESSAGES, extra_body=COUNT, extra_headers=WANTED
    ) as events:
        answer = events.get_final_completion()

    assert answer.choices[0].message.content.startswith("t0 t1 ")


@pytest.mark.parametrize("stream", [False, True])
def test_a_repeat_has_the_receipt_of_the_first(client, stream):
    key = {"idempotency-key": f"receipt-{stream}-{id(client)}", **WANTED}
    told = []
    for _time in range(2):
        answer = ask(client, key, stream=stream)
        told.append(list(answer)[-1].chappe if stream else answer.chappe)

    assert told[0] == told[1]
    assert set(told[0]) == MEMBERS


def test_a_response_has_it_from_its_end_on(client):
    events = list(
        client.responses.create(model=MODEL, input="Hello", stream=True, extra_body=COUNT)
    )

    last = events[-1].response
    assert not any("chappe" in event.response.model_extra for event in events[:2])
    checked(last.chappe, (last.usage.input_tokens, last.usage.output_tokens), streamed=True)
    assert client.responses.retrieve(last.id).chappe == last.chappe


def test_an_error_has_none(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES,
            extra_body={"simulator": {"fault": {"status": 400, "message": "no"}}},
        )

    assert "chappe" not in refused.value.response.json()
