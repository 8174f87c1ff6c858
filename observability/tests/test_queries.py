"""What is asked for is there: names and labels of the registry, in a language that Prometheus reads."""

import json

import pytest
from delivery import figures

from series import labels, names
from stack import OBSERVABILITY, expanded, fenced, promtool, queries, read_yaml, rules, scraped

# Of Prometheus itself, and of the collector, which nobody here makes.
OF_OTHERS = {
    "up",
    "otelcol_receiver_accepted_spans_total",
    "otelcol_receiver_refused_spans_total",
    "otelcol_exporter_sent_spans_total",
    "otelcol_exporter_send_failed_spans_total",
    "otelcol_exporter_send_failed_log_records_total",
    "otelcol_exporter_enqueue_failed_spans_total",
    "otelcol_exporter_enqueue_failed_log_records_total",
    "otelcol_receiver_refused_log_records_total",
}
# What is added where series are collected.
ADDED = {
    "job", "instance", "le", "quantile", "deployment_environment_name", "exporter", "__name__",
    "server_address",
}
# Of the one metric that says what runs, and of the SDK's word for too many labels.
BUILD = {"service_version", "otel_metric_overflow"}


@pytest.fixture(scope="module")
def registry():
    return read_yaml("signals.yaml")


@pytest.fixture(scope="module")
def known(registry):
    ours = [(one["name"], one["unit"], one["kind"]) for one in registry["metrics"]]
    series = set().union(*(scraped(*one) for one in ours))
    told = set().union(*(figure.series() for figure in figures.ALL))
    return series | told | OF_OTHERS | {rule["record"] for rule in rules() if "record" in rule}


@pytest.mark.parametrize(("of", "query"), queries(), ids=lambda value: value[:60])
def test_its_series_are_in_the_registry(of, query, known):
    assert names(query) or "otel_metric_overflow" in query or query == "vector(1)"
    assert names(query) - known == set()


def test_its_labels_are_in_the_registry(registry):
    ours = {name.replace(".", "_") for name in registry["labels"]}
    strange = {of: labels(query) - ours - ADDED - BUILD for of, query in queries()}
    assert {of: found for of, found in strange.items() if found} == {}


def test_prometheus_reads_all_of_them(tmp_path):
    asked = queries()
    for page in sorted((OBSERVABILITY / "runbooks").glob("*.md")):
        for block in fenced(page.read_text(), "promql"):
            asked += [(page.stem, query) for query in _statements(block)]
    file = tmp_path / "queries.yaml"
    recorded = [
        {"record": f"query:{number}", "expr": query, "labels": {"of": of}}
        for number, (of, query) in enumerate(asked)
    ]
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": recorded}]}))
    code, said = promtool("check", "rules", "--lint=none", file)
    assert code == 0, said
    assert f"{len(asked)} rules found" in said


def test_runbooks_ask_for_what_there_is(known):
    for page in sorted((OBSERVABILITY / "runbooks").glob("*.md")):
        for block in fenced(page.read_text(), "promql"):
            strange = names(block) - known
            assert strange == set(), f"{page.name}: {strange}"


def _statements(block):
    """A line that is set in goes on with the one before."""
    statements = []
    for line in block.strip().splitlines():
        if line.startswith(" "):
            statements[-1] += line
        else:
            statements.append(line)
    return statements


def test_a_query_for_what_there_is_not_is_noticed(known):
    query = 'sum by (le) (rate(app_no_such_seconds_bucket{app_lane="chat"}[5m])) / vector(2)'
    assert names(query) - known == {"app_no_such_seconds_bucket"}
    assert labels(query) == {"le", "app_lane"}
    assert expanded('up{job=~"$service"}') == 'up{job=~".*"}'
