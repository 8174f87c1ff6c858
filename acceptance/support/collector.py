"""A collector of telemetry that can be down, silent or broken: OTLP over HTTP, a process of its own.

What comes is kept in a file as it comes, and read when a test wants to know: nothing is dropped here
because reading takes long.
"""

import struct
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2

from support.otlp import any_value, body_of, fields, key_value, messages, service_of, spans_of, text
from support.ports import fixed_ports
from support.process import Service

# How it takes what it is sent.
WELL = "well"
# It takes a request, and never says a word.
SILENT = "silent"
# It ends each connection without an answer.
RESETTING = "resetting"
MODES = (WELL, SILENT, RESETTING)
# Before each body in the file: which signal, and how long it is.
HEAD = struct.Struct("<BI")
SIGNALS = ("traces", "metrics", "logs")


@dataclass(frozen=True)
class Line:
    """A line of a log, as it was exported."""

    service: str
    body: object
    attributes: dict
    trace: str


class Collector(Service):
    """One that runs."""

    def __init__(self, folder):
        [port] = fixed_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        # Much, and of no use when the test is over.
        self._data = tempfile.TemporaryDirectory(prefix="chappe-collector-")
        self._kept = Path(self._data.name) / "kept"
        self._kept.touch()
        self._read, self._bodies = 0, defaultdict(list)
        self._spans, self._spans_of = [], 0
        command = [sys.executable, "-m", "support.collector", str(port), str(self._kept)]
        here = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}
        super().__init__("collector", command, here, folder, f"127.0.0.1:{port}")

    @property
    def variables(self):
        """What a service is told, so that everything leaves it soon, and nothing waits for room."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1000",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_MAX_QUEUE_SIZE": "100000",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "1000",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        }

    def abandon(self):
        super().abandon()
        self._data.cleanup()

    async def is_now(self, mode):
        """Takes what comes in this way from now on."""
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            (await http.put(f"{self.url}/{mode}")).raise_for_status()

    def bodies(self, signal):
        """The bodies of requests of a signal, so far."""
        with self._kept.open("rb") as kept:
            kept.seek(self._read)
            new = kept.read()
        at = 0
        while at + HEAD.size <= len(new):
            number, size = HEAD.unpack_from(new, at)
            end = at + HEAD.size + size
            if end > len(new):
                break
            self._bodies[SIGNALS[number]].append(new[at + HEAD.size : end])
            at = end
        self._read += at
        return self._bodies[signal]

    def spans(self):
        bodies = self.bodies("traces")
        for body in bodies[self._spans_of :]:
            self._spans += spans_of(body)
        self._spans_of = len(bodies)
        return self._spans

    def metrics(self):
        """Each metric's name with the services that sent it, the names of its labels with their
        values, and its unit."""
        found = {}
        for body in self.bodies("metrics"):
            for service, metric in _each(body, 2):
                name = text(metric, 1)
                kept = found.setdefault(name, {"services": set(), "labels": defaultdict(set), "unit": ""})
                kept["services"].add(service)
                kept["unit"] = text(metric, 3)
                for label, value in _labels(metric):
                    kept["labels"][label].add(value)
        return found

    def lines(self):
        """The logs."""
        lines = []
        for body in self.bodies("logs"):
            for service, line in _each(body, 2):
                said = [any_value(value) for value in messages(line, 5)]
                attributes = dict(key_value(one) for one in messages(line, 6))
                trace = b"".join(messages(line, 9)).hex()
                lines.append(Line(service, said[0] if said else None, attributes, trace))
        return lines


def _each(body, wanted):
    """Whatever stands below resources and scopes, with its service."""
    for resource in messages(body, 1):
        service = service_of(resource)
        for scope in messages(resource, 2):
            for one in messages(scope, wanted):
                yield service, one


def _labels(metric):
    # Of each kind: the field of a metric, and that of the attributes in its points.
    of = {5: 7, 7: 7, 9: 9, 10: 1}
    for kind, data in fields(metric):
        if kind in of:
            for point in messages(data, 1):
                for attribute in messages(point, of[kind]):
                    yield key_value(attribute)


def serve(address, kept):
    """Receives until the process ends."""
    mode = WELL

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            if mode == RESETTING:
                # With something unread behind it, a closed socket is reset.
                self.close_connection = True
                return
            body = body_of(self)
            if mode == SILENT:
                self._say_nothing()
                return
            number = SIGNALS.index(self.path.rpartition("/")[2])
            # One write: of several threads each appends its own whole.
            with kept.open("ab", buffering=0) as file:
                file.write(HEAD.pack(number, len(body)) + body)
            self._answer()

        def do_PUT(self):
            nonlocal mode
            assert self.path[1:] in MODES, self.path
            mode = self.path[1:]
            self._answer()

        def do_GET(self):
            self._answer()

        def _say_nothing(self):
            self.close_connection = True
            while mode == SILENT:
                time.sleep(0.1)

        def _answer(self):
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_what):
            pass

    server = ThreadingHTTPServer(address, Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    serve(("127.0.0.1", int(sys.argv[1])), Path(sys.argv[2]))
