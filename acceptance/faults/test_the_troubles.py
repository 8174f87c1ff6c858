"""Whoever makes trouble keeps to its plan: of several nats-servers two are missing only when that
is what was drawn."""

import asyncio
import random
import signal

import pytest

from chaos.trouble import Plan, Troubles

pytestmark = pytest.mark.anyio

ROUNDS = 200


class AtOnce(random.Random):
    """Draws as others do, and waits for nothing."""

    def uniform(self, _least, _most):
        return 0


class Server:
    """A nats-server that tells its cluster how it is."""

    def __init__(self, name, cluster):
        self.name = name
        self._cluster = cluster

    def signal(self, number):
        self._cluster.hit(self, gone=number != signal.SIGCONT)

    async def ends(self):
        # Long enough for another trouble to begin.
        for _turn in range(50):
            await asyncio.sleep(0)
        return -signal.SIGKILL

    async def kill(self):
        self.signal(signal.SIGKILL)

    def start(self):
        self._cluster.hit(self, gone=False)

    async def healthy(self):
        await asyncio.sleep(0)

    async def start_again(self):
        self.start()


class Cluster:
    """Three of them and nothing else."""

    gateways = workers = webs = ()

    def __init__(self):
        self.nats_servers = [Server(f"nats-server-{number}", self) for number in (1, 2, 3)]
        self.missing = set()
        self.most_missing = 0
        self.hits = 0

    async def nats_leader_of(self, _what):
        await asyncio.sleep(0)
        return self.nats_servers[self.hits % 3]

    def hit(self, server, *, gone):
        self.hits += gone
        (self.missing.add if gone else self.missing.remove)(server)
        self.most_missing = max(self.most_missing, len(self.missing))


@pytest.mark.parametrize(("quorum_share", "most_missing"), [(0, 1), (1, 2)])
async def test_a_cluster_loses_one_server_at_a_time_unless_its_quorum_is_meant(
    quorum_share, most_missing
):
    cluster = Cluster()
    plan = Plan({"kill": 1, "hold": 1}, (0, 0), (0, 0), False, quorum_share)
    troubles = Troubles(cluster, AtOnce(7), lambda _what: None, plan)

    while cluster.hits < ROUNDS:
        troubles.check()
        await asyncio.sleep(0)
    await troubles.end()

    assert cluster.most_missing == most_missing
    assert cluster.missing == set()
    assert all(one.being for one in troubles.all)
