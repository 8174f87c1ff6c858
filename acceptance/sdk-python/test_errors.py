"""Failures arrive as the SDK's own exceptions, with what a program and a person need."""

import openai
import pytest

from support import ordered

HELLO = [{"role": "user", "content": "Hello"}]


def ask(client, orders=None, **more):
    asked = {"model": "simulator", "messages": HELLO, "extra_body": orders, **more}
    return client.chat.completions.create(**asked)


def fault(**how):
    return ordered("count", tokens=20, token_ms=0, fault=how)


def test_a_wrong_parameter_is_a_bad_request_that_names_it(client):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, messages="Hello")

    error = raised.value
    assert (error.status_code, error.param, error.code) == (400, "messages", "invalid_type")
    assert error.type == "invalid_request_error"
    assert error.request_id
    assert error.response.headers["x-should-retry"] == "false"


def test_the_models_own_refusal_is_a_bad_request_that_names_the_parameter(client):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, temperature=17)

    assert raised.value.param == "temperature"


@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(client, stream):
    with pytest.raises(openai.NotFoundError) as raised:
        ask(client, model="nobody-knows-it", stream=stream)

    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


def test_a_chat_with_an_embedding_model_is_refused(client):
    with pytest.raises(openai.BadRequestError) as raised:
        ask(client, model="simulator-embeddings")

    assert raised.value.param == "model"


# A stream that is refused before its first word is a status and not an event.
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
def test_a_status_of_the_model_is_the_sdks_exception(client, broken, status, exception, stream):
    with pytest.raises(exception) as raised:
        ask(client, fault(status=status, message="Not today."), stream=stream)

    assert raised.value.status_code == status
    assert "Not today." in raised.value.message


@pytest.mark.parametrize(
    "how",
    [
        {"error_chunk_after": 3},
        {"cut_after": 3},
        {"close_without_done_after": 3},
        {"malformed_chunk_after": 3},
    ],
    ids=lambda how: next(iter(how)),
)
def test_a_stream_that_breaks_is_an_error_and_no_silent_end(client, broken, how):
    said = []

    with pytest.raises(openai.APIError):
        for chunk in ask(client, fault(**how), stream=True):
            said += [choice.delta.content or "" for choice in chunk.choices]

    assert "".join(said) == "t0 t1 t2 "


def test_a_broken_stream_does_not_say_done(raw, broken):
    events = raw.stream(messages=HELLO, **fault(cut_after=3))

    assert "[DONE]" not in events
    assert '"error"' in events[-1]


@pytest.mark.parametrize("how", [{"cut_after": 0}, {"garbage_json": True}], ids=str)
def test_an_answer_in_one_piece_that_breaks_is_an_error(client, broken, how):
    with pytest.raises(openai.InternalServerError):
        ask(client, fault(**how))


def test_a_model_that_fails_once_is_asked_again_before_anyone_notices(client, simulator, broken):
    answer = ask(client, fault(status=500, times=1, key="once"))

    assert answer.choices[0].message.content.startswith("t0 t1")
    assert simulator.journal(complete=1)["fault"] == 1


def test_a_caller_who_waits_no_longer_gets_a_timeout(client, simulator, broken):
    with pytest.raises(openai.APITimeoutError):
        ask(client, fault(stall_before_headers=True), timeout=1)

    simulator.journal(client_gone=1)
