"""`ci/delivery-metrics` as a program, and what it sends by OTLP."""

import http.server
import json
import threading

import pytest

from delivery import figures, tell

STARTED, FINISHED = "2026-06-01T12:00:07.250Z", "2026-06-01T12:10:00Z"


def entry(name, **more):
    return {
        "id": name, "environment": "production", "target": "compose", "revision": "a" * 40,
        "digests": {"gateway": "sha256:" + "0" * 64},
        "commits": [{"id": "a" * 40, "time": "2026-06-01T11:40:00Z"}],
        "started": STARTED, "finished": FINISHED, "outcome": "deployed", **more,
    }


@pytest.fixture
def receiver():
    """A receiver of OTLP that keeps what it is sent, and answers as it is told."""
    received, answer = [], {"status": 200, "body": b"{}"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(answer["status"])
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.received, server.answer = received, answer
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def record(tmp_path, ci):
    path = tmp_path / "record.jsonl"
    for one in (entry("1"), entry("2", outcome="rolled-back", detected="2026-06-01T12:05:00Z")):
        ended = ci("delivery-metrics", "record", "--record", path, stdin=json.dumps(one))
        assert ended.code == 0, ended.err
    return path


NOW = ["--now", "2026-06-02T12:00:00Z"]


def attributes(of):
    return {one["key"]: next(iter(one["value"].values())) for one in of["attributes"]}


def test_the_figures_are_json(ci, record, tmp_path):
    out = tmp_path / "reports" / "delivery.json"
    ended = ci("delivery-metrics", "report", "--record", record, *NOW, "--out", out)

    assert ended.code == 0, ended.err
    figures = json.loads(ended.out)
    assert figures == json.loads(out.read_text())
    assert figures["lead_time_seconds"] == {"count": 1, "p50": 1800.0, "p90": 1800.0}
    assert figures["change_fail_rate"] == 0.5
    assert figures["recovery_time_seconds"]["p50"] == 300.0
    assert figures["deployments_per_day"] == pytest.approx(1.0, abs=0.01)


def test_they_are_sent_where_the_environment_says(ci, record, receiver):
    ended = ci("delivery-metrics", "report", "--record", record, *NOW,
               OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
               OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20x,a=b")

    assert ended.code == 0, ended.err
    [metrics, traces] = receiver.received
    assert metrics[0] == "/v1/metrics" and traces[0] == "/v1/traces"
    headers = {name.lower(): value for name, value in metrics[1].items()}
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer x" and headers["a"] == "b"

    [scope] = metrics[2]["resourceMetrics"][0]["scopeMetrics"]
    told = {one["name"]: one for one in scope["metrics"]}
    assert set(told) == {figure.name for figure in figures.OF_DEPLOYMENTS}
    [rate] = told["app.delivery.change_fail_rate"]["gauge"]["dataPoints"]
    assert rate["asDouble"] == 0.5 and rate["timeUnixNano"] == "1780401600000000000"
    assert attributes(rate) == {"deployment.environment.name": "production"}
    recovery = told["app.delivery.recovery_time"]["gauge"]["dataPoints"]
    assert {attributes(one)["quantile"] for one in recovery} == {0.5, 0.9}

    # Of the whole record, so that one report that is lost loses nothing.
    counted = told["app.delivery.deployments"]["sum"]
    assert counted["isMonotonic"] and counted["aggregationTemporality"] == 2
    outcomes = {attributes(one)["app.outcome"]: one["asDouble"] for one in counted["dataPoints"]}
    assert outcomes == {"done": 1, "rolled_back": 1}
    [lead] = told["app.delivery.lead_time"]["histogram"]["dataPoints"]
    assert (lead["count"], lead["sum"]) == ("1", 1800.0)
    # Half an hour is in the bucket that ends there.
    assert lead["bucketCounts"][lead["explicitBounds"].index(1800.0)] == "1"
    assert lead["startTimeUnixNano"] == "1780315207250000000"
    stages = {
        attributes(one)["app.stage"]: one["sum"]
        for one in told["app.delivery.duration"]["histogram"]["dataPoints"]
    }
    assert stages == {"waiting": 1207.25, "deploying": 2 * 592.75}

    # The last deployment, and no other.
    [span] = traces[2]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (span["name"], span["kind"], span["status"]["code"]) == ("RUN deploy", 2, 2)
    assert span["startTimeUnixNano"] == "1780315207250000000"
    assert len(span["traceId"]) == 32 and len(span["spanId"]) == 16
    said = attributes(span)
    assert said["deployment.id"] == "2" and said["deployment.status"] == "failed"
    assert said["cicd.pipeline.result"] == "failure" and said["app.delivery.commits"] == "1"


def test_a_deployment_is_the_same_span_each_time(ci, record, receiver):
    for _ in range(2):
        ci("delivery-metrics", "report", "--record", record, "--spans", "all",
           OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    sent = [
        [(span["traceId"], span["spanId"])
         for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"]]
        for path, _headers, body in receiver.received
        if path == "/v1/traces"
    ]
    assert len(sent) == 2 and sent[0] == sent[1] and len(set(sent[0])) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b"{}"), (200, b'{"partialSuccess": {"rejectedDataPoints": "1"}}'), (200, b"hello")],
)
def test_figures_that_do_not_arrive_are_told_and_printed_all_the_same(
    ci, record, receiver, status, body
):
    receiver.answer.update(status=status, body=body)
    ended = ci("delivery-metrics", "report", "--record", record,
               OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)

    assert ended.code == 69 and "/v1/metrics" in ended.err
    assert json.loads(ended.out)["environment"] == "production"


def test_the_pipelines_own_address_comes_first(ci, record, receiver):
    ended = ci("delivery-metrics", "report", "--record", record, CHAPPE_PIPELINE_OTLP=receiver.url,
               OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert ended.code == 0, ended.err
    assert [path for path, _headers, _body in receiver.received] == ["/v1/metrics", "/v1/traces"]


def names(body):
    [scope] = body["resourceMetrics"][0]["scopeMetrics"]
    return {one["name"] for one in scope["metrics"]}


def test_a_deployment_tells_that_it_begins_and_how_it_ended(record, receiver, monkeypatch):
    monkeypatch.setenv("CHAPPE_PIPELINE_OTLP", receiver.url)
    tell.begun("production")
    tell.judged("production", record)
    [begun, judged, span] = [body for _path, _headers, body in receiver.received]
    assert names(begun) == {"app.delivery.begun"}
    assert {"app.delivery.judged", "app.delivery.deployments"} <= names(judged)
    assert len(span["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "nonsense"])
def test_that_nobody_hears_it_is_nothing_to_a_deployment(record, monkeypatch, capsys, address):
    monkeypatch.setenv("CHAPPE_PIPELINE_OTLP", address)
    tell.begun("production")
    tell.judged("production", record)
    assert capsys.readouterr().err.count("not told: ") == 2


def test_it_tells_the_pipelines_address_and_no_other(record, receiver, monkeypatch):
    monkeypatch.delenv("CHAPPE_PIPELINE_OTLP", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    tell.begun("production")
    tell.judged("production", record)
    assert receiver.received == []


def test_of_no_record_there_are_no_figures(ci, tmp_path, receiver):
    ended = ci("delivery-metrics", "report", "--record", tmp_path / "none.jsonl",
               OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)

    assert ended.code == 0
    assert json.loads(ended.out)["lead_time_seconds"]["p50"] is None
    [(path, _headers, body)] = receiver.received
    told = [one["name"] for one in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
    assert path == "/v1/metrics" and "app.delivery.lead_time" not in told


def test_what_is_no_entry_is_refused(ci, record):
    before = record.read_text()
    for text, reason in (("{}", "outcome"), ("no", "no JSON"), (json.dumps(entry("1")), "already")):
        ended = ci("delivery-metrics", "record", "--record", record, stdin=text)
        assert ended.code == 78 and reason in ended.err
    assert record.read_text() == before
