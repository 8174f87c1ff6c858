"""A caller who leaves stops the model, in every phase."""

import threading

import httpx2
import pytest

from support import ordered

HELLO = [{"role": "user", "content": "Hello"}]
# Long enough that nobody waits for its end: ten minutes.
ENDLESS = {"tokens": 60_000, "token_ms": 10}


def test_leaving_a_stream_in_the_middle(client, simulator):
    stream = client.chat.completions.create(
        model="simulator", messages=HELLO, stream=True, extra_body=ordered("count", **ENDLESS)
    )
    for chunk, _number in zip(stream, range(5)):
        assert chunk.choices[0].finish_reason is None
    stream.close()

    journal = simulator.journal(client_gone=1)
    assert journal["client_gone_in"]["stream"] == 1
    assert journal["running"] == 0


def test_breaking_out_of_the_loop_of_a_stream_helper(client, simulator):
    with client.chat.completions.stream(
        model="simulator", messages=HELLO, extra_body=ordered("count", **ENDLESS)
    ) as events:
        for event in events:
            if event.type == "content.delta":
                break

    assert simulator.journal(client_gone=1)["running"] == 0


@pytest.mark.parametrize(
    ("phase", "stream", "orders"),
    [
        ("headers", True, {"fault": {"stall_before_headers": True}}),
        ("first_token", True, {"fault": {"stall_before_first_token": True}}),
        ("unary", False, ENDLESS),
    ],
)
def test_leaving_before_anything_was_said(gateway_url, api_key, simulator, phase, stream, orders):
    body = {"model": "simulator", "messages": HELLO, "stream": stream, **ordered("count", **orders)}
    http = httpx2.Client(timeout=60, trust_env=False)

    def ask():
        headers = {"authorization": f"Bearer {api_key}"}
        with pytest.raises(httpx2.HTTPError):
            http.post(f"{gateway_url}/v1/chat/completions", json=body, headers=headers).read()

    # Ends when the timeout of one second leaves the request: the model runs by then.
    http.timeout = httpx2.Timeout(60, read=1)
    asking = threading.Thread(target=ask)
    asking.start()
    assert simulator.journal(started=1)["running"] == 1
    asking.join()
    http.close()

    assert simulator.journal(client_gone=1)["client_gone_in"][phase] == 1
