"""Requests that two readers could understand differently: on a plain socket, byte for byte.

What is refused ends its connection, so that nothing behind it is taken for another request.
"""

import json
import socket
from urllib.parse import urlsplit

import pytest

PATIENCE_S = 25
HELLO = {"model": "simulator", "messages": [{"role": "user", "content": "Hello"}]}
BODY = json.dumps(HELLO).encode()
LENGTH = b"content-length: %d\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# What a smuggler wants to be read as a request of its own.
BEHIND = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n"


@pytest.fixture
def said_to(gateway_url, api_key):
    """Sends bytes, and tells everything that comes until the other side closes."""
    address = urlsplit(gateway_url)
    host = b"host: localhost\r\n"
    key = b"authorization: Bearer %s\r\n" % api_key.encode()

    def said_to(request):
        request = request.replace(host, host + key)
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
            said = b""
            try:
                connection.sendall(request)
                while more := connection.recv(65536):
                    said += more
            except ConnectionError:
                # A reset is an end as well.
                pass
            return said

    return said_to


def statuses(said):
    """The status of each answer on the connection."""
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


REFUSED = {
    "chunked twice in two headers": POST + CHUNKED + CHUNKED + b"\r\n" + CHUNKS,
    "chunked twice in one header": POST + b"transfer-encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "compressed and chunked": POST + b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "chunked and then something": POST + b"transfer-encoding: chunked, gzip\r\n\r\n" + CHUNKS,
    "an unknown coding": POST + b"transfer-encoding: xchunked\r\n\r\n" + CHUNKS,
    "identity": POST + b"transfer-encoding: identity\r\n\r\n" + BODY,
    "a coding behind a control character": POST + b"transfer-encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "chunks in HTTP/1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "an unknown coding beside a length": POST + LENGTH + b"transfer-encoding: x\r\n\r\n" + BODY,
    "a length with a sign": POST + b"content-length: +%d\r\n\r\n" % len(BODY) + BODY,
    "a hexadecimal length": POST + b"content-length: 0x%x\r\n\r\n" % len(BODY) + BODY,
    "a list of lengths": POST + b"content-length: %d, %d\r\n\r\n" % (len(BODY), len(BODY)) + BODY,
    "a length beyond all numbers": POST + b"content-length: " + b"9" * 30 + b"\r\n\r\n" + BODY,
    "the longest length": POST + b"content-length: 18446744073709551615\r\n\r\n" + BODY,
    "a space before the colon": POST + b"content-length : %d\r\n\r\n" % len(BODY) + BODY,
    "a space before the colon of a coding": POST + LENGTH + b"transfer-encoding : chunked\r\n\r\n" + BODY,
    "a header over two lines": GET + b"x-a: b\r\n c\r\n\r\n",
    "a coding over two lines": POST + b"transfer-encoding:\r\n chunked\r\n\r\n" + CHUNKS,
    "a header that begins with a space": b"GET /v1/models HTTP/1.1\r\n host: localhost\r\n\r\n",
    "a carriage return alone": GET + b"x-a: b\rtransfer-encoding: chunked\r\n\r\n",
    "a zero byte in a value": GET + b"x-a: a\0b\r\n\r\n",
    "a zero byte in a name": GET + b"x\0a: b\r\n\r\n",
    "a zero byte in a key": GET + b"authorization: Bearer a\0b\r\n\r\n",
    "a key over two lines": GET + b"authorization: Bearer\r\n a\r\n\r\n",
    "a key without end": GET + b"authorization: Bearer " + b"a" * 100_000 + b"\r\n\r\n",
    "an owner over two lines": GET + b"chappe-on-behalf-of: a\r\n b\r\n\r\n",
    "a zero byte in an owner": GET + b"chappe-on-behalf-of: a\0b\r\n\r\n",
    "no version": b"GET /v1/models\r\n\r\n",
    "a chunk size beyond all numbers": POST + CHUNKED + b"\r\nffffffffffffffff1\r\nx",
    "a negative chunk size": POST + CHUNKED + b"\r\n-1\r\nx",
    "a space in a chunk size": POST + CHUNKED + b"\r\n4 4\r\nx",
    "chunks that end in a line feed": POST + CHUNKED + b"\r\n" + CHUNKS.replace(b"\r", b""),
    "a tunnel": b"CONNECT elsewhere.example:443 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    "two hosts": GET + b"host: localhost\r\n\r\n",
    "two origins": GET + b"origin: http://localhost\r\norigin: http://localhost\r\n\r\n",
    "a hundred and one headers": GET + b"".join(b"x-%d: y\r\n" % number for number in range(101)) + b"\r\n",
    "an endless address": b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
}

