"""The pods, once for all tests here, which each find ready and leave so."""

import os
from itertools import count

import pytest

from support.callers import client
from support.pods import Pods
from support.system import kept_at
from support.usage import Usage


class Entrance:
    """One address for all gateways, each of which has its turn."""

    name = "entrance"

    def __init__(self, gateways):
        self._gateways, self._turn = gateways, count()

    @property
    def url(self):
        return self._gateways[next(self._turn) % len(self._gateways)].url


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def pods(tmp_path_factory):
    pods = Pods(f"chappe-pods-{os.getpid()}")
    try:
        pods.up()
        yield pods
    finally:
        folder = kept_at("pods", tmp_path_factory.mktemp("pods"))
        for name in pods.pods:
            (folder / f"{name}.log").write_text(pods.logs(name, "all"))
        pods.down()


@pytest.fixture(scope="session")
def key(pods):
    return pods.key("tests", "--operator")


@pytest.fixture(scope="session")
def usage(pods, tell):
    """What memory each pod takes from now on; told in the end, beside what it may."""
    usage = Usage(pods)
    try:
        yield usage
    finally:
        usage.ends()
        tell(usage.table())


@pytest.fixture(scope="session")
def tell(pytestconfig):
    """Tells a figure."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def tell(what):
        with capture.global_and_fixture_disabled():
            print(f"\n    {what}", end="", flush=True)

    return tell


@pytest.fixture
async def http(key):
    async with client() as http:
        http.headers["authorization"] = f"Bearer {key}"
        yield http


@pytest.fixture
def entrance(pods):
    return Entrance(pods.gateways)


@pytest.fixture(autouse=True)
def nothing_starts_again_by_itself(request, pods, usage):
    """Whoever is not killed by a test lives on."""
    killed = request.node.killed = set()
    before = pods.starts()
    yield
    for name, starts in pods.starts().items():
        if name not in killed:
            assert starts == before[name], f"{name} has started again by itself"
