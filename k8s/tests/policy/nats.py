"""NATS: the servers, and who shows them what."""

import re

from bundle import mebibytes
from policy import rule

CLIENTS = ("gateway", "llm-worker", "nats-init")


@rule
def nats_keeps_what_it_acknowledges(bundle):
    """A cluster: three servers, three copies, each on disk. One server alone: one copy."""
    nats, config = bundle.workload("nats"), bundle.nats_config
    copies = bundle.find("ConfigMap", "nats-client")["data"]["NATS_REPLICAS"]
    if nats is None:
        if copies == "1":
            yield "one copy of each stream"
        return
    wanted = 3 if bundle.is_for_a_cluster else 1
    if nats.kind != "StatefulSet" or nats.spec["replicas"] != wanted or copies != str(wanted):
        yield f"{nats.spec['replicas']} servers and {copies} copies"
    if (value("sync_interval", config) == "always") != bundle.is_for_a_cluster:
        yield f"sync_interval is {value('sync_interval', config)}"
    routes = set(re.findall(r"nats://nats-(\d)\.nats:6222", config))
    if bundle.is_for_a_cluster and len(routes) != wanted:
        yield f"routes to {sorted(routes)}"
    if nats.spec.get("podManagementPolicy") != "Parallel":
        yield "servers wait for each other to begin"
    claims = nats.spec.get("volumeClaimTemplates", [])
    storage = [one["spec"]["resources"]["requests"]["storage"] for one in claims]
    if len(storage) != 1 or mebibytes(storage[0]) <= amount("max_file_store", config):
        yield f"the volume has {storage}, streams {value('max_file_store', config)}"


@rule
def nats_speaks_tls(bundle):
    if bundle.workload("nats"):
        config = re.sub(r"#.*", "", bundle.nats_config)
        whole = re.sub(r"cluster \{.*?\n\}", "", config, flags=re.DOTALL)
        if not re.search(r"^tls \{[^}]*cert_file[^}]*key_file", whole, re.MULTILINE):
            yield "servers speak to clients without TLS"
        cluster = re.search(r"cluster \{.*?\n\}", config, re.DOTALL)
        if bundle.is_for_a_cluster and not (
            cluster and re.search(r"ca_file", cluster[0]) and re.search(r"verify: true", cluster[0])
        ):
            yield "servers do not verify each other"
        if 'include "users/nats-users.conf"' not in config:
            yield "servers permit everything to everybody"
    for name in CLIENTS:
        workload = bundle.workload(name)
        variables = bundle.environment(workload.containers[0])
        mounts = {one["name"]: one["mountPath"] for one in workload.containers[0]["volumeMounts"]}
        if variables.get("NATS_CA_FILE") != f"{mounts.get('nats-ca')}/ca.crt":
            yield f"{name} takes any server for NATS"
        if variables.get("NATS_NKEY_FILE") != f"{mounts.get('credentials')}/{name}.nk":
            yield f"{name} shows {variables.get('NATS_NKEY_FILE')}"


@rule
def everybody_has_his_own_seed(bundle):
    for workload in bundle.workloads:
        secrets = {
            one["secret"]["secretName"]
            for one in workload.pod.get("volumes", [])
            if "secret" in one
        }
        seeds = {one for one in secrets if one.startswith("nkey-")}
        wanted = {f"nkey-{workload.name}"} if workload.name in CLIENTS else set()
        if seeds != wanted:
            yield f"{workload}: {sorted(seeds)}"
        if "nats-tls" in secrets and workload.name != "nats":
            yield f"{workload}: the servers' key"


@rule
def nats_has_memory_to_spare(bundle):
    nats = bundle.workload("nats")
    if nats is None:
        return
    container = nats.containers[0]
    limit = mebibytes(container.get("resources", {}).get("limits", {}).get("memory", "0Mi"))
    told = mebibytes(bundle.environment(container).get("GOMEMLIMIT") or "0Mi")
    if not 0.75 * limit <= told <= 0.9 * limit:
        yield f"GOMEMLIMIT is {told:.0f} MiB of {limit:.0f}"
    if (
        bundle.is_for_a_cluster
        and not 0 < 2 * amount("max_memory_store", bundle.nats_config) <= told
    ):
        yield "streams in memory may take more than half of it"


@rule
def nats_is_asked_what_it_can_answer(bundle):
    """No probe that restarts a server waits for streams or consumers; readiness does."""
    nats = bundle.workload("nats")
    if nats is None:
        return
    wanted = {
        "startupProbe": "/healthz?js-server-only=true",
        "livenessProbe": "/healthz?js-enabled-only=true",
        "readinessProbe": "/healthz",
    }
    for word, path in wanted.items():
        asked = nats.containers[0].get(word, {}).get("httpGet", {}).get("path")
        if asked != path:
            yield f"nats: its {word} asks {asked}"


@rule
def nats_ends_as_a_lame_duck(bundle):
    nats = bundle.workload("nats")
    if nats is None:
        return
    before = nats.containers[0].get("lifecycle", {}).get("preStop", {})
    command = before.get("exec", {}).get("command", [])
    pid = re.search(r'pid_file: "([^"]+)"', bundle.nats_config)
    if pid is None or command != ["nats-server", "--signal", f"ldm={pid[1]}"]:
        yield f"nats: before its end {command}"
    takes = sum(
        int(value(name, bundle.nats_config, "0s").removesuffix("s"))
        for name in ("lame_duck_grace_period", "lame_duck_duration")
    )
    if not 0 < takes < nats.pod.get("terminationGracePeriodSeconds", 30):
        yield f"nats: a lame duck for {takes} s"


def value(name, config, default=None):
    found = re.search(rf"^\s*{name}: (\S+)", config, re.MULTILINE)
    return found[1] if found else default


def amount(name, config):
    """In MiB; nothing where it is not said."""
    return mebibytes(value(name, config, "0MB"))
