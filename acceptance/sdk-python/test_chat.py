"""A chat completion in one piece."""

from support import ordered

HELLO = [{"role": "user", "content": "Hello"}]


def test_an_answer_has_text_a_reason_to_finish_and_usage(client):
    answer = client.chat.completions.create(
        model="simulator", messages=HELLO, extra_body=ordered("text", text="Good day.")
    )

    [choice] = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == "Good day."
    assert choice.finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.model == "simulator"
    assert answer.id.startswith("chatcmpl-")
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_the_answer_depends_on_the_whole_conversation(client):
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Two"},
    ]

    alone = client.chat.completions.create(model="simulator", messages=conversation[-1:])
    whole = client.chat.completions.create(model="simulator", messages=conversation)

    assert whole.usage.prompt_tokens > alone.usage.prompt_tokens


def test_the_models_limits_are_the_callers(client):
    answer = client.chat.completions.create(
        model="simulator",
        messages=HELLO,
        max_completion_tokens=3,
        n=2,
        logprobs=True,
        top_logprobs=2,
        extra_body=ordered("count", tokens=10),
    )

    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert choice.finish_reason == "length"
        assert len(choice.logprobs.content) == 3
        assert len(choice.logprobs.content[0].top_logprobs) == 2


def test_the_request_has_an_id_for_support(client):
    answer = client.chat.completions.with_raw_response.create(model="simulator", messages=HELLO)

    assert answer.request_id
    assert answer.parse().choices[0].message.content


def test_the_callers_own_request_id_is_kept(client):
    answer = client.chat.completions.with_raw_response.create(
        model="simulator", messages=HELLO, extra_headers={"x-request-id": "order-4711"}
    )

    assert answer.request_id == "order-4711"


def test_reasoning_reaches_the_caller_as_the_model_sent_it(client):
    answer = client.chat.completions.create(
        model="simulator", messages=HELLO, extra_body=ordered("reasoning")
    )

    assert answer.choices[0].message.model_extra["reasoning_content"]
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
