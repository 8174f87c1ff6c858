"""HTTP without an SDK, for what an SDK would hide."""

import json

import httpx2

CHAT = "/v1/chat/completions"


class Raw:
    """A client of the gateway that sends what it is told and checks nothing."""

    def __init__(self, url, key):
        self.url = url
        headers = {"authorization": f"Bearer {key}"}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def chat(self, **body):
        """One unary chat request."""
        return self.http.post(CHAT, json={"model": "simulator", **body})

    def post(self, path, content, content_type="application/json"):
        """One request with exactly these bytes."""
        return self.http.post(path, content=content, headers={"content-type": content_type})

    def stream(self, **body):
        """The `data:` of every event of one streamed chat request."""
        body = {"model": "simulator", "stream": True, **body}
        with self.http.stream("POST", CHAT, json=body) as answer:
            answer.read()
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("text/event-stream")
            return sse_events(answer.text)

    def close(self):
        self.http.close()


def sse_events(text):
    """The `data:` lines of a stream, comments passed over."""
    # Not `splitlines`: that also splits at characters which JSON may contain.
    lines = [line for line in text.split("\n") if line.startswith("data: ")]
    return [line.removeprefix("data: ") for line in lines]


def exactly(text):
    """JSON with its numbers as they are spelt: 1.0 is not 1, and 2^53+1 is not 2^53."""
    return json.loads(text, parse_int=str, parse_float=str)
