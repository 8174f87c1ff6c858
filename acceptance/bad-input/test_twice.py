"""A key that is there twice in one JSON object: the last one counts, for us and for the model."""

import pytest

CHAT = "/v1/chat/completions"
MESSAGES = '"messages": [{"role": "user", "content": "Hello"}]'


def test_no_model_is_reached_under_the_first_of_two_names(raw):
    refused = raw.post(CHAT, f'{{"model": "simulator", "model": "nobody", {MESSAGES}}}')
    hidden = raw.post(CHAT, f'{{"model": "simulator", "mod\\u0065l": "nobody", {MESSAGES}}}')
    taken = raw.post(CHAT, f'{{"model": "nobody", "model": "simulator", {MESSAGES}}}')

    assert (refused.status_code, hidden.status_code) == (404, 404)
    assert taken.status_code == 200
    assert taken.json()["model"] == "simulator"


def test_of_two_lists_of_messages_the_last_is_checked(raw):
    refused = raw.post(CHAT, f'{{"model": "simulator", {MESSAGES}, "messages": "Hello"}}')

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "messages"


@pytest.mark.parametrize(("first", "last"), [("true", "false"), ("false", "true")])
def test_of_two_ways_to_answer_the_last_is_taken(raw, first, last):
    body = f'{{"model": "simulator", "stream": {first}, "stream": {last}, {MESSAGES}}}'

    answer = raw.post(CHAT, body)

    streamed = answer.headers["content-type"].startswith("text/event-stream")
    assert answer.status_code == 200
    assert streamed == (last == "true")


def test_of_two_inputs_the_last_is_kept(raw):
    body = '{"model": "simulator", "input": "First", "input": "Last", "simulator": {"token_ms": 0}}'

    response = raw.post("/v1/responses", body)
    items = raw.http.get(f"/v1/responses/{response.json()['id']}/input_items").json()

    assert response.status_code == 200
    assert [part["text"] for item in items["data"] for part in item["content"]] == ["Last"]


@pytest.mark.parametrize("first", ['"1"', "1", '"' + "x" * 10_000 + '"'], ids=["text", "number", "long"])
def test_metadata_are_kept_as_they_came_and_have_each_key_once(raw, first):
    metadata = f'{{"metadata": {{"a": {first}, "\\u0061": "2"}}}}'

    refused = raw.post("/v1/conversations", metadata)

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "metadata"
