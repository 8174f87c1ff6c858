"""The figures and a span of each deployment as OTLP over HTTP in JSON, without any library."""

import hashlib
import json
import os
import urllib.error
import urllib.parse
import urllib.request

from .ends import Missing, Unusable

SCOPE = {"name": "chappe.delivery"}
SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
SECONDS_TO_ANSWER = 10


def metrics(keys):
    """The request for `/v1/metrics`. There are no conventions for these; ours are `app.*`."""
    gauges = [
        ("app.delivery.deployments_per_day", "{deployment}/d", [(keys.frequency, {})]),
        ("app.delivery.lead_time", "s", _quantiles(keys.lead_time)),
        ("app.delivery.change_fail_rate", "1", [(keys.change_fail_rate, {})]),
        ("app.delivery.recovery_time", "s", _quantiles(keys.recovery_time)),
        ("app.delivery.unrecovered", "{deployment}", [(float(keys.unrecovered), {})]),
        ("app.delivery.rework_rate", "1", [(keys.rework_rate, {})]),
    ]
    at = _nanoseconds(keys.end)
    where = {"deployment.environment.name": keys.environment}
    told = []
    for name, unit, values in gauges:
        points = [
            {"timeUnixNano": at, "asDouble": value, "attributes": _attributes(where | more)}
            for value, more in values
            if value is not None
        ]
        if points:
            told.append({"name": name, "unit": unit, "gauge": {"dataPoints": points}})
    scope = {"scope": SCOPE, "metrics": told, "schemaUrl": SCHEMA}
    return {"resourceMetrics": [{"resource": _resource(), "scopeMetrics": [scope]}]}


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
    """Posts to `OTEL_EXPORTER_OTLP_ENDPOINT`. False: none is set."""
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not endpoint:
        return False
    if urllib.parse.urlsplit(endpoint).scheme not in ("http", "https"):
        raise Unusable("OTEL_EXPORTER_OTLP_ENDPOINT is no http or https address")
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
        raise Missing(f"{path} of OTEL_EXPORTER_OTLP_ENDPOINT: {error}") from error
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


def _quantiles(spread):
    return [(spread.p50, {"quantile": 0.5}), (spread.p90, {"quantile": 0.9})]


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