# Where nobody needs a key, a name tells whose page it is that asks.
FOREIGN = {
    "another host in the address": b"GET http://elsewhere.example/v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", FOREIGN.values(), ids=FOREIGN.keys())
def test_another_name_is_refused_where_nobody_needs_a_key(said_to, api_key, request_bytes):
    said = said_to(request_bytes)

    [status] = statuses(said)
    assert 400 <= status < 500 if api_key == "unused" else status == 200, said


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
def test_refused_and_nothing_behind_it_is_answered(said_to, request_bytes):
    said = said_to(request_bytes + BEHIND)

    answered = statuses(said)
    assert len(answered) <= 1, said
    # Where the rest could not be sent, a reset may come before the answer.
    assert all(400 <= status < 500 for status in answered), said


@pytest.mark.parametrize("headers", [LENGTH + CHUNKED, CHUNKED + LENGTH], ids=["before", "behind"])
def test_a_length_beside_chunks_means_nothing_and_ends_the_connection(said_to, headers):
    """As RFC 9112 section 6.3 has it."""
    said = said_to(POST + headers + b"\r\n" + CHUNKS + BEHIND)

    assert statuses(said) == [200], said
    assert b'"chat.completion"' in said


def test_a_body_ends_where_its_length_says(said_to):
    said = said_to(POST + LENGTH + LENGTH + b"\r\n" + BODY + BEHIND.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    # The same length twice is one length; what stands behind it is the caller's next request.
    assert statuses(said) == [200, 200], said


def test_what_stands_behind_the_chunks_is_no_header(said_to):
    chunks = CHUNKS.replace(b"0\r\n\r\n", b"0\r\nhost: elsewhere.example\r\nx-request-id: theirs\r\n\r\n")

    said = said_to(POST + b"connection: close\r\nx-request-id: ours\r\n" + CHUNKED + b"\r\n" + chunks)

    assert statuses(said) == [200]
    assert b"x-request-id: ours\r\n" in said and b"theirs" not in said


@pytest.mark.parametrize(
    "header",
    [
        b"x-request-id: a\nset-cookie: planted=1\r\n",
        b"x-request-id: a\rset-cookie: planted=1\r\n",
        b"x-request-id: a b\r\n",
        b"x-request-id: a\xff\r\n",
        b"x-request-id: " + b"a" * 1000 + b"\r\n",
        b"x-request-id: %0d%0aset-cookie:%20planted=1\r\n",
        b"x-request-id: a\xc3\xa4\r\n",
        b"idempotency-key: a\rset-cookie: planted=1\r\n",
        b"idempotency-key: a\nset-cookie: planted=1\r\n",
        b"idempotency-key: %0d%0aset-cookie:%20planted=1\r\n",
        b"idempotency-key: a\xe5\x98\x8d\xe5\x98\x8aset-cookie: planted=1\r\n",
        b"chappe-on-behalf-of: a\rset-cookie: planted=1\r\n",
        b"chappe-on-behalf-of: a\nset-cookie: planted=1\r\n",
        b"chappe-on-behalf-of: %0d%0aset-cookie:%20planted=1\r\n",
        b"chappe-on-behalf-of: a\xe5\x98\x8d\xe5\x98\x8aset-cookie: planted=1\r\n",
        b"authorization: Bearer a\nset-cookie: planted=1\r\n",
        b"traceparent: 00-a\nset-cookie: planted=1\r\n",
    ],
)
def test_what_is_told_back_adds_no_header(said_to, header):
    said = said_to(GET + b"connection: close\r\n" + header + b"\r\n")

    head, _, _ = said.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    # Where keys are asked for, two of these are refused by them.
    assert statuses(said) in ([200], [400], [401], [403]), said
    assert b"set-cookie" not in names and b"\n" not in head.replace(b"\r\n", b"")
    assert b"\xff" not in head


def test_the_gateway_still_answers(raw):
    assert raw.http.get("/v1/models").status_code == 200
