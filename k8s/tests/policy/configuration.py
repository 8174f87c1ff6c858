"""Settings, secrets and telemetry."""

import re
from functools import cache

import yaml

from bundle import HASH, K8S, REPOSITORY
from policy import rule

# Written into the cluster by hand (k8s/secrets), and so without a hash in their names.
BY_HAND = {"nats-users", "nats-ca"}
RESOURCE = {
    "service.namespace": "chappe",
    "service.instance.id": "metadata.uid",
    "k8s.namespace.name": "metadata.namespace",
    "k8s.pod.name": "metadata.name",
    "k8s.pod.uid": "metadata.uid",
    "k8s.node.name": "spec.nodeName",
}


@rule
def no_secret_is_in_git(bundle):
    for one in bundle.of("Secret"):
        yield f"Secret {one['metadata']['name']} is in git"
    for workload, container in bundle.containers:
        for variable in container.get("env", []):
            secret = re.search(r"KEY|TOKEN|PASSWORD|SECRET|SEED", variable["name"])
            if secret and "value" in variable and not variable["name"].endswith("_FILE"):
                yield f"{workload}: the value of {variable['name']} is in git"
    for one in bundle.of("ConfigMap"):
        for name, text in one.get("data", {}).items():
            if re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bSU[A-Z2-7]{56}\b|\bsk-\w{8}", text):
                yield f"ConfigMap {one['metadata']['name']}: {name} has a secret in it"


@rule
def files_of_settings_have_a_hash(bundle):
    """So pods are exchanged when what they have read at their start has changed."""
    there = {one["metadata"]["name"] for one in bundle.of("ConfigMap")}
    for workload in bundle.workloads:
        for volume in workload.pod.get("volumes", []):
            name = volume.get("configMap", {}).get("name")
            if name and name not in BY_HAND and (name not in there or not _has_hash(name)):
                yield f"{workload}: the ConfigMap {name} is not one of ours with a hash in its name"
        for _owner, container in [(workload, one) for one in workload.containers]:
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("configMapKeyRef")
                if reference and bundle.value(variable) is None:
                    yield f"{workload}: {variable['name']} is in no ConfigMap"
                elif reference and not _has_hash(reference["name"]):
                    yield f"{workload}: the ConfigMap of {variable['name']} has no hash in its name"


def _has_hash(name):
    return re.search(rf"-{HASH}$", name) is not None


@rule
def whoever_knows_models_knows_the_same(bundle):
    """And nats-init runs the image of the gateways, before them where something orders it."""
    readers = ["gateway", "llm-worker", "nats-init"]
    names = {_models(bundle.workload(one)) for one in readers}
    if len(names) != 1 or None in names:
        yield f"several catalogues: {names}"
    job, gateway = bundle.workload("nats-init"), bundle.workload("gateway")
    if job.kind != "Job" or job.containers[0]["image"] != gateway.containers[0]["image"]:
        yield "nats-init is not of the gateways' version"
    if job.pod.get("restartPolicy") != "OnFailure" or not job.spec.get("backoffLimit"):
        yield "nats-init does not try again"
    wave = "argocd.argoproj.io/sync-wave"
    first = int(job.manifest["metadata"].get("annotations", {}).get(wave, 0))
    for name in ("gateway", "llm-worker", "web"):
        own = bundle.workload(name).manifest["metadata"].get("annotations", {}).get(wave, 0)
        if int(own) <= first:
            yield f"{name} does not come after nats-init"


@rule
def nats_init_is_made_anew(bundle):
    """A job cannot be changed: whatever deploys has to replace it."""
    said = bundle.workload("nats-init").manifest["metadata"].get("annotations", {})
    for name, wanted in {
        "argocd.argoproj.io/hook": "Sync",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        "kustomize.toolkit.fluxcd.io/force": "enabled",
    }.items():
        if said.get(name) != wanted:
            yield f"nats-init: {name} is {said.get(name)}"


def _models(workload):
    volumes = {one["name"]: one for one in workload.pod.get("volumes", [])}
    mounted = {one["name"]: one for one in workload.containers[0].get("volumeMounts", [])}
    variables = {one["name"]: one.get("value") for one in workload.containers[0]["env"]}
    folder = mounted.get("models", {}).get("mountPath")
    if variables.get("MODELS_FILE") != f"{folder}/models.toml":
        return None
    return volumes["models"]["configMap"]["name"]


@cache
def sources():
    folders = ("gateway/src", "llm-worker/src", "web/src", "crates")
    files = [file for folder in folders for file in (REPOSITORY / folder).rglob("*.rs")]
    return "\n".join(file.read_text() for file in files)


