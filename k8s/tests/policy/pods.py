"""Pods: what they may, what they take, what they run."""

import re
import tomllib

from bundle import REPOSITORY, mebibytes, processors
from policy import rule

UNSET = "sha256:" + 64 * "0"
# What the restricted profile permits.
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
# Whose makers give one answer for all three questions.
ONE_ANSWER = {
    "collector": "its extension health_check has no other",
    "simulator": "it has nothing to wait for",
}


@rule
def pods_are_restricted(bundle):
    """Pod Security `restricted`, by the namespace's label and by each pod."""
    for namespace in bundle.of("Namespace"):
        level = namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce")
        if level != "restricted":
            yield f"Namespace: Pod Security is {level}"
    if not bundle.of("Namespace"):
        yield "there is no Namespace"
    for workload in bundle.workloads:
        pod, context = workload.pod, workload.pod.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
            yield f"{workload}: may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{workload}: no seccomp profile"
        for word in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(word):
                yield f"{workload}: {word}"
        for volume in pod.get("volumes", []):
            if strange := set(volume) - {"name"} - VOLUMES:
                yield f"{workload}: volume {volume['name']} is a {strange}"
        for container in workload.containers:
            yield from _container(workload, container)


def _container(workload, container):
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{workload}: {container['name']} may gain rights"
    capabilities = context.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield f"{workload}: {container['name']} has capabilities"
    if context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
        yield f"{workload}: {container['name']} may run as root"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield f"{workload}: {container['name']} takes a port of the machine"


@rule
def roots_are_read_only(bundle):
    for workload, container in bundle.containers:
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{workload}: {container['name']} may write to its root"


@rule
def probes_have_three_meanings(bundle):
    for workload in bundle.workloads:
        if not workload.is_kept_running:
            continue
        for container in workload.containers:
            probes = {
                word: _asks(container.get(word))
                for word in ("startupProbe", "livenessProbe", "readinessProbe")
            }
            if None in probes.values():
                yield f"{workload}: {container['name']} is not asked all three questions"
            elif len(set(probes.values())) < 3 and workload.name not in ONE_ANSWER:
                yield f"{workload}: {container['name']} is asked one question twice"
            elif workload.name in ("gateway", "llm-worker", "web"):
                wanted = [("/startupz", "health"), ("/livez", "health"), ("/readyz", "health")]
                if list(probes.values()) != wanted:
                    yield f"{workload}: {container['name']} is asked {list(probes.values())}"


def _asks(probe):
    if probe is None:
        return None
    if "httpGet" in probe:
        return probe["httpGet"]["path"], probe["httpGet"]["port"]
    return tuple(probe.get("exec", {}).get("command", [])) or None


@rule
def requests_and_limits_are_there(bundle):
    for workload, container in bundle.containers:
        resources = container.get("resources", {})
        for word, amount in (("memory", mebibytes), ("cpu", processors)):
            asked = resources.get("requests", {}).get(word)
            limit = resources.get("limits", {}).get(word)
            if asked is None or limit is None:
                yield f"{workload}: {container['name']} has no request or no limit of {word}"
            elif amount(asked) > amount(limit):
                yield f"{workload}: {container['name']} asks for more {word} than it may have"


@rule
def images_are_exact(bundle):
    for workload, container in bundle.containers:
        image = container["image"]
        if "@sha256:" in image:
            continue
        tag = image.rsplit("/", maxsplit=1)[-1].partition(":")[2]
        if not re.match(r"v?[0-9]+\.[0-9]+", tag):
            yield f"{workload}: {image} is no exact version"


@rule
def our_images_wait_for_digests(bundle):
    """For a cluster: 64 zeros, which `ci/deploy` replaces. Elsewhere: this version."""
    manifest = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())
    version = manifest["workspace"]["package"]["version"]
    for workload, container in bundle.containers:
        image, wanted = (
            container["image"],
            f"@{UNSET}" if bundle.is_for_a_cluster else f":{version}",
        )
        if workload.is_ours and not image.endswith(wanted):
            yield f"{workload}: {image} does not end in {wanted}"
        if not workload.is_ours and UNSET in image:
            yield f"{workload}: {image} is not ours, and nobody sets its digest"


@rule
def accounts_have_no_tokens(bundle):
    for workload in bundle.workloads:
        account = bundle.find("ServiceAccount", workload.pod.get("serviceAccountName", ""))
        if account is None or account["metadata"]["name"] != workload.name:
            yield f"{workload}: no account of its own"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {workload.name} has a token"
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload}: a token is mounted"
    for one in bundle.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        yield f"{one['kind']} {one['metadata']['name']}: nothing here asks Kubernetes for anything"
