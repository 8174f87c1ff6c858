"""The pods run as their manifests have them, know each other as NetworkPolicies permit, and answer."""

import json
import time

import pytest

from pods.account import Account
from support.callers import Request, ask
from support.manifests import permitted, processors
from support.pods import COUNTS
from support.process import until
from support.readers import asked

pytestmark = pytest.mark.anyio
COPIES = 3


def test_kernel_and_engine_hold_them_to_their_manifests(pods):
    for name in pods.running:
        pod = pods.pods[name]
        status = pods.status_of_process(name)
        user = pod.workload.pod["securityContext"]["runAsUser"]
        assert set(status["Uid"]) == set(status["Gid"]) == {str(user)} and user > 0, name
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[capabilities][0], 16) == 0, f"{name}: {capabilities}"
        assert status["NoNewPrivs"] == ["1"], name
        host = pods.inspect(name)["HostConfig"]
        assert host["ReadonlyRootfs"] and not host["Privileged"], name
        limits = pod.container["resources"]["limits"]
        if name != "simulator-0":
            assert host["Memory"] == host["MemorySwap"] == pod.memory_mib[1] * 1024**2, name
        assert 0 < host["NanoCpus"] <= processors(limits["cpu"]) * 1e9, name


def test_who_may_call_is_who_gets_through(pods):
    """By name: each pod tries the port of everybody whom others call."""
    edges, _complaints = permitted(pods.bundle)
    targets = {
        (one.target, one.port)
        for one in edges
        if one.target in COUNTS and {one.source} & set(COUNTS)
    }
    hosts = {"nats": "nats-1.nats", "gateway": "gateway", "simulator": "simulator"}
    # nats-init has ended, and has done what it must reach NATS for.
    for source in ("nats", "gateway", "llm-worker", "web", "simulator"):
        for target, port in targets:
            if (target, port) == ("nats", 6222) or source == target:
                # Routes are the servers' own: in Docker's network ports are not told apart.
                continue
            may = any((one.source, one.target, one.port) == (source, target, port) for one in edges)
            does = pods.reaches(f"{source}-0", hosts[target], port)
            assert does == may, f"{source} → {target}:{port}: {does}, and {may} is permitted"


def test_three_servers_keep_everything_on_their_disks(pods):
    _status, body = pods.fetch("nats-0", 8222, "/jsz?streams=true&config=true")
    [account] = json.loads(body)["account_details"]
    copies = {one["name"]: one["config"]["num_replicas"] for one in account["stream_detail"]}
    assert copies and set(copies.values()) == {COPIES}, copies
    for name in ("nats-0", "nats-1", "nats-2"):
        _status, body = pods.fetch(name, 8222, "/varz")
        said = json.loads(body)
        assert said["jetstream"]["config"]["sync_always"], name
        assert said["tls_required"] and len(said["cluster"]["urls"]) == COPIES, name


async def test_they_answer(pods, http):
    for gateway in pods.gateways:
        for form in ("unary", "stream", "embeddings"):
            outcome = await ask(http, gateway.url, Request(form))
            assert outcome.end == "whole", outcome
        answer = await http.post(f"{gateway.url}/v1/responses", json=asked(5))
        assert answer.json()["status"] == "completed"
    outcome = await ask(http, pods.published("web-0"), Request("page"))
    assert outcome.end == "whole", outcome


@pytest.mark.timeout(180)
async def test_the_leader_of_what_is_told_dies(request, pods, http, tell):
    async with Account(http, pods) as account:
        await account.accepts(20)
        leader = await until("somebody leads LOGS", lambda: account.of_thread(pods.leader_of, "LOGS"))
        request.node.killed.add(leader)
        started = await account.of_thread(started_at, pods, leader)
        with account.trouble("kill", leader, "nats-server") as trouble:
            await account.of_thread(pods.kill, leader)
            new = await until(
                "LOGS is led again", lambda: account.of_thread(leads_now, pods, leader, started)
            )
            led_after_s = time.monotonic() - trouble.began
            await pods.ready(leader)
        await account.accepts(20)
    tell(f"{leader}, leader of LOGS, killed: {new} leads after {led_after_s:.1f} s; {account.told()}")


def started_at(pods, name):
    return pods.inspect(name)["State"]["StartedAt"]


def leads_now(pods, killed, started):
    """Who leads once the one that was killed has begun again: it may be chosen once more."""
    return pods.leader_of("LOGS") if started_at(pods, killed) != started else None
