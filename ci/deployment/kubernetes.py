"""The target `k8s`: objects of one namespace, brought to a release by server-side apply.

What pods stand on is first, then NATS, then nats-init to its end, then each service until its new
pods are well. Kubernetes has old pods finish what they do.
"""

import collections
import os
import time

from delivery import programs, registry
from delivery.ends import Refused, Unusable
from delivery.registry import Image

from . import bundle, kubectl
from .bundle import Bundle
from .release import Unwell

PART_OF = "app.kubernetes.io/part-of=chappe"
NAME = "app.kubernetes.io/name"
# What is removed when a release no longer has it: of these kinds, what we have applied. Volumes,
# secrets and namespaces are never removed.
REMOVED = (
    "deployments.apps", "statefulsets.apps", "services", "serviceaccounts", "configmaps",
    "networkpolicies.networking.k8s.io", "poddisruptionbudgets.policy",
    "horizontalpodautoscalers.autoscaling", "ingresses.networking.k8s.io", "jobs.batch",
)
# The same, where the cluster knows them.
REMOVED_CUSTOM = ("scaledobjects.keda.sh", "httproutes.gateway.networking.k8s.io")

# Longest wait for a rollout, or for nats-init.
ROLLOUT_S = 900
# So many looks in a row, one each second, are borne in which a pod is not ready, or the cluster
# does not answer.
BORNE = 10


class Kubernetes:
    """One environment in the cluster of a context. The overlay has the same name."""

    name = "k8s"

    def __init__(self, environment):
        self.environment = environment
        self._cluster = None

    def prepare(self):
        """Whatever will be needed is here, or nothing begins."""
        for variable in ("CHAPPE_API_URL", "CHAPPE_API_KEY"):
            if not os.environ.get(variable):
                raise Unusable(f"{variable} is not set: models are asked there, once it is deployed")
        _rollout_s()
        self._cluster = kubectl.Cluster.named()

    def revision_of(self, images):
        """The commit that all of these images were built from, as the registry has it."""
        return registry.revision_of(map(Image.parse, images))

    def collect(self, folder, source, images, models, revision):
        """What a release runs with: the objects as rendered, and the catalogue that is in them."""
        made = bundle.make(
            source / "k8s", self.environment, set(images.values()), models, revision
        )
        print(f"images of others, as the manifests have them: {', '.join(made.of_others)}")
        made.write(folder / "objects.json")
        (folder / "models.toml").write_text(made.catalogue)

    def try_out(self, release):
        """The cluster says what it would refuse, and changes nothing but the namespace."""
        objects, cluster = self._of(release)
        print(f"to {cluster}", flush=True)
        cluster.apply(objects.of("Namespace"))
        # A job cannot be changed, and is made anew.
        cluster.apply([one for one in objects.objects if one["kind"] != "Job"], try_out=True)
        # What is asked for at the end may be asked for.
        _labelled(cluster)

    def apply(self, release):
        """Brings the environment to this release."""
        objects, cluster = self._of(release)
        cluster.apply(objects.ground)
        for one in objects.of("StatefulSet"):
            self._roll(cluster, one)
        for one in objects.of("Job"):
            self._run_job(cluster, one)
        for one in objects.services:
            self._roll(cluster, one)
        cluster.apply(objects.of("CronJob", *bundle.LAST))
        self._remove_what_is_gone(cluster, objects)

    def holds(self):
        """The cluster has its own copy of everything."""
        return ()

    def url(self):
        return os.environ["CHAPPE_API_URL"]

    def first_key(self):
        raise Unusable("CHAPPE_API_KEY is not set")

    def problems_since_now(self, release):
        """A function that says what does not run as it should, and did when this was called."""
        _, cluster = self._of(release)
        restarts = {known: count for pod in _pods(cluster) for known, count in _restarts(pod)}
        looks = collections.Counter()

        def problems():
            try:
                pods = _pods(cluster)
            except programs.Failed as error:
                looks["away"] += 1
                if looks["away"] > BORNE:
                    raise
                print(f"the cluster does not answer: {error}")
                return
            looks["away"] = 0
            for pod in pods:
                name = pod["metadata"]["name"]
                for known, count in _restarts(pod):
                    if count > restarts.get(known, 0):
                        yield f"a container of pod {name} ended and was started again"
                looks[name] = 0 if _is_ready(pod) else looks[name] + 1
                if looks[name] > BORNE:
                    yield f"pod {name} is not ready: {_why(pod)}"

        return problems

    def _of(self, release):
        objects = Bundle.read(release.folder / "objects.json")
        return objects, self._cluster.within(objects.namespace)

    def _roll(self, cluster, workload):
        began = time.monotonic()
        name = workload["metadata"]["name"]
        what = f"{workload['kind'].lower()}/{name}"
        cluster.apply([workload])
        try:
            cluster.run("rollout", "status", what, f"--timeout={_rollout_s()}s", waits=True)
        except programs.Failed as error:
            raise Unwell(f"{what}: {error}{_told(cluster, name)}") from error
        print(f"{what}: rolled out, {time.monotonic() - began:.1f} s", flush=True)

    def _run_job(self, cluster, job):
        began = time.monotonic()
        name = job["metadata"]["name"]
        cluster.delete("job", name)
        cluster.apply([job])
        end = began + _rollout_s()
        while True:
            found = cluster.get("jobs", f"--field-selector=metadata.name={name}")
            known = found[0].get("status", {}).get("conditions", []) if found else []
            true = {one["type"]: one for one in known if one["status"] == "True"}
            if "Complete" in true:
                print(f"job/{name}: done, {time.monotonic() - began:.1f} s", flush=True)
                return
            if "Failed" in true:
                reason = true["Failed"].get("message", "it failed")
                raise Unwell(f"job/{name}: {reason}{_told(cluster, name)}")
            if time.monotonic() > end:
                raise Unwell(f"job/{name} does not end{_told(cluster, name)}")
            time.sleep(0.5)

    def _remove_what_is_gone(self, cluster, objects):
        """What we applied and this release does not have; never what somebody else owns."""
        wanted = {(one["kind"], one["metadata"]["name"]) for one in objects.objects}
        mounted = None
        for one in _labelled(cluster):
            kind, name = one["kind"], one["metadata"]["name"]
            if (kind, name) in wanted or one["metadata"].get("ownerReferences"):
                continue
            if not _is_applied_by_us(one):
                print(f"left over, and not ours to remove: {kind.lower()}/{name}")
                continue
            if kind == "ConfigMap":
                # Pods that finish what they do may still have it.
                mounted = _mounted(cluster) if mounted is None else mounted
                if name in mounted:
                    print(f"left over, and in use: configmap/{name}")
                    continue
            print(f"removed: {kind.lower()}/{name}")
            cluster.delete(kind, name)


