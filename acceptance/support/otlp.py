"""A receiver of traces: OTLP over HTTP with protobuf, as far as a trace's shape needs it.

It runs in a container of the stack, which has Python and this file: `python3 otlp.py`. `GET /spans/N`
tells what it has behind the first N.
"""

import gzip
import json
import signal
import sys
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Longer than services keep spans before they send them.
WITHIN_S = 30
# Where OTLP over HTTP is received.
PORT = 4318


@dataclass(frozen=True)
class Span:
    """One span, and whose."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int


class Kept:
    """What was received, in its order."""

    def __init__(self):
        self._spans = []
        self._news = threading.Condition()

    def take(self, spans):
        with self._news:
            self._spans += spans
            self._news.notify_all()

    def behind(self, number, within_s):
        """Those behind so many, once there is one, or else none when the time is over."""
        with self._news:
            self._news.wait_for(lambda: len(self._spans) > number, within_s)
            return self._spans[number:]


def serve(kept, address):
    """Receives until the process ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = _body(self)
            if self.path == "/v1/traces":
                kept.take(spans_of(body))
            self._answer(b"", "application/x-protobuf")

        def do_GET(self):
            number = int(self.path.removeprefix("/spans/"))
            spans = [asdict(span) for span in kept.behind(number, WITHIN_S)]
            self._answer(json.dumps(spans).encode(), "application/json")

        def _answer(self, body, form):
            self.send_response(200)
            self.send_header("content-type", form)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_what):
            pass

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    server.serve_forever()


class Receiver:
    """What such a container has received."""

    def __init__(self, url):
        self._url = url
        self._spans = []

    def wait_for(self, look):
        """Waits until `look(spans)` gives something true, and gives it."""
        deadline = time.monotonic() + WITHIN_S
        while not (seen := look(list(self._spans))):
            left = deadline - time.monotonic()
            assert left > 0, f"not within {WITHIN_S} s; {len(self._spans)} spans are here"
            # It answers when there is news.
            with urllib.request.urlopen(f"{self._url}/spans/{len(self._spans)}", timeout=60) as news:
                self._spans += [Span(**span) for span in json.load(news)]
        return seen


def _body(request):
    if "chunked" in request.headers.get("transfer-encoding", ""):
        body = b""
        while size := int(request.rfile.readline(), 16):
            body += request.rfile.read(size)
            request.rfile.readline()
        request.rfile.readline()
    else:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
    return gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body


def spans_of(body):
    """The spans of an ExportTraceServiceRequest."""
    spans = []
    for resource_spans in _messages(body, 1):
        service = ""
        for resource in _messages(resource_spans, 1):
            for attribute in _messages(resource, 1):
                if _text(attribute, 1) == "service.name":
                    [value] = _messages(attribute, 2)
                    service = _text(value, 1)
        for scope_spans in _messages(resource_spans, 2):
            spans += [_span(service, span) for span in _messages(scope_spans, 2)]
    return spans


def _span(service, span):
    number = [value for field, value in _fields(span) if field == 6]
    return Span(
        service=service,
        name=_text(span, 5),
        trace=b"".join(_messages(span, 1)).hex(),
        id=b"".join(_messages(span, 2)).hex(),
        parent=b"".join(_messages(span, 4)).hex(),
        kind=number[0] if number else 0,
    )


def _text(message, field):
    return b"".join(_messages(message, field)).decode()


def _messages(message, field):
    return [value for number, value in _fields(message) if number == field]


def _fields(message):
    """The fields of a message in protobuf's encoding: number and value."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 1:
                value, at = message[at : at + 8], at + 8
            case 2:
                size, at = _varint(message, at)
                value, at = message[at : at + size], at + size
            case 5:
                value, at = message[at : at + 4], at + 4
            case kind:
                raise ValueError(f"protobuf has no fields of kind {kind}")
        yield tag >> 3, value


def _varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


if __name__ == "__main__":
    # The first process of a container hears only the signals that it has asked for.
    signal.signal(signal.SIGTERM, lambda *_what: sys.exit(0))
    serve(Kept(), ("0.0.0.0", PORT))