@rule
def variables_are_read(bundle):
    """By the program, or by another variable of the same container."""
    for workload, container in bundle.containers:
        if not workload.is_ours:
            continue
        variables = container.get("env", [])
        for one in variables:
            used = any(f"$({one['name']})" in other.get("value", "") for other in variables)
            standard = one["name"] == "OTEL_RESOURCE_ATTRIBUTES"
            if not used and not standard and f'"{one["name"]}"' not in sources():
                yield f"{workload}: nobody reads {one['name']}"


@rule
def telemetry_says_where_it_is_from(bundle):
    for workload, container in bundle.containers:
        if not workload.is_ours:
            continue
        variables = {one["name"]: one for one in container.get("env", [])}
        endpoint = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", {}).get("value")
        if endpoint != "http://collector:4318":
            yield f"{workload}: telemetry goes to {endpoint}"
        before, stated = set(), {}
        for name, one in variables.items():
            if name == "OTEL_RESOURCE_ATTRIBUTES":
                pairs = [
                    pair.split("=", 1) for pair in one.get("value", "").split(",") if "=" in pair
                ]
                stated = dict(pairs)
                missing = set(re.findall(r"\$\((\w+)\)", one.get("value", ""))) - before
                if missing:
                    yield f"{workload}: {sorted(missing)} are not known where they are used"
            before.add(name)
        for attribute, wanted in RESOURCE.items():
            value = stated.get(attribute, "")
            variable = variables.get(value.removeprefix("$(").removesuffix(")"), {})
            field = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            if wanted not in (value, field):
                yield f"{workload}: {attribute} is {value or 'not said'}"
        if stated.get("k8s.container.name") != container["name"]:
            yield f"{workload}: k8s.container.name is {stated.get('k8s.container.name')}"
        if stated.get("deployment.environment.name") != "$(DEPLOYMENT_ENVIRONMENT)":
            yield f"{workload}: the environment is not said"


@rule
def services_reach_somebody(bundle):
    for service in bundle.of("Service"):
        name = service["metadata"]["name"]
        chosen = bundle.selected(service["spec"]["selector"])
        if len(chosen) != 1:
            yield f"Service {name} selects {sorted(chosen)}"
            continue
        ports = [
            port
            for container in bundle.workload(next(iter(chosen))).containers
            for port in container.get("ports", [])
        ]
        for port in service["spec"]["ports"]:
            if port.get("targetPort") not in {
                one[key] for one in ports for key in ("name", "containerPort")
            }:
                yield f"Service {name}: nobody listens on {port.get('targetPort')}"
    for workload, container in bundle.containers:
        listening = {str(port["containerPort"]) for port in container.get("ports", [])}
        for name, value in bundle.environment(container).items():
            if name.endswith("_LISTEN") and value and value != f"0.0.0.0:{value.split(':')[-1]}":
                yield f"{workload}: {name} is {value}, which nobody reaches"
            if name.endswith("_LISTEN") and value and value.split(":")[-1] not in listening:
                yield f"{workload}: the port of {name} is not declared"


@rule
def the_collector_runs_what_it_configures(bundle):
    config = bundle.find("ConfigMap", "collector-config")
    said = yaml.safe_load(config["data"]["collector.yaml"])
    service = said["service"]
    if "batch" in str(service):
        yield "the collector's `batch` is no longer kept up"
    for name, pipeline in service["pipelines"].items():
        for kind in ("receivers", "processors", "exporters"):
            for one in pipeline.get(kind, []):
                if one not in said.get(kind, {}):
                    yield f"collector: {name} names the {kind[:-1]} {one}, which is not configured"
        if pipeline.get("processors", [])[:1] != ["memory_limiter"]:
            yield f"collector: {name} has no limit of memory"
    for one in service.get("extensions", []):
        if one not in said.get("extensions", {}):
            yield f"collector: the extension {one} is not configured"


def makes():
    """What `k8s/secrets` makes: of each kind, names and keys. Read from its own help."""
    text = (K8S / "secrets").read_text()
    found = re.findall(r"^#   (Secret|ConfigMap) (\S+) +(.+)$", text, re.MULTILINE)
    return {(kind, name): set(keys.split(", ")) for kind, name, keys in found}


@rule
def what_is_not_in_git_is_made_by_hand(bundle):
    """Each secret and file that pods mount, with its keys, is one that `k8s/secrets` makes."""
    for workload in bundle.workloads:
        for volume in workload.pod.get("volumes", []):
            secret = volume.get("secret", {}).get("secretName")
            config = volume.get("configMap", {}).get("name")
            named = ("Secret", secret) if secret else ("ConfigMap", config)
            if (secret or config in BY_HAND) and named not in makes():
                yield f"{workload}: k8s/secrets makes no {' '.join(named)}"
            if secret and volume["secret"].get("defaultMode") != 0o440:
                yield f"{workload}: {secret} can be read by everybody in the pod"
