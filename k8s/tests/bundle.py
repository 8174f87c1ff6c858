"""What an overlay renders to, and questions about it."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
K8S = REPOSITORY / "k8s"
OVERLAYS = ("dev", "staging", "production")
# Overlays for a real cluster.
OF_CLUSTERS = ("staging", "production")
# What runs for ever.
KEPT_RUNNING = ("Deployment", "StatefulSet")
# Of the content of a generated object, in the letters and digits that kustomize makes them of.
HASH = "[2456789bcdfghkmt]{10}"
# Programs of this repository, by the name of their container.
OURS = ("gateway", "llm-worker", "web", "nats-init", "simulator")


def render(folder):
    """The objects of a folder, as `kubectl apply -k` would have them."""
    program = os.environ.get("KUBECTL_BIN", "kubectl")
    said = subprocess.run(
        [program, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return [one for one in yaml.safe_load_all(said.stdout) if one]


def without_hash(name):
    """The name that a generated object has in the source."""
    return re.sub(rf"-{HASH}$", "", name)


class Bundle:
    """The objects of an overlay."""

    def __init__(self, objects, overlay):
        self.objects = objects
        self.overlay = overlay

    @property
    def is_for_a_cluster(self):
        return self.overlay in OF_CLUSTERS

    def of(self, *kinds):
        return [one for one in self.objects if one["kind"] in kinds]

    def find(self, kind, name):
        """By its name in the source, or None."""
        named = (one for one in self.of(kind) if without_hash(one["metadata"]["name"]) == name)
        return next(named, None) or next(
            (one for one in self.of(kind) if one["metadata"]["name"] == name), None
        )

    @property
    def workloads(self):
        return [Workload(one) for one in self.of(*KEPT_RUNNING, "Job")]

    def workload(self, name):
        return next((one for one in self.workloads if one.name == name), None)

    @property
    def containers(self):
        """Each with its workload."""
        return [(one, container) for one in self.workloads for container in one.containers]

    def scaler_of(self, workload):
        """What decides on the number of its pods, or None."""
        for scaler in self.of("HorizontalPodAutoscaler", "ScaledObject"):
            target = scaler["spec"]["scaleTargetRef"]
            if (target.get("kind", "Deployment"), target["name"]) == (workload.kind, workload.name):
                return scaler
        return None

    def selected(self, labels):
        """Names of the workloads whose pods have these labels. `None` selects no pod."""
        if labels is None:
            return set()
        wanted = labels.items()
        return {one.name for one in self.workloads if wanted <= one.labels.items()}

    @property
    def catalogue(self):
        """The models, as services read them."""
        config = self.find("ConfigMap", "models")
        return tomllib.loads(config["data"]["models.toml"])["models"] if config else []

    @property
    def nats_config(self):
        config = self.find("ConfigMap", "nats-config")
        return config["data"]["nats.conf"] if config else ""

    def value(self, variable):
        """The value of a container's variable: what stands there, or in the bundle's ConfigMap."""
        if "value" in variable:
            return variable["value"]
        reference = variable.get("valueFrom", {}).get("configMapKeyRef")
        if reference:
            config = self.find("ConfigMap", reference["name"]) or self.find(
                "ConfigMap", without_hash(reference["name"])
            )
            return config["data"].get(reference["key"]) if config else None
        return None

    def environment(self, container):
        """Names and values; of what is known only at run time, None."""
        return {one["name"]: self.value(one) for one in container.get("env", [])}


class Workload:
    """Something that has pods."""

    def __init__(self, manifest):
        self.manifest = manifest
        self.kind = manifest["kind"]
        self.name = manifest["metadata"]["name"]
        self.spec = manifest["spec"]
        self.template = self.spec["template"]
        self.pod = self.template["spec"]

    def __str__(self):
        return f"{self.kind} {self.name}"

    @property
    def labels(self):
        return self.template["metadata"].get("labels", {})

    @property
    def annotations(self):
        return self.template["metadata"].get("annotations", {})

    @property
    def containers(self):
        return self.pod.get("initContainers", []) + self.pod["containers"]

    @property
    def is_kept_running(self):
        return self.kind in KEPT_RUNNING

    @property
    def is_ours(self):
        return self.name in OURS


def mebibytes(quantity):
    """Of a quantity of Kubernetes, of Go, or of nats-server, whose `MB` is 2^20 bytes."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(quantity)).groups()
    factors = {"Ki": 1 / 1024, "Mi": 1, "MiB": 1, "Gi": 1024, "GiB": 1024, "MB": 1, "GB": 1024}
    return float(number) * (factors[unit] if unit else 1 / 1024**2)


def processors(quantity):
    text = str(quantity)
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
