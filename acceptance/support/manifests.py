"""What a node makes of the manifests of k8s/, as far as Docker can: a container for each pod."""

import base64
import io
import re
import sys
import tarfile
import uuid
from pathlib import Path

from support.container import image

ROOT = Path(__file__).parents[2]
# It renders the manifests for the tests beside them, and answers questions about them.
sys.path.append(str(ROOT / "k8s/tests"))

from bundle import K8S, Bundle, mebibytes, processors, render, without_hash  # noqa: E402
from policies import permitted  # noqa: E402

# What k8s/ leaves to whoever deploys.
TAGGED_ELSEWHERE = "registry.example/chappe/"
NODE = "node-of-tests"


def production_with_a_simulator(host):
    """Production as it is rendered, under a name of ours; the model is that of the overlay `dev`."""
    known = lambda one: (one["kind"], without_hash(one["metadata"]["name"]))
    of_models = ("ConfigMap", "models")
    objects = [one for one in render(K8S / "overlays/production") if known(one) != of_models]
    there = {known(one) for one in objects}
    objects += [one for one in render(K8S / "overlays/dev") if known(one) not in there]
    bundle = Bundle(objects, "production")
    bundle.find("ConfigMap", "environment")["data"]["CHAT_HOST"] = host
    return bundle


def content(bundle, kind, name):
    """The files of a Secret or a ConfigMap, or None."""
    found = bundle.find(kind, without_hash(name))
    if found is None:
        return None
    data = found.get("data", {})
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    return {key: value.encode() for key, value in data.items()}


def source_of(volume):
    """The kind and name of what a volume has in it, and its files' mode."""
    if "secret" in volume:
        of = volume["secret"]
        return "Secret", of["secretName"], of.get("defaultMode", 0o644)
    of = volume["configMap"]
    return "ConfigMap", of["name"], of.get("defaultMode", 0o644)


