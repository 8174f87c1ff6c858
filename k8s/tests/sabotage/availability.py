"""How many there are, and where: ways to break the rules of policy/availability.py."""

from sabotage.breaking import POD, at, edit, environment, pod, without


def query(trigger, old, new):
    """Changes what one is asked by."""

    def how(bundle):
        triggers = bundle.find("ScaledObject", "llm-worker")["spec"]["triggers"]
        metadata = next(one for one in triggers if one["name"] == trigger)["metadata"]
        assert old in metadata["query"]
        metadata["query"] = metadata["query"].replace(old, new)

    return how


WAYS = [
    (
        "replicas_are_taken_one_at_a_time",
        "no budget",
        lambda bundle: without(bundle, "PodDisruptionBudget", "web"),
    ),
    (
        "replicas_are_taken_one_at_a_time",
        "a budget of others",
        at(
            "PodDisruptionBudget",
            "gateway",
            "spec",
            "selector",
            "matchLabels",
            value={"app.kubernetes.io/name": "web"},
        ),
    ),
    (
        "replicas_are_taken_one_at_a_time",
        "two of three servers",
        at("PodDisruptionBudget", "nats", "spec", "maxUnavailable", value=2),
    ),
    (
        "replicas_are_spread",
        "no zones",
        lambda bundle: pod(bundle, "gateway")["topologySpreadConstraints"].pop(0),
    ),
    (
        "replicas_are_spread",
        "over other pods",
        at(
            "Deployment",
            "web",
            *POD,
            "topologySpreadConstraints",
            0,
            "labelSelector",
            "matchLabels",
            value={"app.kubernetes.io/name": "gateway"},
        ),
    ),
    (
        "replicas_are_spread",
        "two servers on one machine",
        at(
            "StatefulSet",
            "nats",
            *POD,
            "topologySpreadConstraints",
            1,
            "whenUnsatisfiable",
            value="ScheduleAnyway",
        ),
    ),
    (
        "scalers_scale_something",
        "an unknown target",
        at("HorizontalPodAutoscaler", "web", "spec", "scaleTargetRef", "name", value="chat"),
    ),
    (
        "scalers_scale_something",
        "KEDA's too",
        at("ScaledObject", "llm-worker", "spec", "scaleTargetRef", "name", value="worker"),
    ),
    (
        "scalers_scale_something",
        "a number beside it",
        at("Deployment", "gateway", "spec", "replicas", value=2),
    ),
    (
        "scalers_scale_something",
        "down to one",
        at("HorizontalPodAutoscaler", "gateway", "spec", "minReplicas", value=1),
    ),
    (
        "scalers_scale_something",
        "nobody scales workers",
        lambda bundle: without(bundle, "ScaledObject", "llm-worker"),
    ),
    (
        "scalers_scale_something",
        "by nothing",
        at("HorizontalPodAutoscaler", "web", "spec", "metrics", value=[]),
    ),
    (
        "scalers_scale_something",
        "workers by nothing",
        at("ScaledObject", "llm-worker", "spec", "triggers", value=[]),
    ),
    (
        "every_lane_is_looked_at",
        "a lane that is none",
        query("background", '"background"', '"background|batch"'),
    ),
    ("every_lane_is_looked_at", "none for whoever is there", query("people", "chat|live", "chat")),
    ("every_lane_is_looked_at", "one in two triggers", query("background", '"back', '"live|back')),
    (
        "every_queue_has_workers",
        "a queue that nobody pulls",
        lambda bundle: edit(
            bundle, "models", "models.toml", "capabilities", 'queue = "vision"\ncapabilities'
        ),
    ),
    (
        "every_queue_has_workers",
        "scaled by another queue",
        environment("llm-worker", "LLM_WORKER_QUEUES", "other"),
    ),
    (
        "scalers_do_not_take_silence_for_nothing",
        "no series for 0",
        at("ScaledObject", "llm-worker", "spec", "triggers", 0, "metadata", "ignoreNullValues"),
    ),
    (
        "scalers_do_not_take_silence_for_nothing",
        "no fallback",
        at("ScaledObject", "llm-worker", "spec", "fallback"),
    ),
    (
        "scalers_do_not_take_silence_for_nothing",
        "a value of another kind",
        at("ScaledObject", "llm-worker", "spec", "triggers", 2, "metricType", value="Value"),
    ),
    (
        "scalers_ask_for_what_is_told",
        "a metric of nobody",
        at(
            "ScaledObject",
            "llm-worker",
            "spec",
            "triggers",
            0,
            "metadata",
            "query",
            value='max(app_queue_age_seconds{namespace="chappe-production"})',
        ),
    ),
    (
        "scalers_ask_for_what_is_told",
        "any environment",
        at(
            "ScaledObject",
            "llm-worker",
            "spec",
            "triggers",
            2,
            "metadata",
            "query",
            value='sum(app_worker_slots{app_queue="default"})',
        ),
    ),
]
