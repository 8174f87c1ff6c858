"""The collector's file: what is in it, in which order, and where it sends things.

The collector itself reads it where its image can be pulled: `ci/validate-collector`.
"""

import re

import allowed
import pytest

from stack import read_yaml

ALLOWED = {
    "receivers": {"otlp"},
    "processors": {"memory_limiter", "redaction", "tail_sampling"},
    "exporters": {"otlp_http/tempo", "otlp_http/loki", "prometheus"},
    "extensions": {"health_check", "file_storage"},
}
# Order matters: what is hidden has to be hidden before it is kept.
PIPELINES = {
    "traces": (["memory_limiter", "redaction", "tail_sampling"], ["otlp_http/tempo"]),
    "logs": (["memory_limiter", "redaction"], ["otlp_http/loki"]),
    "metrics": (["memory_limiter"], ["prometheus"]),
}
# How the OpenTelemetry conventions call prompts and answers.
CONTENT = {
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
    "gen_ai.tool.definitions", "gen_ai.prompt", "gen_ai.completion", "http.request.body",
}
# In two pieces, so that no scanner takes them for what they pretend to be.
SECRETS = [
    "sk-0123456789abcdef", "SU" "ACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
    "Bearer abcdefgh12345678", "-----BEGIN RSA PRIVATE" " KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
]
HARMLESS = ["POST /v1/chat/completions", "job.chat.default", "0af7651916cd43dd8448eb211c80319c", "simulator"]


@pytest.fixture(scope="module")
def said():
    return read_yaml("collector/collector.yaml")


def test_it_is_made_of_these_parts_and_uses_all_of_them(said):
    for kind, names in ALLOWED.items():
        assert set(said[kind]) == names
    pipelines = said["service"]["pipelines"].values()
    for kind in ("receivers", "processors", "exporters"):
        assert {one for pipeline in pipelines for one in pipeline[kind]} == ALLOWED[kind]
    assert set(said["service"]["extensions"]) == ALLOWED["extensions"]


def test_pipelines_have_this_order(said):
    found = {
        name: (one["processors"], one["exporters"])
        for name, one in said["service"]["pipelines"].items()
    }
    assert found == PIPELINES


def test_it_listens_by_http_alone(said):
    assert said["receivers"]["otlp"]["protocols"] == {"http": {"endpoint": "0.0.0.0:4318"}}
    assert said["extensions"]["health_check"]["endpoint"] == "0.0.0.0:13133"
    [reader] = said["service"]["telemetry"]["metrics"]["readers"]
    assert reader["pull"]["exporter"]["prometheus"] == {
        "host": "0.0.0.0",
        "port": 8888,
        # Otherwise `_total` is missing in names, and what asks for it finds nothing.
        "without_type_suffix": False,
        "without_units": True,
        "without_scope_info": True,
    }
    assert said["exporters"]["prometheus"]["endpoint"] == "0.0.0.0:8889"


def test_batches_are_of_queues_that_outlive_it(said):
    """The processor `batch` is no longer kept up, and forgets what it has."""
    assert "batch" not in said["processors"]
    folder = said["extensions"]["file_storage"]["directory"]
    assert folder == "/var/lib/otelcol"
    for name in ("otlp_http/tempo", "otlp_http/loki"):
        queue = said["exporters"][name]["sending_queue"]
        assert queue["storage"] == "file_storage"
        assert queue["batch"]["min_size"] <= queue["batch"]["max_size"] <= queue["queue_size"]


def test_it_keeps_what_is_worth_keeping(said):
    sampling = said["processors"]["tail_sampling"]
    policies = {one["name"]: one for one in sampling["policies"]}
    assert policies["errors"]["status_code"] == {"status_codes": ["ERROR"]}
    assert policies["slow"]["latency"] == {"threshold_ms": 10000}
    again = policies["redelivered"]["numeric_attribute"]
    assert (again["key"], again["min_value"]) == ("app.nats.delivered", 2)
    assert 0 < policies["rest"]["probabilistic"]["sampling_percentage"] < 100
    # Longer than nearly all answers, whose end is the last to come.
    assert int(sampling["decision_wait"].removesuffix("s")) >= 60
    cached = sampling["decision_cache"]
    assert min(cached.values()) >= sampling["num_traces"]


def test_what_is_let_through_is_registered():
    text = allowed.written()
    for file in allowed.FILES:
        assert file.read_text() == text, f"{file}: run observability/collector/allowed.py"
    keys = set(read_yaml("collector/collector.yaml")["processors"]["redaction"]["allowed_keys"])
    registry = read_yaml("signals.yaml")
    of_spans = {name for span in registry["spans"] for name in span["always"] + span["sometimes"]}
    assert of_spans <= keys
    assert keys & CONTENT == set()


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_key_is_hidden(said, secret):
    patterns = said["processors"]["redaction"]["blocked_values"]
    assert any(re.search(pattern, f"before {secret} after") for pattern in patterns)


def test_what_does_not_is_left(said):
    patterns = said["processors"]["redaction"]["blocked_values"]
    assert [one for one in HARMLESS for pattern in patterns if re.search(pattern, one)] == []
