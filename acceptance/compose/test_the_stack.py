"""`docker compose up` is enough: a key to read, a page, answers, and what each container may."""

import json
import urllib.request
from pathlib import Path

import pytest

from support.callers import Request, ask, knows
from support.compose import ROOT
from support.held import Held
from support.readers import asked

pytestmark = pytest.mark.anyio


def calls_of_models(stack, worker):
    return stack.figure(worker, 8792, "gen_ai_client_operation_duration_seconds_count")


async def test_chat_stream_page_and_stored_work(stack, http):
    for form in ("unary", "stream", "embeddings", "page"):
        url = stack.web_url if form == "page" else stack.url
        outcome = await ask(http, url, Request(form))
        assert outcome.end == "whole", outcome
    answer = await http.post(f"{stack.url}/v1/responses", json=asked(5))
    assert answer.json()["status"] == "completed"


async def test_who_has_no_key_is_refused_and_an_operator_makes_another(stack, http):
    refused = await http.get(f"{stack.url}/v1/models", headers={"authorization": "Bearer none"})
    assert refused.status_code == 401
    key = stack.made_key("another")
    await knows(http, stack.url, key)


async def test_both_workers_answer(stack, http):
    before = {worker: calls_of_models(stack, worker) for worker in stack.containers("llm-worker")}
    assert len(before) == 2
    held = Held(http, stack.site, callers=8, tokens=20)
    await held.more(40)
    await held.end()
    shares = {worker: calls_of_models(stack, worker) - calls for worker, calls in before.items()}
    assert min(shares.values()) >= 10, shares


def test_up_again_changes_nothing(stack, key):
    before = {container: stack.inspect(container)["Id"] for container in stack.containers()}
    stack.up()
    assert {one: stack.inspect(one)["Id"] for one in stack.containers()} == before
    assert stack.key() == key
    with urllib.request.urlopen(f"{stack.web_url}/", timeout=20) as page:
        assert b'<option value="simulator"' in page.read()


def test_containers_may_no_more_than_they_need(stack):
    for container in stack.containers():
        seen = stack.inspect(container)
        host = seen["HostConfig"]
        assert host["ReadonlyRootfs"], container
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"], container
        assert "no-new-privileges:true" in host["SecurityOpt"], container
        assert seen["Config"]["User"] in ("65532:65532", "haproxy"), container
        for limit in ("Memory", "NanoCpus", "PidsLimit"):
            assert host[limit] > 0, f"{container} has no {limit}"
        for bindings in (host["PortBindings"] or {}).values():
            assert all(binding["HostIp"] == "127.0.0.1" for binding in bindings), container
        image = seen["Config"]["Image"]
        assert not image.endswith(":latest") and (":" in image or "@" in image), image


# Of each service: volume, folder of it (None: all of it), and whether it may write there.
SEEN = {
    "credentials": {("credentials", None, True), ("nats", None, True)},
    "nats": {("credentials", "server", False), ("nats", None, True)},
    "nats-init": {("credentials", "nats-init", False)},
    "web-key": {("credentials", "operator", False), ("web-key", None, True)},
    "first-key": {("credentials", "operator", False), ("first-key", None, True)},
    "gateway": {("credentials", "gateway", False)},
    "llm-worker": {("credentials", "llm-worker", False)},
    "web": {("web-key", None, False)},
    "proxy": set(),
    "simulator": set(),
    "receiver": set(),
}


def volumes(stack, seen):
    """What a container sees of volumes, however it was told of them."""
    folders = {
        mount["Target"]: (mount.get("VolumeOptions") or {}).get("Subpath")
        for mount in seen["HostConfig"].get("Mounts") or []
    }
    for mount in seen["Mounts"]:
        if mount["Type"] == "volume":
            name = mount["Name"].removeprefix(f"{stack.name}_")
            yield name, folders.get(mount["Destination"]), mount["RW"]
        else:
            # Of this machine it sees what the repository has, and changes nothing.
            source = Path(mount["Source"])
            assert source.is_relative_to(ROOT) and not mount["RW"], mount


def test_each_sees_its_own_credentials_and_who_needs_none_sees_none(stack):
    services = set()
    for container in stack.containers(ended=True):
        seen = stack.inspect(container)
        service = seen["Config"]["Labels"]["com.docker.compose.service"]
        services.add(service)
        assert set(volumes(stack, seen)) == SEEN[service], container
    assert services == set(SEEN)


def test_only_who_needs_nats_reaches_it(stack):
    on_bus = {"gateway", "llm-worker", "nats"}
    for container in stack.containers():
        seen = stack.inspect(container)
        service = seen["Config"]["Labels"]["com.docker.compose.service"]
        networks = {name.rpartition("_")[2] for name in seen["NetworkSettings"]["Networks"]}
        assert ("bus" in networks) == (service in on_bus), f"{container}: {networks}"
    [network] = json.loads(stack.docker("network", "inspect", f"{stack.name}_bus").stdout)
    assert network["Internal"]
