"""What the proxy says itself, callers of the API read as they read errors of a gateway."""

import contextlib
import json
import os
import re
import socket
import time

import pytest

from support.compose import ROOT, Stack
from support.ports import fixed_ports

CONFIG = (ROOT / "compose" / "haproxy.cfg").read_text()
ERRORS = ROOT / "compose" / "errors"
# What HAProxy answers where it is asked for nothing that this configuration refuses.
OF_ITS_OWN = {400, 408, 414, 431, 500, 501, 502, 503, 504}
NO_REQUEST = b"this is no request\r\n\r\n"
NOBODY_BEHIND = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG_ADDRESS = b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE_HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nx: " + b"x" * 20_000 + b"\r\n\r\n"
NEVER_ENDS = b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\n"


def test_each_of_its_errors_has_the_form_of_the_api():
    told = dict(re.findall(r"errorfile (\d+) /usr/local/etc/haproxy/errors/(\S+)", CONFIG))
    assert {int(status) for status in told} >= OF_ITS_OWN
    for status, file in told.items():
        head, _, body = (ERRORS / file).read_text().partition("\n\n")
        assert head.startswith(f"HTTP/1.1 {status} "), file
        error = json.loads(body)["error"]
        assert set(error) == {"message", "type", "param", "code"}, file
        kind = "invalid_request_error" if int(status) < 500 or status == "501" else "server_error"
        assert error["type"] == kind, file


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A proxy with nobody behind it, which waits a second for a request."""
    stack = Stack(f"chappe-test-proxy-{os.getpid()}")
    # Where nobody answers for the engine's names, none of them is an address.
    config = CONFIG.replace("timeout http-request 60s", "timeout http-request 1s")
    assert config != CONFIG
    file = tmp_path_factory.mktemp("proxy") / "haproxy.cfg"
    file.write_text(config)
    file.parent.chmod(0o755)
    [image] = re.findall(r"image: (haproxy:\S+)", (ROOT / "compose.yaml").read_text())
    [port] = fixed_ports(1)
    stack.docker(
        *("run", "--detach", "--name", stack.name, "--publish", f"127.0.0.1:{port}:8790"),
        *("--volume", f"{file}:/usr/local/etc/haproxy/haproxy.cfg:ro"),
        *("--volume", f"{ERRORS}:/usr/local/etc/haproxy/errors:ro", image),
    )
    try:
        listens(port)
        yield port
    finally:
        stack.docker("rm", "--force", stack.name)


def listens(port):
    """Waits for it. The engine takes connections for a container that does not listen yet, and closes
    or resets them."""
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(ConnectionError):
            if said(port, NOBODY_BEHIND):
                return
        assert time.monotonic() < deadline, "the proxy does not answer"
        time.sleep(0.05)


def said(port, request):
    """Everything that is answered until the connection is closed, or the answer is whole."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            piece = connection.recv(65_536)
            if not piece:
                break
            answer += piece
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (NO_REQUEST, 400, "invalid_request"),
        (LONG_ADDRESS, 414, "address_too_long"),
        (LARGE_HEAD, 431, "headers_too_large"),
        (NEVER_ENDS, 408, "request_timeout"),
        (NOBODY_BEHIND, 503, "no_gateway"),
    ],
    ids=["no request", "a long address", "large headers", "no end", "nobody behind it"],
)
def test_its_errors_are_read_as_json(alone, request_bytes, status, code):
    answer = said(alone, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status), answer
    assert b"content-type: application/json" in head.lower(), head
    assert json.loads(body)["error"]["code"] == code
    assert (b"retry-after:" in head.lower()) == (status == 503)
