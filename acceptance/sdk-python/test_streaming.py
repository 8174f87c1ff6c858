"""A chat completion in pieces."""

from support import ordered

HELLO = [{"role": "user", "content": "Hello"}]


def stream(client, orders, **more):
    return client.chat.completions.create(
        model="simulator", messages=HELLO, stream=True, extra_body=orders, **more
    )


def text_of(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def test_the_pieces_are_the_answer_in_order(client):
    chunks = list(stream(client, ordered("count", tokens=200, token_ms=0)))

    assert text_of(chunks) == "".join(f"t{number} " for number in range(200))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_every_piece_has_the_same_name(client):
    chunks = list(stream(client, ordered("count", tokens=20)))

    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert len({chunk.created for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {"simulator"}


def test_usage_comes_last_and_only_when_it_is_wanted(client):
    without = list(stream(client, ordered("count", tokens=5)))
    wanted = list(
        stream(client, ordered("count", tokens=5), stream_options={"include_usage": True})
    )

    assert all(chunk.usage is None for chunk in without)
    assert all(chunk.usage is None for chunk in wanted[:-1])
    assert wanted[-1].choices == []
    assert wanted[-1].usage.completion_tokens == 5


def test_words_of_every_script_arrive_whole(client):
    text = "Grüße, 你好, שלום, 👩‍👩‍👧‍👦 and \u0000\u2028\\n \"quoted\"\n\ttabbed"

    chunks = list(stream(client, ordered("text", text=text)))

    assert text_of(chunks) == text


def test_the_stream_helper_accumulates_the_same_answer(client):
    with client.chat.completions.stream(
        model="simulator", messages=HELLO, extra_body=ordered("text", text="Piece by piece.")
    ) as events:
        kinds = {event.type for event in events}
        answer = events.get_final_completion()

    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert answer.choices[0].message.content == "Piece by piece."


def test_reasoning_is_streamed_as_the_model_sent_it(client):
    chunks = list(stream(client, ordered("reasoning")))

    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    thoughts = [delta.model_extra.get("reasoning_content") for delta in deltas]
    assert "".join(thought or "" for thought in thoughts)
    assert text_of(chunks)


def test_a_very_long_piece_arrives_whole(client):
    orders = ordered("count", tokens=2, fault={"huge_line_bytes": 1_000_000})

    text = text_of(stream(client, orders))

    assert len(text) > 1_000_000
    assert text.endswith("t0 t1 ")


def test_the_raw_stream_ends_with_done(raw):
    events = raw.stream(messages=HELLO, **ordered("count", tokens=3))

    assert events[-1] == "[DONE]"
    assert events.count("[DONE]") == 1
