"""Production is staging with other names, counts, tags and resources. What differs is printed."""

import copy
import re

from bundle import K8S, Bundle, render, without_hash

# What may differ, as `kind/name: path`.
MAY_DIFFER = [
    # names
    r"[^:]+: metadata\.namespace",
    r"Namespace/[^:]+: metadata\.name",
    r"ConfigMap/environment: data\.(DEPLOYMENT_ENVIRONMENT|CHAT_HOST|API_HOST)",
    r"Ingress/(gateway|web): spec\.(rules\.0\.host|tls\.0\.hosts\.0)",
    # the namespace that queries name; that nothing else differs in them, a test below says
    r"ScaledObject/llm-worker: spec\.triggers\.\d\.metadata\.query",
    # counts
    r"HorizontalPodAutoscaler/(gateway|web): spec\.(minReplicas|maxReplicas)",
    r"ScaledObject/llm-worker: spec\.(minReplicaCount|maxReplicaCount|fallback\.replicas)",
    r"(Deployment|StatefulSet)/[^:]+: spec\.replicas",
    # tags and digests
    r"[^:]+: spec\.template\.spec\.containers\.\d\.image",
    # resources
    r"[^:]+: spec\.template\.spec\.containers\.\d\.resources\.(requests|limits)\.(cpu|memory)",
    r"StatefulSet/nats: spec\.volumeClaimTemplates\.0\.spec\.resources\.requests\.storage",
]


def leaves(what, path=""):
    """All values, with their paths."""
    if isinstance(what, dict):
        pairs = what.items()
    elif isinstance(what, list):
        pairs = enumerate(what)
    else:
        # A ConfigMap's name has a hash of what is in it: the content is looked at by itself.
        yield path, without_hash(what) if isinstance(what, str) else what
        return
    for key, value in pairs:
        yield from leaves(value, f"{path}.{key}" if path else str(key))


def flat(objects):
    found = {}
    for one in objects:
        name = "it" if one["kind"] == "Namespace" else without_hash(one["metadata"]["name"])
        found |= {f"{one['kind']}/{name}: {path}": value for path, value in leaves(one)}
    return found


def differences(rendered):
    staging, production = flat(rendered["staging"]), flat(rendered["production"])
    everywhere = sorted(set(staging) | set(production))
    return {
        one: (staging.get(one, "–"), production.get(one, "–"))
        for one in everywhere
        if staging.get(one, "–") != production.get(one, "–")
    }


def unwanted(rendered):
    return [
        one
        for one in differences(rendered)
        if not any(re.fullmatch(wanted, one) for wanted in MAY_DIFFER)
    ]


def test_production_differs_from_staging_in_nothing_else(rendered):
    for where, (staging, production) in differences(rendered).items():
        print(f"{where}\n  - {staging}\n  + {production}")
    assert unwanted(rendered) == []


def test_queries_differ_in_the_namespace(rendered):
    queries = {}
    for overlay in ("staging", "production"):
        scaler = Bundle(rendered[overlay], overlay).of("ScaledObject")[0]
        asked = [one["metadata"]["query"] for one in scaler["spec"]["triggers"]]
        queries[overlay] = [one.replace(f"chappe-{overlay}", "") for one in asked]
    assert queries["staging"] == queries["production"]


def test_another_difference_is_noticed(rendered):
    for change in (
        lambda bundle: (
            bundle.workload("web").containers[0]["env"].append({"name": "MORE", "value": "1"})
        ),
        lambda bundle: bundle.workload("web").pod.update(terminationGracePeriodSeconds=1),
        lambda bundle: bundle.objects.pop(),
        lambda bundle: bundle.find("ConfigMap", "models")["data"].update({"models.toml": ""}),
    ):
        broken = {**rendered, "production": copy.deepcopy(rendered["production"])}
        change(Bundle(broken["production"], "production"))
        assert unwanted(broken) != []


def test_every_base_is_in_every_overlay(rendered):
    """An overlay leaves out scalers and what one server does not need, and nothing else."""
    of = lambda objects: {(one["kind"], without_hash(one["metadata"]["name"])) for one in objects}
    base = of(render(K8S / "base")) - {("Namespace", "chappe")}
    dev = {
        ("HorizontalPodAutoscaler", "gateway"),
        ("HorizontalPodAutoscaler", "web"),
        ("NetworkPolicy", "nats-routes"),
    }
    assert base - of(rendered["dev"]) == dev
    assert base <= of(rendered["staging"])
    assert base <= of(rendered["production"])
