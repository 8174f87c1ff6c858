"""Large requests and answers: what works, and what is refused in time."""

import json

from support import ordered

CHAT = "/v1/chat/completions"
MIB = 1024 * 1024
# What one message of NATS holds here is 8 MiB; more travels by reference.
OVER_ONE_MESSAGE = 9 * MIB


def test_ten_thousand_messages_work(raw):
    messages = [{"role": "user", "content": f"message {number}"} for number in range(10_000)]

    answer = raw.chat(messages=messages, **ordered("text", text="I have read them all."))

    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "I have read them all."
    assert answer.json()["usage"]["prompt_tokens"] > 10_000


def test_a_prompt_over_what_one_message_holds_works(raw):
    prompt = "telegraph " * (OVER_ONE_MESSAGE // 10)

    answer = raw.chat(messages=[{"role": "user", "content": prompt}], **ordered("text", text="Yes."))

    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Yes."
    assert answer.json()["usage"]["prompt_tokens"] >= len(prompt) // 4


def test_an_answer_over_what_one_message_holds_works(raw):
    prompt = "telegraph " * (OVER_ONE_MESSAGE // 10)
    messages = [{"role": "user", "content": prompt}]

    answer = raw.chat(messages=messages, **ordered("echo", ttft_ms=0, token_ms=0))

    assert answer.status_code == 200, answer.text[:1000]
    echoed = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert echoed["body"]["messages"] == messages


def test_embeddings_over_what_one_message_holds_work(raw):
    texts = [f"{number} " + "word " * 1_000 for number in range(2_000)]
    body = {"model": "simulator-embeddings", "input": texts, "dimensions": 8}

    answer = raw.http.post("/v1/embeddings", json=body)

    assert answer.status_code == 200, answer.text[:1000]
    assert [item["index"] for item in answer.json()["data"]] == list(range(2_000))


def test_a_body_over_the_limit_is_refused_before_it_is_read(raw):
    def body():
        yield b'{"model": "simulator", "messages": [{"role": "user", "content": "'
        for _mebibyte in range(40):
            yield b"x" * MIB
        yield b'"}]}'

    # Once with its length, which is refused unread, and once in pieces of unknown length.
    whole = b"".join(body())
    for content in (whole, body()):
        answer = raw.post(CHAT, content)

        assert answer.status_code == 413, answer.text
        assert answer.json()["error"]["code"] == "request_too_large"
