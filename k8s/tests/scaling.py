"""How many pods there are to be: what KEDA and the HorizontalPodAutoscaler do with a ScaledObject.

Pure: what is known of the past is an argument. Times are seconds. After KEDA 2.18 ("ScaledObject
specification") and Kubernetes' "Horizontal Pod Autoscaling".
"""

import math
from dataclasses import dataclass, field

# Of the controller, unless its operator says otherwise.
TOLERANCE = 0.1
LOOKS_EVERY = 15


@dataclass
class Past:
    """What was found before."""

    recommendations: list = field(default_factory=list)
    changes: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)


def decide(scaled_object, now, replicas, readings, past):
    """The number of pods from now on. `readings` has what each query brought, None for no series."""
    spec = scaled_object["spec"]
    values = [_value(spec, trigger, replicas, readings, past) for trigger in spec["triggers"]]
    targets = [float(trigger["metadata"]["threshold"]) for trigger in spec["triggers"]]
    wanted = [
        _wanted(value, target, replicas)
        for value, target in zip(values, targets, strict=True)
        if value is not None
    ]
    recommended = max(wanted, default=replicas)
    if None in values:
        # Who does not know everything takes nobody away.
        recommended = max(recommended, replicas)
    recommended = max(spec["minReplicaCount"], min(spec["maxReplicaCount"], recommended))
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    past.recommendations.append((now, recommended))
    decided = _within_policies(
        behavior, now, replicas, _stabilized(behavior, now, replicas, past), past
    )
    if decided != replicas:
        past.changes.append((now, decided - replicas))
    return decided


def _value(spec, trigger, replicas, readings, past):
    """What KEDA hands on: the value; nothing, while it waits; then the fallback's."""
    name, metadata = trigger["name"], trigger["metadata"]
    value = readings.get(name)
    if value is None and metadata.get("ignoreNullValues", "true") == "true":
        value = 0.0
    if value is not None:
        past.failures[name] = 0
        return value
    past.failures[name] = past.failures.get(name, 0) + 1
    fallback = spec.get("fallback")
    if fallback is None or past.failures[name] <= fallback["failureThreshold"]:
        return None
    pods = {
        "static": fallback["replicas"],
        "currentReplicas": replicas,
        "currentReplicasIfHigher": max(replicas, fallback["replicas"]),
        "currentReplicasIfLower": min(replicas, fallback["replicas"]),
    }[fallback.get("behavior", "static")]
    return float(metadata["threshold"]) * pods


def _wanted(value, target, replicas):
    """Of an AverageValue."""
    if replicas and abs(value / (target * replicas) - 1) <= TOLERANCE:
        return replicas
    return math.ceil(value / target)


def _stabilized(behavior, now, replicas, past):
    """The least that was recommended of late before there are more, the most before there are fewer."""

    def of_late(way):
        since = now - behavior[way]["stabilizationWindowSeconds"]
        return [number for when, number in past.recommendations if when >= since]

    return min(max(replicas, min(of_late("scaleUp"))), max(of_late("scaleDown")))


def _within_policies(behavior, now, replicas, wanted, past):
    way, sign = ("scaleUp", 1) if wanted > replicas else ("scaleDown", -1)
    steps = []
    for policy in behavior[way]["policies"]:
        since = now - policy["periodSeconds"]
        before = replicas - sum(
            change for when, change in past.changes if when > since and change * sign > 0
        )
        step = policy["value"]
        if policy["type"] == "Percent":
            step = math.ceil(before * step / 100)
        steps.append(before + sign * step)
    if sign > 0:
        return min(wanted, max(replicas, *steps))
    return max(wanted, min(replicas, *steps))


def played(scaled_object, replicas, series, every=LOOKS_EVERY, *, until):
    """The number of pods over time, as pairs. `series(now, replicas)` brings the readings."""
    # It is as if as many as there are had been recommended.
    past, numbers, now = Past(recommendations=[(0, replicas)]), [], 0
    while now <= until:
        replicas = decide(scaled_object, now, replicas, series(now, replicas), past)
        numbers.append((now, replicas))
        now += every
    return numbers
