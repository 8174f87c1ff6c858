"""NATS as it is spoken, without a client: hears every subject, and sends what no program of ours
would."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    """A message, and where it stands before its payload."""

    subject: str
    reply: str
    headers: str


class Wire:
    """A connection of a user with a password."""

    def __init__(self, url, user):
        self._address = urlsplit(url.partition(",")[0])
        self._user, self._password = user
        self._pongs = asyncio.Queue()
        self.heard = []

    async def __aenter__(self):
        host, port = self._address.hostname, self._address.port
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=2**24)
        await self._reader.readline()
        login = {"user": self._user, "pass": self._password, "headers": True, "verbose": False}
        self._writer.write(f"CONNECT {json.dumps(login)}\r\n".encode())
        self._reading = asyncio.create_task(self._read())
        await self.settles()
        return self

    async def __aexit__(self, *_what):
        self._reading.cancel()
        self._writer.close()

    async def listens(self, subject=">"):
        self._writer.write(f"SUB {subject} 1\r\n".encode())
        await self.settles()

    async def says(self, subject, payload):
        self._writer.write(f"PUB {subject} {len(payload)}\r\n".encode() + payload + b"\r\n")
        await self.settles()

    async def settles(self):
        """Waits until the server has seen everything that was said."""
        self._writer.write(b"PING\r\n")
        await asyncio.wait_for(self._pongs.get(), 20)

    async def _read(self):
        while line := await self._reader.readline():
            word, *rest = line.decode().split()
            if word == "PING":
                self._writer.write(b"PONG\r\n")
            elif word == "PONG":
                self._pongs.put_nowait(None)
            elif word in ("MSG", "HMSG"):
                subject, _number, *reply = rest[: -1 if word == "MSG" else -2]
                body = await self._reader.readexactly(int(rest[-1]) + 2)
                headers = body[: int(rest[-2])].decode() if word == "HMSG" else ""
                self.heard.append(Heard(subject, reply[0] if reply else "", headers))
            elif word == "-ERR":
                raise AssertionError(line.decode())
