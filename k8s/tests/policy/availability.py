"""How many there are, and where."""

import re

from bundle import REPOSITORY
from policy import rule


def replicated(bundle):
    return [
        one
        for one in bundle.workloads
        if one.is_kept_running and (one.spec.get("replicas", 1) > 1 or bundle.scaler_of(one))
    ]


@rule
def replicas_are_taken_one_at_a_time(bundle):
    for workload in replicated(bundle):
        budgets = [
            one
            for one in bundle.of("PodDisruptionBudget")
            if workload.name in bundle.selected(one["spec"]["selector"].get("matchLabels"))
        ]
        if len(budgets) != 1:
            yield f"{workload}: {len(budgets)} disruption budgets"
        elif budgets[0]["spec"].get("maxUnavailable") != 1:
            yield f"{workload}: more than one at a time, or none, may be taken"


@rule
def replicas_are_spread(bundle):
    """Over zones and machines. Servers of NATS each on a machine of its own."""
    for workload in replicated(bundle):
        found = {}
        for one in workload.pod.get("topologySpreadConstraints", []):
            if workload.name in bundle.selected(one["labelSelector"].get("matchLabels")):
                found[one["topologyKey"]] = one["whenUnsatisfiable"]
        if set(found) != {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}:
            yield f"{workload}: spread over {sorted(found)}"
        if workload.name == "nats" and found.get("kubernetes.io/hostname") != "DoNotSchedule":
            yield f"{workload}: two may be on one machine"


@rule
def scalers_scale_something(bundle):
    for scaler in bundle.of("HorizontalPodAutoscaler", "ScaledObject"):
        name = f"{scaler['kind']} {scaler['metadata']['name']}"
        target = scaler["spec"]["scaleTargetRef"]
        workload = bundle.workload(target["name"])
        if workload is None or workload.kind != target.get("kind", "Deployment"):
            yield f"{name}: there is no {target['name']}"
            continue
        if "replicas" in workload.spec:
            yield f"{workload}: each deployment would undo what {name} has decided"
        least = scaler["spec"].get("minReplicas", scaler["spec"].get("minReplicaCount", 0))
        most = scaler["spec"].get("maxReplicas", scaler["spec"].get("maxReplicaCount", 0))
        if not 2 <= least < most:
            yield f"{name}: from {least} to {most}"
        if not scaler["spec"].get("metrics", scaler["spec"].get("triggers")):
            yield f"{name}: by nothing"
    if bundle.is_for_a_cluster:
        for name in ("gateway", "llm-worker", "web"):
            if bundle.scaler_of(bundle.workload(name)) is None:
                yield f"nobody scales {name}"
    elif bundle.of("ScaledObject"):
        yield "a small cluster needs KEDA"


@rule
def every_queue_has_workers(bundle):
    """Somebody pulls it and, in a cluster, is scaled by what waits in it, and in it alone."""
    pulled = {}
    for workload, container in bundle.containers:
        for queue in (bundle.environment(container).get("LLM_WORKER_QUEUES") or "").split(","):
            if queue:
                pulled.setdefault(queue, []).append(workload)
    for queue in {model.get("queue", "default") for model in bundle.catalogue}:
        if queue not in pulled:
            yield f"nobody pulls the queue {queue}"
    if not bundle.is_for_a_cluster:
        return
    for queue, workloads in pulled.items():
        scaler = bundle.scaler_of(workloads[0])
        queries = (
            [one["metadata"].get("query", "") for one in scaler["spec"]["triggers"]]
            if scaler
            else []
        )
        asked = {one for query in queries for one in re.findall(r'app_queue="([^"]*)"', query)}
        if asked != {queue} or any("app_queue=" not in query for query in queries):
            yield f"{workloads[0]} pulls {queue} and is scaled by {sorted(asked)}"


@rule
def scalers_do_not_take_silence_for_nothing(bundle):
    for scaler in bundle.of("ScaledObject"):
        name = f"ScaledObject {scaler['metadata']['name']}"
        if "fallback" not in scaler["spec"]:
            yield f"{name}: no fallback"
        for trigger in scaler["spec"]["triggers"]:
            if trigger["metadata"].get("ignoreNullValues") != "false":
                yield f"{name}: {trigger.get('name')} takes no series for 0"
            if trigger.get("metricType") != "AverageValue":
                yield f"{name}: {trigger.get('name')} says how many workers would do"


@rule
def scalers_ask_for_what_is_told(bundle):
    """Of this environment alone."""
    namespace = bundle.of("Namespace")[0]["metadata"]["name"]
    told = metrics()
    for scaler in bundle.of("ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            query = trigger["metadata"].get("query", "")
            for metric, labels in re.findall(r"([a-z_]+)\{([^}]*)\}", query):
                if metric not in told:
                    yield f"{trigger.get('name')}: nobody tells {metric}"
                if f'namespace="{namespace}"' not in labels:
                    yield f"{trigger.get('name')}: {metric} of any environment"
            if not re.search(r"\{[^}]*\}", query):
                yield f"{trigger.get('name')}: asks for everything"


@rule
def every_lane_is_looked_at(bundle):
    """By one trigger each; and there is no other lane."""
    lanes = sorted(tokens_of_lanes())
    for scaler in bundle.of("ScaledObject"):
        queries = [one["metadata"].get("query", "") for one in scaler["spec"]["triggers"]]
        asked = [one for query in queries for one in re.findall(r'app_lane=~?"([^"]*)"', query)]
        names = sorted(lane for one in asked for lane in one.split("|"))
        if names != lanes:
            yield f"ScaledObject {scaler['metadata']['name']}: {names}, and lanes are {lanes}"


def tokens_of_lanes():
    """As gateways have them in the label `app_lane`."""
    source = (REPOSITORY / "crates/contract/src/names.rs").read_text()
    lanes = re.search(r"impl Lane \{.*?\n\}", source, re.DOTALL)[0]
    return set(re.findall(r'Self::\w+ => "(\w+)"', lanes))


def metrics():
    """What services tell, under the names that Prometheus has for it."""
    source = (REPOSITORY / "crates/telemetry/src/names/app.rs").read_text()
    found = re.findall(r'Instrument(?:::\w+)\(\s*"([^"]+)",\s*"([^"]*)"', source)
    return {name.replace(".", "_") + ("_seconds" if unit == "s" else "") for name, unit in found}
