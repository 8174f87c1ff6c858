"""Pods: ways to break the rules of policy/pods.py."""

from sabotage.breaking import FIRST, POD, SECURITY, at, pod

WAYS = [
    (
        "pods_are_restricted",
        "no label",
        at(
            "Namespace",
            "chappe-production",
            "metadata",
            "labels",
            "pod-security.kubernetes.io/enforce",
            value="baseline",
        ),
    ),
    (
        "pods_are_restricted",
        "root",
        at("Deployment", "gateway", *POD, "securityContext", "runAsUser", value=0),
    ),
    (
        "pods_are_restricted",
        "no seccomp",
        at("Deployment", "web", *POD, "securityContext", "seccompProfile"),
    ),
    (
        "pods_are_restricted",
        "a capability",
        at(
            "Deployment",
            "web",
            *SECURITY,
            "capabilities",
            value={"drop": ["ALL"], "add": ["NET_ADMIN"]},
        ),
    ),
    (
        "pods_are_restricted",
        "escalation",
        at("Job", "nats-init", *SECURITY, "allowPrivilegeEscalation"),
    ),
    (
        "pods_are_restricted",
        "the machine's network",
        at("StatefulSet", "nats", *POD, "hostNetwork", value=True),
    ),
    (
        "pods_are_restricted",
        "a path of the machine",
        lambda bundle: pod(bundle, "web")["volumes"].append(
            {"name": "socket", "hostPath": {"path": "/run"}}
        ),
    ),
    (
        "roots_are_read_only",
        "one that may write",
        at("Deployment", "collector", *SECURITY, "readOnlyRootFilesystem"),
    ),
    (
        "probes_have_three_meanings",
        "liveness asks for readiness",
        at("Deployment", "gateway", *FIRST, "livenessProbe", "httpGet", "path", value="/readyz"),
    ),
    (
        "probes_have_three_meanings",
        "no startup",
        at("Deployment", "llm-worker", *FIRST, "startupProbe"),
    ),
    (
        "probes_have_three_meanings",
        "readiness on the port of callers",
        at("Deployment", "web", *FIRST, "readinessProbe", "httpGet", "port", value="http"),
    ),
    (
        "requests_and_limits_are_there",
        "no limit of memory",
        at("Deployment", "web", *FIRST, "resources", "limits", "memory"),
    ),
    (
        "requests_and_limits_are_there",
        "no limit of processors",
        at("Job", "nats-init", *FIRST, "resources", "limits", "cpu"),
    ),
    (
        "requests_and_limits_are_there",
        "more than it may have",
        at("Deployment", "web", *FIRST, "resources", "requests", "memory", value="1Gi"),
    ),
    ("images_are_exact", "latest", at("StatefulSet", "nats", *FIRST, "image", value="nats:latest")),
    ("images_are_exact", "no tag", at("StatefulSet", "nats", *FIRST, "image", value="nats")),
    (
        "images_are_exact",
        "latest behind a port",
        at("StatefulSet", "nats", *FIRST, "image", value="registry.example:5000/nats"),
    ),
    (
        "our_images_wait_for_digests",
        "a tag",
        at("Deployment", "web", *FIRST, "image", value="registry.example/chappe/web:0.1.0"),
    ),
    (
        "our_images_wait_for_digests",
        "a digest in git",
        at(
            "Job",
            "nats-init",
            *FIRST,
            "image",
            value="registry.example/chappe/gateway@sha256:" + 64 * "1",
        ),
    ),
    (
        "our_images_wait_for_digests",
        "dev: another version",
        at("Deployment", "web", *FIRST, "image", value="chappe/web:0.0.9"),
    ),
    (
        "accounts_have_no_tokens",
        "a token of the account",
        at("ServiceAccount", "gateway", "automountServiceAccountToken", value=True),
    ),
    (
        "accounts_have_no_tokens",
        "a token in the pod",
        at("Deployment", "web", *POD, "automountServiceAccountToken"),
    ),
    (
        "accounts_have_no_tokens",
        "another's account",
        at("Deployment", "web", *POD, "serviceAccountName", value="gateway"),
    ),
    (
        "accounts_have_no_tokens",
        "a role",
        lambda bundle: bundle.objects.append({"kind": "RoleBinding", "metadata": {"name": "more"}}),
    ),
]
