"""A receiver of traces: OTLP over HTTP with protobuf, as far as a trace's shape needs it."""

import gzip
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Longer than services keep spans before they send them.
WITHIN_S = 30


@dataclass(frozen=True)
class Span:
    """One span, and whose."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int


class Receiver:
    """Takes what services send to its address, which has to be reachable from their containers."""

    def __init__(self, host):
        self._spans = []
        self._news = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = _body(self)
                if self.path == "/v1/traces":
                    receiver._take(body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_what):
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _take(self, body):
        with self._news:
            self._spans += spans_of(body)
            self._news.notify_all()

    def wait_for(self, look):
        """Waits until `look(spans)` gives something true, and gives it."""
        deadline = time.monotonic() + WITHIN_S
        with self._news:
            while not (seen := look(list(self._spans))):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {WITHIN_S} s; {len(self._spans)} spans are here"
                self._news.wait(left)
            return seen

    def close(self):
        self._server.shutdown()
        self._server.server_close()


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