def archive(folders):
    """A tar of folders, each with its mode, its files, and the mode and group of those."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder, (files, mode, group) in folders.items():
            top = tarfile.TarInfo(folder)
            top.type, top.mode, top.gid = tarfile.DIRTYPE, 0o2775, group
            tar.addfile(top)
            for name, data in files.items():
                file = tarfile.TarInfo(f"{folder}/{name}")
                file.size, file.mode, file.gid = len(data), mode, group
                tar.addfile(file, io.BytesIO(data))
    return packed.getvalue()


class Pod:
    """One pod of a workload, which has one container."""

    def __init__(self, bundle, workload, name):
        [self.container] = workload.containers
        self.bundle, self.workload, self.name = bundle, workload, name
        self._uid = str(uuid.uuid4())

    @property
    def image(self):
        """Ours by the name that tests know; others as they are named."""
        named = self.container["image"].partition("@")[0]
        short = named.removeprefix(TAGGED_ELSEWHERE).removeprefix("chappe/").partition(":")[0]
        return image(short) if self.workload.is_ours else named

    @property
    def memory_mib(self):
        """What is asked for, and the limit."""
        resources = self.container["resources"]
        return [mebibytes(resources[word]["memory"]) for word in ("requests", "limits")]

    def variables(self):
        """As the kubelet has them: references to what is named before are put in."""
        fields = {
            "metadata.name": self.name,
            "metadata.uid": self._uid,
            "metadata.namespace": self.workload.manifest["metadata"]["namespace"],
            "spec.nodeName": NODE,
        }
        variables = {}
        for source in self.container.get("envFrom", []):
            of = source["secretRef"]
            found = content(self.bundle, "Secret", of["name"])
            assert found is not None or of.get("optional"), f"{self.name}: no {of['name']}"
            variables |= {key: value.decode() for key, value in (found or {}).items()}
        for variable in self.container.get("env", []):
            field = variable.get("valueFrom", {}).get("fieldRef")
            value = fields[field["fieldPath"]] if field else self.bundle.value(variable)
            assert value is not None, f"{self.name}: nobody knows {variable['name']}"
            put_in = lambda found: variables[found[1]]
            variables[variable["name"]] = re.sub(r"\$\((\w+)\)", put_in, value)
        return variables

    def options(self, volumes, most_processors):
        """Of `docker create`: what the pod may and has. `volumes` names Docker's for the pod's."""
        pod, container = self.workload.pod, self.container
        of_pod, of_container = pod["securityContext"], container["securityContext"]
        options = ["--hostname", self.name]
        options += ["--user", f"{of_pod['runAsUser']}:{of_pod['runAsGroup']}"]
        # Docker's own seccomp profile is what RuntimeDefault means.
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        options += ["--read-only"] * of_container["readOnlyRootFilesystem"]
        options += [f"--cap-drop={one}" for one in of_container["capabilities"]["drop"]]
        if not of_container["allowPrivilegeEscalation"]:
            options += ["--security-opt=no-new-privileges:true"]
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        limit = f"{self.memory_mib[1]:g}m"
        # A node has no swap.
        options += ["--memory", limit, "--memory-swap", limit]
        options += ["--cpu-shares", str(int(processors(requests["cpu"]) * 1024))]
        options += ["--cpus", str(min(processors(limits["cpu"]), most_processors))]
        options += ["--stop-timeout", str(pod.get("terminationGracePeriodSeconds", 30))]
        again = f"on-failure:{self.workload.spec.get('backoffLimit')}"
        always = pod.get("restartPolicy", "Always") == "Always"
        options += ["--restart", "always" if always else again]
        for name, value in self.variables().items():
            options += ["--env", f"{name}={value}"]
        return options + self._mounts(volumes)

    def _mounts(self, volumes):
        options, pod = [], self.workload.pod
        # A second start gives it another mode, which its owner does not mind.
        of = pod["securityContext"]
        owned = f"uid={of['runAsUser']},gid={of['fsGroup']}" if "fsGroup" in of else ""
        in_memory = {
            one["name"]: one["emptyDir"] for one in pod.get("volumes", []) if "emptyDir" in one
        }
        for mount in self.container.get("volumeMounts", []):
            name, path = mount["name"], mount["mountPath"]
            if name in in_memory:
                size = int(mebibytes(in_memory[name]["sizeLimit"]) * 1024**2)
                options += ["--tmpfs", f"{path}:size={size},{owned},mode=2775"]
                continue
            words = ["type=volume", f"source={volumes[name]}", f"target={path}"]
            words += ["readonly"] * mount.get("readOnly", False)
            words += [f"volume-subpath={mount['subPath']}"] if "subPath" in mount else []
            options += ["--mount", ",".join(words)]
        return options

    def command(self):
        """Options for the program, and its arguments."""
        program, arguments = self.container.get("command"), self.container.get("args", [])
        if program:
            return ["--entrypoint", program[0]], [*program[1:], *arguments]
        return [], arguments

    def port(self, name):
        ports = {one["name"]: one["containerPort"] for one in self.container.get("ports", [])}
        return ports.get(name, name)

    def asked(self, probe):
        """The port and path that a probe asks."""
        of = self.container[probe]["httpGet"]
        return self.port(of["port"]), of["path"]


def neighbours(bundle, played):
    """For each workload that others call, who they are: what NetworkPolicies permit of those that
    are played. Ends that are no pods have their names there too."""
    edges, complaints = permitted(bundle)
    assert not complaints, complaints
    callers = {}
    for edge in edges:
        if edge.target in played:
            callers.setdefault(edge.target, set()).add(edge.source)
    return callers


def names_of(bundle, pod):
    """The names under which services have a pod."""
    labels = pod.workload.labels.items()
    names = []
    for service in bundle.of("Service"):
        if not service["spec"]["selector"].items() <= labels:
            continue
        name = service["metadata"]["name"]
        headless = service["spec"].get("clusterIP") == "None"
        names += [name, f"{pod.name}.{name}"] if headless else [name]
    return names
