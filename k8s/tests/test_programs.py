"""The programs, with the variables and files that the manifests give them, over NATS as it is rendered."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bundle import K8S, Bundle
from test_nats import SERVER, Server, free_ports, until

PROGRAMS = os.environ.get("CHAPPE_BIN_DIR")
pytestmark = pytest.mark.skipif(
    not (SERVER and PROGRAMS), reason="NATS_SERVER_BIN or CHAPPE_BIN_DIR is not set"
)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory):
    """Made as docs/OPERATIONS.md has it."""
    folder = tmp_path_factory.mktemp("credentials")
    subprocess.run(
        [Path(PROGRAMS) / "nats-init", "credentials", "--dir", folder, "--apart"],
        check=True,
        capture_output=True,
    )
    subprocess.run([K8S / "secrets", "--credentials", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def nats(rendered, credentials, tmp_path_factory):
    bundle = Bundle(rendered["production"], "production")
    folder, routes = tmp_path_factory.mktemp("nats"), free_ports(3)
    servers = [
        Server(
            f"nats-{number}", bundle.nats_config, folder / str(number), credentials, routes, route
        )
        for number, route in enumerate(routes)
    ]
    for server in servers:
        server.start()
    until(servers, lambda: all(one.answers("/healthz") for one in servers))
    yield servers
    for server in servers:
        server.process.kill()
        server.process.wait()


class Container:
    """The program of a container, with its variables; where it would be in a pod, here."""

    def __init__(self, bundle, name, nats, credentials, folder):
        self.workload = bundle.workload(name)
        container = self.workload.containers[0]
        variables = {name: value for name, value in bundle.environment(container).items() if value}
        for server in nats:
            variables["NATS_URL"] = variables["NATS_URL"].replace(
                f"{server.name}.nats:4222", f"localhost:{server.client}"
            )
        catalogue = folder / "models.toml"
        catalogue.write_text(bundle.find("ConfigMap", "models")["data"]["models.toml"])
        variables["MODELS_FILE"] = str(catalogue)
        variables["NATS_CA_FILE"] = str(credentials / "tls" / Path(variables["NATS_CA_FILE"]).name)
        variables["NATS_NKEY_FILE"] = str(
            credentials / name / Path(variables["NATS_NKEY_FILE"]).name
        )
        # There is no collector, and no pod that has a name.
        for gone in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES"):
            variables.pop(gone, None)
        self.ports = {}
        for variable in [one for one in variables if one.endswith("_LISTEN")]:
            port = free_ports(1)[0]
            self.ports[int(variables[variable].split(":")[1])] = port
            variables[variable] = f"127.0.0.1:{port}"
        self.variables, self.log = variables, folder / f"{name}.log"
        self.program = Path(PROGRAMS) / container.get("command", [name])[0].split("/")[-1]

    def start(self, **more):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.program], stdout=log, stderr=log, env={**self.variables, **more}
            )

    def said(self):
        return self.log.read_text()

    def probe(self, word):
        asked = self.workload.containers[0][word]["httpGet"]
        ports = {one["name"]: one["containerPort"] for one in self.workload.containers[0]["ports"]}
        url = f"http://127.0.0.1:{self.ports[ports[asked['port']]]}{asked['path']}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None


def test_they_start_behind_nats_init_and_answer_their_probes(
    production, nats, credentials, tmp_path
):
    of = lambda name: Container(production, name, nats, credentials, tmp_path)
    gateway, worker, init = of("gateway"), of("llm-worker"), of("nats-init")

    # Before nats-init nobody takes work: it ends, with the remedy, and is started again.
    gateway.start()
    assert gateway.process.wait(timeout=30) == 1
    assert "run `nats-init` once" in gateway.said()

    for _again in range(2):
        init.start()
        assert init.process.wait(timeout=40) == 0, init.said()
    copies = json.load(
        urllib.request.urlopen(
            f"http://127.0.0.1:{nats[0].monitor}/jsz?streams=true&config=true", timeout=5
        )
    )
    streams = copies["account_details"][0]["stream_detail"]
    assert {one["config"]["num_replicas"] for one in streams} == {3}

    try:
        gateway.start()
        worker.start(MODELS_KEY="of nobody")
        for container in (gateway, worker):
            for word in ("startupProbe", "livenessProbe", "readinessProbe"):
                until(
                    [container], lambda container=container, word=word: container.probe(word) == 200
                )
        for container in (gateway, worker):
            container.process.send_signal(signal.SIGTERM)
        # With nothing in hand it takes none of the time that it has.
        assert gateway.process.wait(timeout=20) == 0, gateway.said()
        assert worker.process.wait(timeout=20) == 0, worker.said()
    finally:
        for container in (gateway, worker):
            container.process.kill()


def test_an_operator_makes_the_pages_key_through_a_forwarded_port(nats, credentials, tmp_path):
    """As docs/OPERATIONS.md has it: the certificate also names `localhost`."""
    key = tmp_path / "web.key"
    said = subprocess.run(
        [Path(PROGRAMS) / "chappe", "keys", "create", "web", "--on-behalf-of", "--to", key],
        capture_output=True,
        text=True,
        check=False,
        env={
            "NATS_URL": f"nats://localhost:{nats[0].client}",
            "HOME": str(tmp_path),
            "NATS_NKEY_FILE": str(credentials / "operator/operator.nk"),
            "NATS_CA_FILE": str(credentials / "tls/ca.crt"),
        },
    )
    assert said.returncode == 0, said.stderr
    assert key.read_text().startswith("sk-")
