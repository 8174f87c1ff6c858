"""NATS: ways to break the rules of policy/nats.py."""

from sabotage.breaking import FIRST, POD, at, edit, environment, pod, without_variable

KEPT = "nats_keeps_what_it_acknowledges"

WAYS = [
    (
        KEPT,
        "one copy",
        lambda bundle: bundle.find("ConfigMap", "nats-client")["data"].update(NATS_REPLICAS="1"),
    ),
    (KEPT, "two servers", at("StatefulSet", "nats", "spec", "replicas", value=2)),
    (
        KEPT,
        "disks when it pleases them",
        lambda bundle: edit(
            bundle, "nats-config", "nats.conf", "sync_interval: always", "sync_interval: 2m"
        ),
    ),
    (
        KEPT,
        "a server that nobody knows",
        lambda bundle: edit(bundle, "nats-config", "nats.conf", '"nats://nats-2.nats:6222"', ""),
    ),
    (
        KEPT,
        "one after the other",
        at("StatefulSet", "nats", "spec", "podManagementPolicy", value="OrderedReady"),
    ),
    (
        KEPT,
        "a small volume",
        at(
            "StatefulSet",
            "nats",
            "spec",
            "volumeClaimTemplates",
            0,
            "spec",
            "resources",
            "requests",
            "storage",
            value="10Gi",
        ),
    ),
    (
        KEPT,
        "dev: each write to disk, on one server",
        lambda bundle: edit(
            bundle,
            "nats-config",
            "nats.conf",
            "store_dir: /data",
            "store_dir: /data\n  sync_interval: always",
        ),
    ),
    (
        "nats_speaks_tls",
        "not to clients",
        lambda bundle: edit(bundle, "nats-config", "nats.conf", "\ntls {", "\nnot {"),
    ),
    (
        "nats_speaks_tls",
        "routes of anybody",
        lambda bundle: edit(bundle, "nats-config", "nats.conf", "verify: true", "verify: false"),
    ),
    (
        "nats_speaks_tls",
        "no users",
        lambda bundle: edit(
            bundle, "nats-config", "nats.conf", 'include "users/nats-users.conf"', ""
        ),
    ),
    (
        "nats_speaks_tls",
        "any authority",
        lambda bundle: without_variable(bundle, "gateway", "NATS_CA_FILE"),
    ),
    (
        "nats_speaks_tls",
        "no seed",
        lambda bundle: without_variable(bundle, "llm-worker", "NATS_NKEY_FILE"),
    ),
    (
        "everybody_has_his_own_seed",
        "another's",
        at(
            "Deployment",
            "llm-worker",
            *POD,
            "volumes",
            0,
            "secret",
            "secretName",
            value="nkey-nats-init",
        ),
    ),
    (
        "everybody_has_his_own_seed",
        "the chat page has one",
        lambda bundle: pod(bundle, "web")["volumes"].append(
            {"name": "seed", "secret": {"secretName": "nkey-gateway"}}
        ),
    ),
    (
        "everybody_has_his_own_seed",
        "the servers' key",
        lambda bundle: pod(bundle, "gateway")["volumes"].append(
            {"name": "tls", "secret": {"secretName": "nats-tls"}}
        ),
    ),
    ("nats_has_memory_to_spare", "as much as the limit", environment("nats", "GOMEMLIMIT", "3GiB")),
    (
        "nats_has_memory_to_spare",
        "not said",
        lambda bundle: without_variable(bundle, "nats", "GOMEMLIMIT"),
    ),
    (
        "nats_has_memory_to_spare",
        "all for streams",
        lambda bundle: edit(
            bundle, "nats-config", "nats.conf", "max_memory_store: 1280MB", "max_memory_store: 3GB"
        ),
    ),
    (
        "nats_is_asked_what_it_can_answer",
        "waits for streams",
        at("StatefulSet", "nats", *FIRST, "startupProbe", "httpGet", "path", value="/healthz"),
    ),
    (
        "nats_is_asked_what_it_can_answer",
        "killed while it catches up",
        at("StatefulSet", "nats", *FIRST, "livenessProbe", "httpGet", "path", value="/healthz"),
    ),
    ("nats_ends_as_a_lame_duck", "at once", at("StatefulSet", "nats", *FIRST, "lifecycle")),
    (
        "nats_ends_as_a_lame_duck",
        "killed in the middle",
        at("StatefulSet", "nats", *POD, "terminationGracePeriodSeconds", value=30),
    ),
    (
        "nats_ends_as_a_lame_duck",
        "another file",
        lambda bundle: edit(
            bundle, "nats-config", "nats.conf", "/run/nats/nats.pid", "/run/nats.pid"
        ),
    ),
]
