"""A system that is watched: what its processes tell is collected, and what of it a real Prometheus
makes is asked."""

import pytest

from support.callers import client
from support.collector import Collector
from support.prometheus import Prometheus
from support.system import System, kept_at
from support.watched import a_day


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
async def everyday_seen(tmp_path_factory):
    """The day is the same for all who look at it, and it goes by once."""
    folder = kept_at("an everyday", tmp_path_factory.mktemp("everyday"))
    async with a_day(folder) as seen:
        yield seen
        assert seen.system.complaints() == []


@pytest.fixture
def folder(request, tmp_path):
    return kept_at(request.node.name, tmp_path)


@pytest.fixture
async def collector(folder):
    collector = Collector(folder)
    collector.start()
    await collector.ready()
    yield collector
    collector.abandon()


@pytest.fixture
async def started(folder):
    """Starts a system. In the end nothing of it runs, and nothing in it has panicked."""
    systems = []

    async def started(**wanted):
        system = System(folder, **wanted)
        systems.append(system)
        await system.start()
        return system

    yield started
    for system in systems:
        system.abandon()
        assert system.complaints() == []


@pytest.fixture
async def watched(folder):
    """Has a system watched by a Prometheus with these rules."""
    running = []

    async def watched(system, rules=()):
        prometheus = Prometheus(folder, system, rules)
        running.append(prometheus)
        prometheus.start()
        await prometheus.ready()
        await prometheus.has_looked()
        return prometheus

    yield watched
    for prometheus in running:
        prometheus.abandon()


@pytest.fixture
async def http():
    async with client() as http:
        yield http


@pytest.fixture
def tells(capsys):
    """Tells a figure."""

    def tells(what):
        with capsys.disabled():
            print(f"\n    {what}", end="", flush=True)

    return tells
