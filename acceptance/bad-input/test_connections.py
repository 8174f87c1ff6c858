"""Connections that misbehave, on a plain socket."""

import socket
import time
from urllib.parse import urlsplit

import pytest

# Headers must be there within ten seconds; a busy machine gets some more.
PATIENCE_S = 25


@pytest.fixture
def connect(gateway_url):
    address = urlsplit(gateway_url)
    opened = []

    def connect():
        connection = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def said_before_the_end(connection):
    """What comes until the other side closes."""
    said = b""
    try:
        while more := connection.recv(65536):
            said += more
    except ConnectionError:
        # A reset is an end as well.
        pass
    return said


def test_callers_with_slow_headers_are_cut_off(connect):
    """All at once, because each of them takes its time."""
    starts = {
        "silence": b"",
        "half a request line": b"POST /v1/chat",
        "headers one by one": b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    }
    open_ones = {}
    for what, first in starts.items():
        open_ones[what] = connect()
        open_ones[what].sendall(first)
        open_ones[what].settimeout(0.2)

    began = time.monotonic()
    while open_ones and time.monotonic() - began < PATIENCE_S:
        for what, connection in list(open_ones.items()):
            if was_closed(connection, more=b"x" if starts[what] else b""):
                del open_ones[what]

    assert not open_ones, "still open"


def was_closed(connection, more):
    """Sends a byte more, as a caller does who wants to hold a connection for ever."""
    try:
        connection.sendall(more)
        return connection.recv(1000) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_headers_over_the_limit_are_refused(connect):
    connection = connect()
    try:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n")
        for number in range(200):
            connection.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1000))
        connection.sendall(b"\r\n")
    except ConnectionError:
        # It may close before everything is sent.
        pass

    said = said_before_the_end(connection)

    assert b"200 OK" not in said
    assert not said or said.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v1/models HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    ],
    ids=["an unknown version", "TLS on a plain port", "a negative length", "two lengths"],
)
def test_what_is_no_request_is_refused(connect, request_line):
    connection = connect()
    connection.sendall(request_line)

    said = said_before_the_end(connection)

    assert not said or said.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 505"))


def test_the_gateway_still_answers(raw):
    assert raw.http.get("/v1/models").status_code == 200
