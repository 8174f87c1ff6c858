"""A caller who does not read, of a model that answers faster than anybody could."""

import asyncio
import json
import socket
from urllib.parse import urlsplit

from support.orders import ordered
from support.raw import CHAT

# In each chunk, and a chunk each millisecond for each caller: with nothing to hold forty of them
# back, more than 400 MiB in the two seconds of another answer, on two cores.
PAD_BYTES = 8_000


class Sleeper:
    """A caller who asks, and for whom the system's sockets hold little: what it leaves unread is
    Chappe's to keep."""

    def __init__(self, url, key=None):
        address = urlsplit(url)
        self._host, self._key = address.netloc, key
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        # Of small segments a sender's socket takes few.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_000)
        self._socket.connect((address.hostname, address.port))
        self._socket.setblocking(False)

    async def asks(self, tokens):
        pad = {"delta": {"pad": "x" * PAD_BYTES}}
        orders = {"tokens": tokens, "ttft_ms": 0, "token_ms": 1, "jitter": 0, "extra": pad}
        messages = [{"role": "user", "content": "Hello"}]
        body = {"model": "simulator", "stream": True, "messages": messages}
        body = json.dumps({**body, **ordered("count", **orders)})
        # Of version 1.0: the answer is not in pieces with lengths between.
        head = [
            f"POST {CHAT} HTTP/1.0",
            f"host: {self._host}",
            "content-type: application/json",
            *([f"authorization: Bearer {self._key}"] if self._key else []),
            f"content-length: {len(body)}",
        ]
        request = "\r\n".join([*head, "", body])
        await asyncio.get_running_loop().sock_sendall(self._socket, request.encode())

    async def reads(self, most):
        return await asyncio.get_running_loop().sock_recv(self._socket, most)

    def closes(self):
        self._socket.close()
