"""One stack for all tests here, which each find healthy and leave so."""

import os

import pytest

from support.callers import client
from support.compose import ROOT, Stack
from support.otlp import PORT, Receiver
from support.ports import fixed_ports
from support.system import kept_at


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    [port] = fixed_ports(1)
    stack = Stack(
        f"chappe-test-{os.getpid()}",
        files=[ROOT / "acceptance" / "compose" / "receiver.yaml"],
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://receiver:{PORT}",
        CHAPPE_RECEIVER_PORT=str(port),
    )
    stack.receiver = Receiver(f"http://127.0.0.1:{port}")
    try:
        stack.up()
        yield stack
    finally:
        folder = kept_at("stack", tmp_path_factory.mktemp("stack"))
        (folder / "compose.log").write_text(stack.compose("logs", "--no-color", check=False).stdout)
        stack.down()


@pytest.fixture(scope="session")
def receiver(stack):
    """What the stack has sent of its traces to a container of its own."""
    return stack.receiver


@pytest.fixture(scope="session")
def key(stack):
    return stack.key()


@pytest.fixture
async def http(key):
    async with client() as http:
        http.headers["authorization"] = f"Bearer {key}"
        yield http


@pytest.fixture(autouse=True)
def nothing_starts_again_by_itself(request):
    """Whoever is not killed by a test lives on."""
    if "stack" not in request.fixturenames:
        yield
        return
    stack = request.getfixturevalue("stack")
    killed = set()
    request.node.killed = killed
    before = stack.restarts()
    yield
    for container, (restarts, too_much) in stack.restarts().items():
        assert not too_much, f"{container} had more memory than it may have"
        if container in before and container not in killed:
            assert restarts == before[container][0], f"{container} has started again by itself"


@pytest.fixture
def kill(request, stack):
    """Kills a container's process, as a crash does."""

    def kill(container):
        request.node.killed.add(container)
        stack.kill(container)

    return kill
