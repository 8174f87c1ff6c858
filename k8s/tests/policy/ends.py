"""How pods end."""

from policy import rule

# For telemetry and last words: docs/OPERATIONS.md, "Processes".
LAST_WORDS = 20
# Of an upstream whose catalogue does not say: docs/OPERATIONS.md, "The catalogue".
TOTAL_TIMEOUT_MS = 600_000
# Whom others call by a Service of ours, and who therefore waits until they do not any more.
PAUSE = 5


@rule
def there_is_time_to_drain(bundle):
    """The pause, the drain and last words fit into the time before a pod is killed."""
    for workload, container in bundle.containers:
        drain = bundle.environment(container).get(_drain(workload.name))
        if workload.name in ("gateway", "llm-worker", "web") and drain is None:
            yield f"{workload}: {_drain(workload.name)} is not set"
        if drain is None:
            continue
        takes = int(drain) / 1000 + _sleep(container) + LAST_WORDS
        has = workload.pod.get("terminationGracePeriodSeconds", 30)
        if takes > has:
            yield f"{workload}: it takes {takes:.0f} s to end, and is killed after {has} s"


def _drain(name):
    return f"{name.upper().replace('-', '_')}_DRAIN_MS"


def _sleep(container):
    return container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)


@rule
def who_is_called_waits_before_it_ends(bundle):
    """By Kubernetes' own `sleep`: images of ours have no shell."""
    for service in bundle.of("Service"):
        for name in bundle.selected(service["spec"]["selector"]) - {"nats", "ollama"}:
            for container in bundle.workload(name).containers:
                if _sleep(container) < PAUSE:
                    yield f"{name}: ends while it is still called"
    for workload, container in bundle.containers:
        if workload.is_ours and "exec" in container.get("lifecycle", {}).get("preStop", {}):
            yield f"{workload}: its image has nothing to execute"


@rule
def the_longest_answer_is_drained(bundle):
    """So fewer workers interrupt nobody."""
    worker = bundle.workload("llm-worker")
    drain = int(bundle.environment(worker.containers[0]).get("LLM_WORKER_DRAIN_MS") or 30_000)
    for model in bundle.catalogue:
        for upstream in model["upstreams"]:
            longest = upstream.get("total_timeout_ms", TOTAL_TIMEOUT_MS)
            if longest > drain:
                yield f"model {model['name']}: an answer may take {longest} ms, a drain {drain} ms"


@rule
def new_ones_come_before_old_ones_go(bundle):
    for workload in bundle.workloads:
        if workload.kind == "Deployment":
            update = workload.spec.get("strategy", {}).get("rollingUpdate", {})
            if update.get("maxUnavailable") != 0:
                yield f"{workload}: fewer than wanted while it is exchanged"
