"""The figures and a span of each deployment as OTLP over HTTP in JSON, without any library."""

import bisect
import hashlib
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from . import figures
from .ends import Missing, Unusable

CUMULATIVE = 2
# Where figures of the pipeline go; without it, where all telemetry does.
OURS, EVERYBODYS = "CHAPPE_PIPELINE_OTLP", "OTEL_EXPORTER_OTLP_ENDPOINT"

SCOPE = {"name": "chappe.delivery"}
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
SECONDS_TO_ANSWER = 10


def metrics(common, at, told, since=None):
    """The request for `/v1/metrics`. `told` is of `figures`, with labels besides those in common; what
    is counted is counted `since`."""
    of = {}
    for figure, value, labels in told:
        if value is None:
            continue
        point = {
            "timeUnixNano": _nanoseconds(at),
            "attributes": _attributes({**common, **labels}),
        }
        if figure.kind != "gauge":
            point["startTimeUnixNano"] = _nanoseconds(since)
        point.update(_histogram(value) if figure.kind == "histogram" else {"asDouble": value})
        of.setdefault(figure, []).append(point)
    scope = {"scope": SCOPE, "metrics": [_metric(*one) for one in of.items()], "schemaUrl": SCHEMA}
    return {"resourceMetrics": [{"resource": _resource(), "scopeMetrics": [scope]}]}


def _metric(figure, points):
    data = {"dataPoints": points}
    if figure.kind != "gauge":
        data["aggregationTemporality"] = CUMULATIVE
    if figure.kind == "counter":
        data["isMonotonic"] = True
    kind = {"gauge": "gauge", "counter": "sum", "histogram": "histogram"}[figure.kind]
    return {"name": figure.name, "unit": figure.unit, kind: data}


def _histogram(values):
    counts = [0] * (len(figures.BOUNDS) + 1)
    for value in values:
        counts[bisect.bisect_left(figures.BOUNDS, value)] += 1
    return {
        "count": str(len(values)),
        "sum": float(sum(values)),
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": [float(bound) for bound in figures.BOUNDS],
    }


def spans(deployments):
    """The request for `/v1/traces`: one span each, with the names of the CI/CD conventions."""
    told = [_span(deployment) for deployment in deployments]
    scope = {"scope": SCOPE, "spans": told, "schemaUrl": SCHEMA}
    return {"resourceSpans": [{"resource": _resource(), "scopeSpans": [scope]}]}


def _span(deployment):
    good = deployment.outcome == "deployed"
    # The same deployment is the same span, however often it is told.
    identity = hashlib.sha256(f"{deployment.environment}/{deployment.id}".encode()).hexdigest()
    attributes = {
        "cicd.pipeline.name": "deploy",
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": deployment.id,
        "cicd.pipeline.result": "success" if good else "failure",
        "deployment.id": deployment.id,
        "deployment.name": deployment.target,
        "deployment.environment.name": deployment.environment,
        "deployment.status": "succeeded" if good else "failed",
        "vcs.ref.head.revision": deployment.revision,
        "app.delivery.outcome": deployment.outcome,
        "app.delivery.cause": deployment.cause,
        "app.delivery.commits": len(deployment.commits),
    }
    if deployment.rollback_of:
        attributes["app.delivery.rollback_of"] = deployment.rollback_of
    return {
        "traceId": identity[:32],
        "spanId": identity[32:48],
        "name": "RUN deploy",
        "kind": 2,  # SERVER, as the conventions have it
        "startTimeUnixNano": _nanoseconds(deployment.started),
        "endTimeUnixNano": _nanoseconds(deployment.finished),
        "attributes": _attributes(attributes),
        "status": {"code": 1} if good else {"code": 2, "message": deployment.outcome},
    }


def send(path, document):
    """Posts to where the environment says. False: it says nothing."""
    variable = OURS if os.environ.get(OURS) else EVERYBODYS
    endpoint = os.environ.get(variable, "")
    if not endpoint:
        return False
    if urllib.parse.urlsplit(endpoint).scheme not in ("http", "https"):
        raise Unusable(f"{variable} is no http or https address")
    request = urllib.request.Request(
        endpoint.rstrip("/") + path,
        data=json.dumps(document).encode(),
        headers={"content-type": "application/json", **_headers()},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            partial = json.loads(answer.read() or b"{}").get("partialSuccess") or {}
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise Missing(f"{path} of {variable}: {error}") from error
    rejected = partial.get("rejectedDataPoints") or partial.get("rejectedSpans")
    if rejected and int(rejected):
        raise Missing(f"{path}: {rejected} rejected: {partial.get('errorMessage', '')}")
    return True


def _headers():
    headers = {}
    for pair in os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","):
        name, equals, value = pair.partition("=")
        if equals:
            headers[name.strip()] = urllib.parse.unquote(value.strip())
    return headers


def _resource():
    return {"attributes": _attributes({"service.name": "chappe-delivery"})}


def _attributes(values):
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value):
    if isinstance(value, int):
        # 64-bit numbers are text in JSON.
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value}


def _nanoseconds(moment):
    # In whole numbers: a float has not that many digits.
    seconds = int(moment.replace(microsecond=0).timestamp())
    return str(seconds * 1_000_000_000 + moment.microsecond * 1000)
