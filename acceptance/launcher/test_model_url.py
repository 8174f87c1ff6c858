"""The model server that `--model-url` names: an address that is none, a server that is none."""

import contextlib
import http.server
import json
import threading

import pytest

LISTING = {"object": "list", "data": [{"id": "m"}]}


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://127.0.0.1:11434/v1/chat/completions", "http://127.0.0.1:11434/v1"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_to_write(run, url, instead):
    ended = run("chappe", "--model-url", url)

    assert ended.returncode == 78
    assert "  --model-url: " in ended.stderr and f"write {instead}\n" in ended.stderr


def test_https_to_a_plain_server_says_what_to_write(run):
    with model_server(200, LISTING) as (address, asked):
        ended = run("chappe", "--model-url", f"https://{address}/v1", MODEL_API_KEY="s3cret")

    assert ended.returncode == 1
    assert f"write --model-url http://{address}/v1\n" in ended.stderr
    assert f"asking https://{address}/v1" in ended.stdout
    assert [request["authorization"] for request in asked] == [None], "the key was sent in clear"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {}, "MODEL_API_KEY_FILE"),
        (404, {}, "write what stands before"),
        (500, {}, "answers 500"),
        (200, ["m"], "is no list of models"),
        (200, {"data": []}, "load one there first"),
    ],
)
def test_a_server_that_lists_no_models_is_explained(run, status, body, said):
    with model_server(status, body) as (address, _asked):
        ended = run("chappe", "--model-url", f"http://{address}")

    assert ended.returncode == 1
    assert said in ended.stderr and address in ended.stderr


def test_an_address_where_nothing_listens_is_named(run, free_port):
    ended = run("chappe", "--model-url", f"http://127.0.0.1:{free_port}/v1")

    assert ended.returncode == 1
    assert f"no model server answers at http://127.0.0.1:{free_port}/v1" in ended.stderr
    assert "refused" in ended.stderr


@contextlib.contextmanager
def model_server(status, body):
    """Answers everything like this; gives its address and the headers of what it was asked."""
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
