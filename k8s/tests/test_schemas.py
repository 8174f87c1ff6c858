"""Every object follows its schema, to the last field: those of Kubernetes, and of what is added to it."""

import copy
import json
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

SCHEMAS = Path(__file__).parent / "schemas"
ADDED = {"ScaledObject": "scaled-object.json", "HTTPRoute": "http-route.json"}
# The oldest that pauses by itself before a pod ends, and the newest whose schemas we have.
VERSIONS = ("1.30", "1.37")


def problems(objects, version):
    found = (_problem(json.dumps(one), version) for one in objects)
    return [problem for problem in found if problem]


@cache
def _problem(text, version):
    """Of an object; most are the same in several overlays."""
    one = json.loads(text)
    try:
        if one["kind"] in ADDED:
            _added(one, version)
        else:
            kubernetes_validate.validate(one, version, strict=True)
    except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
        return f"{one['kind']} {one['metadata']['name']}: {error.message}"
    return None


@cache
def _validator(kind):
    schema = json.loads((SCHEMAS / ADDED[kind]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _added(one, version):
    _validator(one["kind"]).validate(one)
    config = one["spec"].get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
    if "behavior" in config:
        # KEDA hands it on as it is.
        scaler = {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": one["metadata"]["name"]},
            "spec": {
                "maxReplicas": 1,
                "scaleTargetRef": {"kind": "Deployment", "name": "any"},
                "behavior": config["behavior"],
            },
        }
        kubernetes_validate.validate(scaler, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_follows_its_schema(bundle, version):
    assert problems(bundle.objects, version) == []


def unknown_field(production):
    production.workload("gateway").pod["terminationGracePeriod"] = 5


def wrong_type(production):
    production.workload("gateway").containers[0]["ports"][0]["containerPort"] = "http"


def unknown_of_keda(production):
    production.of("ScaledObject")[0]["spec"]["minReplicas"] = 2


def unknown_fallback(production):
    production.of("ScaledObject")[0]["spec"]["fallback"]["behavior"] = "hold"


def unknown_behavior(production):
    scaler = production.of("ScaledObject")[0]["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
    scaler["behavior"]["scaleDown"]["window"] = 600


def number_for_text(production):
    production.of("ScaledObject")[0]["spec"]["triggers"][0]["metadata"]["threshold"] = 5


@pytest.mark.parametrize(
    "how",
    [
        unknown_field,
        wrong_type,
        unknown_of_keda,
        unknown_fallback,
        unknown_behavior,
        number_for_text,
    ],
)
def test_it_is_noticed(production, how):
    production.objects = copy.deepcopy(production.objects)
    how(production)
    assert len(problems(production.objects, VERSIONS[0])) == 1
