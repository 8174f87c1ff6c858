"""nats-server: one alone, or several of which each keeps a copy of everything."""

import asyncio
import tempfile
from dataclasses import dataclass

import httpx2

from support.ports import fixed_ports
from support.process import Process, until

CONFIG = """\
server_name: "{name}"
listen: "127.0.0.1:{port}"
http: "127.0.0.1:{monitoring}"
max_payload: 8MB
jetstream {{ store_dir: "{data}", max_file_store: 16GB{more} }}
include "./credentials/nats-users.conf"
"""
# As docs/OPERATIONS.md has it: what two of three have acknowledged is on their disks.
COPIES = """\
, sync_interval: always }}
cluster {{
  name: chappe
  listen: "127.0.0.1:{route}"
  routes: [{routes}]
"""
# What leads all streams and consumers: who has which.
META = "meta"


@dataclass(frozen=True)
class Leads:
    """What one server says of itself: which streams it leads, and all of their consumers."""

    streams: list
    consumers: list
    meta: bool


class NatsServer(Process):
    """One of them."""

    def __init__(self, name, command, variables, folder, port, monitoring):
        super().__init__(name, command, variables, folder)
        self.url = f"nats://127.0.0.1:{port}"
        self.monitoring = f"http://127.0.0.1:{monitoring}"

    async def healthy(self):
        """Waits until it answers and, if it has copies to keep, has caught up with the others."""
        async with httpx2.AsyncClient(timeout=2, trust_env=False) as http:

            async def well():
                assert self.is_running, f"{self.name} has ended:\n{self.said()}"
                try:
                    return (await http.get(f"{self.monitoring}/healthz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await until(f"{self.name} is healthy", well)

    async def start_again(self):
        """At its address, with the data that it has."""
        self.start()
        await self.healthy()

    async def leads(self):
        """Of a server that is alone, everything."""
        async with httpx2.AsyncClient(timeout=10, trust_env=False) as http:
            answer = await http.get(f"{self.monitoring}/jsz?streams=true&consumers=true")
        said = answer.raise_for_status().json()
        streams = [one for account in said["account_details"] for one in account["stream_detail"]]
        consumers = [one for stream in streams for one in stream.get("consumer_detail", [])]
        # A follower's figures are older than they look.
        mine = lambda one: one.get("cluster", {}).get("leader", self.name) == self.name
        return Leads(
            streams=[one for one in streams if mine(one)],
            consumers=[one for one in consumers if mine(one)],
            meta=said.get("meta_cluster", {}).get("leader", self.name) == self.name,
        )


class Nats:
    """All servers, and what they hold."""

    def __init__(self, program, count, variables, folder):
        folder_of_data = lambda: tempfile.TemporaryDirectory(
            prefix="chappe-nats-", ignore_cleanup_errors=True
        )
        self._data = [folder_of_data() for _one in range(count)]
        names = [f"nats-server-{number + 1}" for number in range(count)]
        if count == 1:
            names = ["nats-server"]
        routes = fixed_ports(count)
        together = ", ".join(f'"nats://127.0.0.1:{route}"' for route in routes)
        self.servers = []
        for name, data, route in zip(names, self._data, routes, strict=True):
            port, monitoring = fixed_ports(2)
            more = COPIES.format(route=route, routes=together) if count > 1 else ""
            config = folder / f"{name}.conf"
            config.write_text(
                CONFIG.format(
                    name=name, port=port, monitoring=monitoring, data=data.name, more=more
                )
            )
            command = [program, "--config", config]
            self.servers.append(NatsServer(name, command, variables, folder, port, monitoring))

    @property
    def url(self):
        return ",".join(server.url for server in self.servers)

    async def start(self):
        """All of them at once: none is healthy alone."""
        for server in self.servers:
            server.start()
        await asyncio.gather(*(server.healthy() for server in self.servers))

    async def streams(self):
        return [one for leads in await self._leads() for one in leads.streams]

    async def consumers(self):
        return [one for leads in await self._leads() for one in leads.consumers]

    async def leader_of(self, what):
        """The server that leads a stream, or `META`."""

        async def found():
            for server, leads in zip(self.servers, await self._leads(), strict=True):
                names = [one["name"] for one in leads.streams]
                if leads.meta if what == META else what in names:
                    return server
            return None

        return await until(f"somebody leads {what}", found)

    async def _leads(self):
        return await asyncio.gather(*(server.leads() for server in self.servers))

    def abandon(self):
        for server in self.servers:
            server.abandon()
        for data in self._data:
            data.cleanup()
