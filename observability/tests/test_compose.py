"""The profile `observability` of compose.yaml, and what Prometheus, Alertmanager and the stores are told."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from stack import OBSERVABILITY, REPOSITORY, promtool, read_yaml

WATCHERS = {"collector", "prometheus", "alertmanager", "tempo", "loki", "grafana"}
HEARD = {"gateway": 8791, "llm-worker": 8792, "web": 8793}


@pytest.fixture(scope="module")
def stack():
    return yaml.safe_load((REPOSITORY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def watching():
    return yaml.safe_load((REPOSITORY / "compose/observability.yaml").read_text())


def test_it_is_taken_in_and_runs_only_when_it_is_wanted(stack, watching):
    assert stack["include"] == ["compose/observability.yaml"]
    assert set(watching["services"]) == WATCHERS
    for service in watching["services"].values():
        assert service["profiles"] == ["observability"]
    # Whoever does not want it waits for nothing of it.
    waited = {name for one in stack["services"].values() for name in one.get("depends_on") or {}}
    assert waited & WATCHERS == set()


@pytest.mark.parametrize("name", sorted(WATCHERS))
def test_they_may_little(watching, name):
    service = watching["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] and service["cpus"] and service["pids_limit"]
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), "an exact version"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert set(service["networks"]) <= {"telemetry", "watchers"}


def test_nobody_of_them_reaches_nats_or_models_and_services_do_not_reach_the_stores(stack, watching):
    services = {**stack["services"], **watching["services"]}
    on = {
        network: {name for name, one in services.items() if network in (one.get("networks") or [])}
        for network in ("telemetry", "watchers", "bus", "models", "edge")
    }
    assert watching["networks"]["telemetry"] == {"internal": True}
    assert on["telemetry"] == {*HEARD, "simulator", "collector", "prometheus"}
    assert on["watchers"] == WATCHERS
    for network in ("bus", "models", "edge"):
        assert on[network] & WATCHERS == set()


def test_nobody_is_let_in_to_change_anything(watching):
    said = watching["services"]["grafana"]["environment"]
    assert said["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert said["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert said["GF_SERVER_ENFORCE_DOMAIN"] == "true"


def test_one_word_switches_it_on(stack):
    lines = (REPOSITORY / ".env").read_text().splitlines()
    said = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert said["CHAPPE_WATCH"] == ""
    assert said["COMPOSE_PROFILES"] == "${CHAPPE_MODEL}${CHAPPE_WATCH:+,observability}"
    assert said["OTEL_EXPORTER_OTLP_ENDPOINT"] == "${CHAPPE_WATCH:+http://collector:4318}"
    # Prometheus asks for metrics.
    assert stack["x-environment"]["OTEL_METRICS_EXPORTER"] == "${OTEL_METRICS_EXPORTER:-none}"


def test_files_and_folders_that_are_mounted_are_there(watching):
    here = REPOSITORY / "compose"
    named = [one["file"] for one in watching["configs"].values()]
    for service in watching["services"].values():
        volumes = [one.split(":")[0] for one in service.get("volumes", [])]
        named += [one for one in volumes if one.startswith(".")]
    assert len(named) >= 8
    assert [one for one in named if not (here / one).exists()] == []


@pytest.mark.parametrize("file", ["prometheus.yml", "kubernetes.yml"])
def test_prometheus_reads_its_configuration(file):
    code, said = promtool("check", "config", "--syntax-only", f"prometheus/{file}")
    assert code == 0, said


def test_prometheus_asks_every_service_where_it_tells(stack):
    jobs = {one["job_name"]: one for one in read_yaml("prometheus/prometheus.yml")["scrape_configs"]}
    for name, port in HEARD.items():
        [found] = jobs[name]["dns_sd_configs"]
        assert (found["names"], found["type"], found["port"]) == ([name], "A", port)
        variable = f"{name.upper().replace('-', '_')}_HEALTH_LISTEN"
        assert stack["services"][name]["environment"][variable] == f"0.0.0.0:{port}"
    # What the pipeline says of its environment is not written over.
    assert jobs["pipeline"]["honor_labels"] is True
    fixed = [group for one in jobs.values() for group in one.get("static_configs", [])]
    targets = {target for group in fixed for target in group["targets"]}
    assert {"collector:8888", "collector:8889"} <= targets


def test_pods_are_called_as_dashboards_have_it():
    [job] = read_yaml("prometheus/kubernetes.yml")["scrape_configs"]
    made = {one["target_label"] for one in job["relabel_configs"] if "target_label" in one}
    assert {"job", "instance", "namespace", "pod", "deployment_environment_name"} <= made


def test_alerts_go_somewhere_by_their_severity():
    route = read_yaml("alertmanager/alertmanager.yml")
    receivers = {one["name"] for one in route["receivers"]}
    named = {one["receiver"] for one in route["route"]["routes"]} | {route["route"]["receiver"]}
    assert named == receivers
    matched = {one["matchers"][0] for one in route["route"]["routes"]}
    assert matched == {'severity="page"', 'severity="heartbeat"'}


def test_alertmanager_reads_its_configuration():
    amtool = os.environ.get("AMTOOL_BIN") or shutil.which("amtool")
    if not amtool:
        pytest.skip("no amtool here")
    file = OBSERVABILITY / "alertmanager/alertmanager.yml"
    done = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stores_forget(watching):
    assert read_yaml("tempo/tempo.yaml")["compactor"]["compaction"]["block_retention"] == "72h"
    loki = read_yaml("loki/loki.yaml")
    assert loki["limits_config"]["retention_period"] == "168h"
    assert loki["compactor"]["retention_enabled"] is True
    kept = watching["services"]["prometheus"]["command"]
    assert "--storage.tsdb.retention.time=31d" in kept
    assert "--storage.tsdb.retention.size=4GB" in kept


def test_a_cluster_gets_every_board_and_every_alert():
    made = read_yaml("kustomization.yaml")["configMapGenerator"]
    files = {file for one in made for file in one["files"]}
    there = {f"dashboards/{path.name}" for path in (OBSERVABILITY / "dashboards").glob("*.json")}
    there |= {f"alerts/{path.name}" for path in (OBSERVABILITY / "alerts").glob("*.yaml")}
    assert files == there
