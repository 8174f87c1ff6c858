"""From a metric to its traces, from a trace to its logs and metrics, and from a line to its trace."""

from urllib.parse import unquote

import pytest

from series import names
from stack import boards, read_yaml, scraped


@pytest.fixture(scope="module")
def sources():
    found = read_yaml("grafana/provisioning/datasources/chappe.yaml")["datasources"]
    return {one["uid"]: one for one in found}


def test_these_are_asked_and_nobody_edits_them(sources):
    assert {uid: one["url"] for uid, one in sources.items()} == {
        "prometheus": "http://prometheus:9090",
        "tempo": "http://tempo:3200",
        "loki": "http://loki:3100",
    }
    assert all(one["editable"] is False for one in sources.values())
    assert [uid for uid, one in sources.items() if one.get("isDefault")] == ["prometheus"]


@pytest.mark.parametrize("name", ["overview", "queue-and-workers", "models-and-tokens", "nats"])
def test_metrics_lead_to_traces(name):
    links = [link["url"] for panel in boards()[name]["panels"] for link in panel.get("links", [])]
    explored = [unquote(url) for url in links if url.startswith("/explore?")]
    assert any('"type":"tempo"' in url and "${__from}" in url for url in explored)


def test_traces_lead_to_logs_of_the_same_trace_and_service(sources):
    to_logs = sources["tempo"]["jsonData"]["tracesToLogsV2"]
    assert to_logs["datasourceUid"] == "loki"
    assert to_logs["filterByTraceID"] is True
    assert {"key": "service.name", "value": "service_name"} in to_logs["tags"]


def test_traces_lead_to_metrics_of_the_same_service(sources):
    to_metrics = sources["tempo"]["jsonData"]["tracesToMetrics"]
    assert to_metrics["datasourceUid"] == "prometheus"
    assert to_metrics["tags"] == [{"key": "service.name", "value": "job"}]
    registry = read_yaml("signals.yaml")["metrics"]
    known = set().union(*(scraped(one["name"], one["unit"], one["kind"]) for one in registry))
    for query in to_metrics["queries"]:
        # Grafana takes `$$` for a `$`, and puts the tags there.
        assert "$$__tags" in query["query"]
        assert names(query["query"].replace("$$__tags", "")) <= known


def test_lines_lead_to_their_trace(sources):
    fields = sources["loki"]["jsonData"]["derivedFields"]
    assert {one["datasourceUid"] for one in fields} == {"tempo"}
    assert {one["url"] for one in fields} == {"$${__value.raw}"}
    assert {one["matcherType"] for one in fields} == {"label", "regex"}


def test_boards_come_from_this_folder_and_nobody_edits_them():
    [provider] = read_yaml("grafana/provisioning/dashboards/chappe.yaml")["providers"]
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
