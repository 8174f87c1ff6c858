"""What watches is there when it is wanted, and only then."""

import json
import os
import subprocess

import pytest

from support.compose import ROOT

WATCHERS = {"collector", "prometheus", "alertmanager", "tempo", "loki", "grafana"}
HEARD = ("gateway", "llm-worker", "web")


def configured(**variables):
    """What compose makes of its files and these variables, without an engine."""
    ours = ("CHAPPE_", "OTEL_", "COMPOSE_")
    chosen = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    done = subprocess.run(
        ["docker", "compose", "config", "--format", "json"],
        cwd=ROOT,
        env={**chosen, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)["services"]


@pytest.mark.parametrize(("watch", "there"), [({}, set()), ({"CHAPPE_WATCH": "on"}, WATCHERS)])
def test_one_word_brings_it(watch, there):
    services = configured(CHAPPE_MODEL="simulator", **watch)
    assert set(services) & WATCHERS == there
    assert {"gateway", "llm-worker", "web", "simulator"} <= set(services)
    wanted = "http://collector:4318" if watch else ""
    for name in HEARD:
        assert services[name]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == wanted
