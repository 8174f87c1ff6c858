"""A receiver of traces: OTLP over HTTP with protobuf, and what of it says how a trace is made.

It runs in a container of the stack, which has Python and this file: `python3 otlp.py`. `GET /spans/N`
tells what it has behind the first N.
"""

import gzip
import json
import signal
import struct
import sys
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass, field
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
    # Text, whole numbers, fractions and truths, as they came.
    attributes: dict = field(default_factory=dict)
    # The spans that it links to.
    links: list = field(default_factory=list)
    failed: bool = False


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
            body = body_of(self)
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


def body_of(request):
    """What was posted, unpacked."""
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
    for resource_spans in messages(body, 1):
        service = service_of(resource_spans)
        for scope_spans in messages(resource_spans, 2):
            spans += [_span(service, span) for span in messages(scope_spans, 2)]
    return spans


def service_of(resource_and_more):
    """The name of the service that something is of: it begins with its resource."""
    for resource in messages(resource_and_more, 1):
        for attribute in messages(resource, 1):
            name, value = key_value(attribute)
            if name == "service.name":
                return value
    return ""


def _span(service, span):
    said = {"service": service, "name": "", "trace": "", "id": "", "parent": "", "kind": 0}
    attributes, links, failed = {}, [], False
    for number, value in fields(span):
        match number:
            case 1:
                said["trace"] = value.hex()
            case 2:
                said["id"] = value.hex()
            case 4:
                said["parent"] = value.hex()
            case 5:
                said["name"] = value.decode()
            case 6:
                said["kind"] = value
            case 9:
                name, worth = key_value(value)
                attributes[name] = worth
            case 13:
                links.append(b"".join(messages(value, 2)).hex())
            case 15:
                failed = (3, 2) in fields(value)
    return Span(**said, attributes=attributes, links=links, failed=failed)


def key_value(attribute):
    """The name and the value of an attribute."""
    name, worth = "", None
    for number, value in fields(attribute):
        if number == 1:
            name = value.decode()
        else:
            worth = any_value(value)
    return name, worth


def any_value(message):
    """Text, a truth, a whole number, a fraction, or a list of them; else `None`."""
    for number, value in fields(message):
        match number:
            case 1:
                return value.decode()
            case 2:
                return bool(value)
            case 3:
                return value - (1 << 64) if value >> 63 else value
            case 4:
                return struct.unpack("<d", value)[0]
            case 5:
                return [any_value(one) for one in messages(value, 1)]
    return None


def text(message, wanted):
    return b"".join(messages(message, wanted)).decode()


def messages(message, wanted):
    """What stands in a field, as often as it is there."""
    return [value for number, value in fields(message) if number == wanted]


def fields(message):
    """The fields of a message in protobuf's encoding: number and value."""
    at, end, found = 0, len(message), []
    while at < end:
        tag = message[at]
        if tag < 128:
            at += 1
        else:
            tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 1:
                value, at = message[at : at + 8], at + 8
            case 2:
                size = message[at]
                if size < 128:
                    at += 1
                else:
                    size, at = _varint(message, at)
                value, at = message[at : at + size], at + size
            case 5:
                value, at = message[at : at + 4], at + 4
            case kind:
                raise ValueError(f"protobuf has no fields of kind {kind}")
        found.append((tag >> 3, value))
    return found


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
