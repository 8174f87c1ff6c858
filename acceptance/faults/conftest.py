"""A system of separate processes for each test, made as the test wants it."""

import pytest

from support.callers import client
from support.system import System, kept_at


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def folder(request, tmp_path):
    return kept_at(request.node.name, tmp_path)


@pytest.fixture
async def started(folder):
    """Starts a system. In the end nothing of it runs, and nothing in it has panicked."""
    systems = []

    async def started(*, gathers=False, **wanted):
        system = System(folder, **wanted)
        systems.append(system)
        await (system.start_while_nats_gathers() if gathers else system.start())
        return system

    yield started
    for system in systems:
        system.abandon()
        assert system.complaints() == []


@pytest.fixture
async def http():
    async with client() as http:
        yield http


@pytest.fixture
def measured(capsys):
    """Tells a figure."""

    def measured(what, seconds):
        with capsys.disabled():
            print(f"\n    {what}: {seconds * 1000:.0f} ms", end="", flush=True)

    return measured