def _rollout_s():
    said = os.environ.get("CHAPPE_ROLLOUT_SECONDS") or str(ROLLOUT_S)
    if not said.isdecimal() or int(said) == 0:
        raise Unusable(f"CHAPPE_ROLLOUT_SECONDS is `{said}`, which is no number of seconds")
    return int(said)


def _labelled(cluster):
    selected = [f"--selector={PART_OF}", "--show-managed-fields"]
    found = cluster.get(",".join(REMOVED), *selected)
    for kind in REMOVED_CUSTOM:
        try:
            found += cluster.get(kind, *selected)
        except programs.Failed as error:
            if "doesn't have a resource type" not in error.reason:
                raise
    return found


def _is_applied_by_us(one):
    return any(
        entry["manager"] == kubectl.MANAGER and entry["operation"] == "Apply"
        for entry in one["metadata"].get("managedFields", [])
    )


def _pods(cluster):
    """Pods that are to run for ever, and are not on their way out."""
    return [
        pod for pod in cluster.get("pods", f"--selector={PART_OF}")
        if "deletionTimestamp" not in pod["metadata"]
        and all(owner["kind"] != "Job" for owner in pod["metadata"].get("ownerReferences", []))
    ]


def _mounted(cluster):
    """Names of ConfigMaps that pods have, also those on their way out."""
    volumes = [one for pod in cluster.get("pods") for one in pod["spec"].get("volumes", [])]
    names = {one["configMap"]["name"] for one in volumes if "configMap" in one}
    return names | {
        source["configMap"]["name"]
        for one in volumes for source in one.get("projected", {}).get("sources", [])
        if "configMap" in source
    }


def _restarts(pod):
    for one in pod.get("status", {}).get("containerStatuses", []):
        yield (pod["metadata"].get("uid"), one["name"]), one["restartCount"]


def _is_ready(pod):
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in pod.get("status", {}).get("conditions", [])
    )


def _why(pod):
    """What Kubernetes says of a pod that is not well."""
    said = []
    for one in pod.get("status", {}).get("containerStatuses", []):
        waiting = one.get("state", {}).get("waiting")
        ended = one.get("lastState", {}).get("terminated")
        if waiting:
            reason = f"{waiting.get('reason')} {waiting.get('message', '')}"
            said.append(f"{one['name']}: {reason.strip()}")
        if ended:
            said.append(f"{one['name']} ended with {ended['exitCode']}")
    for one in pod.get("status", {}).get("conditions", []):
        if not said and one["status"] == "False" and one.get("message"):
            said.append(one["message"])
    return "; ".join(said) or "Kubernetes says no reason"


def _told(cluster, name):
    """What is known of the pods of a workload that are not well, with the log of one of them."""
    try:
        pods = cluster.get("pods", f"--selector={NAME}={name}")
    except (programs.Failed, Refused):
        return ""
    bad = [pod for pod in pods if not _is_ready(pod)]
    lines = [f"{pod['metadata']['name']}: {_why(pod)}" for pod in bad]
    if bad and (log := cluster.log(bad[-1]["metadata"]["name"])):
        lines.append(log)
    return "".join(f"\n{line}" for line in lines)
