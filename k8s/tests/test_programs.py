"""The programs, with the variables and files that the manifests give them, over NATS as it is rendered."""

import contextlib
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

    def __init__(self, bundle, name, folder, here):
        """`here` has what stands here for addresses and files in variables."""
        self.workload = bundle.workload(name)
        container = self.workload.containers[0]
        variables = {name: value for name, value in bundle.environment(container).items() if value}
        # There is no collector, and no pod that has a name.
        for gone in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES"):
            variables.pop(gone, None)
        for old, new in here.items():
            variables = {name: value.replace(old, str(new)) for name, value in variables.items()}
        self.ports = {}
        for variable in [one for one in variables if one.endswith("_LISTEN")]:
            port = free_ports(1)[0]
            self.ports[int(variables[variable].split(":")[1])] = port
            variables[variable] = f"127.0.0.1:{port}"
        self.variables, self.log = variables, folder / f"{name}.log"
        # An image of ours is called as the program that it runs.
        image = container["image"].split("@")[0].split(":")[0]
        self.program = Path(PROGRAMS) / Path(container.get("command", [image])[0]).name

    def start(self, **more):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [self.program], stdout=log, stderr=log, env={**self.variables, **more}
            )

    def said(self):
        return self.log.read_text()

    def probe(self, word):
        asked = self.workload.containers[0][word]["httpGet"]
        return self.asked(asked["port"], asked["path"])

    def address(self, port):
        ports = {one["name"]: one["containerPort"] for one in self.workload.containers[0]["ports"]}
        return f"http://127.0.0.1:{self.ports[ports[port]]}"

    def asked(self, port, path, **headers):
        """The status of the answer, or None."""
        request = urllib.request.Request(self.address(port) + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None

    def checks(self):
        """What it says of each thing that it needs: a probe does not look at warnings."""
        with urllib.request.urlopen(f"{self.address('health')}/readyz", timeout=2) as answer:
            return {name: one["status"] for name, one in json.load(answer)["checks"].items()}

    def answers_its_probes(self):
        for word in ("startupProbe", "livenessProbe", "readinessProbe"):
            until([self], lambda word=word: self.probe(word) == 200)

    def ends(self):
        """With nothing in hand it takes none of the time that it has."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0, self.said()


@contextlib.contextmanager
def running(container, **more):
    container.start(**more)
    try:
        yield container
    finally:
        container.process.kill()
        container.process.wait()


@pytest.fixture
def client_of_nats(production, nats, credentials, tmp_path):
    """A container that knows NATS and the catalogue."""
    catalogue = tmp_path / "models.toml"
    catalogue.write_text(production.find("ConfigMap", "models")["data"]["models.toml"])
    servers = {f"{one.name}.nats:4222": f"localhost:{one.client}" for one in nats}
    here = {**servers, "/etc/nats/ca/": f"{credentials}/tls/", "/etc/chappe/models.toml": catalogue}
    return lambda name: Container(
        production, name, tmp_path, here | {"/credentials/": f"{credentials}/{name}/"}
    )


def test_they_start_behind_nats_init_and_answer_their_probes(
    production, client_of_nats, nats, credentials, tmp_path
):
    gateway, worker, init = map(client_of_nats, ("gateway", "llm-worker", "nats-init"))

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

    with running(gateway), running(worker, MODELS_KEY="of nobody"):
        gateway.answers_its_probes()
        worker.answers_its_probes()
        key = make_key_of_page(nats, credentials, tmp_path)
        here = {"http://gateway:8790": gateway.address("http"), "/keys/web.key": key}
        web = Container(production, "web", tmp_path, here)
        with running(web):
            web.answers_its_probes()
            until([web], lambda: web.checks() == {"gateway": "ok"})
            host = production.find("ConfigMap", "environment")["data"]["CHAT_HOST"]
            assert web.asked("http", "/", host=host) == 200
            assert web.asked("http", "/", host="elsewhere.example") == 403
            web.ends()
        gateway.ends()
        worker.ends()


def test_the_simulator_answers_its_probes(rendered, tmp_path):
    simulator = Container(Bundle(rendered["dev"], "dev"), "simulator", tmp_path, {})
    with running(simulator):
        simulator.answers_its_probes()
        simulator.ends()


def make_key_of_page(nats, credentials, folder):
    """Through a forwarded port, as docs/OPERATIONS.md has it: the certificate also names `localhost`."""
    key = folder / "web.key"
    said = subprocess.run(
        [Path(PROGRAMS) / "chappe", "keys", "create", "web", "--on-behalf-of", "--to", key],
        capture_output=True,
        text=True,
        check=False,
        env={
            "NATS_URL": f"nats://localhost:{nats[0].client}",
            "HOME": str(folder),
            "NATS_NKEY_FILE": str(credentials / "operator/operator.nk"),
            "NATS_CA_FILE": str(credentials / "tls/ca.crt"),
        },
    )
    assert said.returncode == 0, said.stderr
    assert key.read_text().startswith("sk-")
    return key
