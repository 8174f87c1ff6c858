"""nats-server takes the configurations that are rendered: three find each other over TLS."""

import contextlib
import itertools
import os
import random
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest

from bundle import K8S, Bundle

SERVER = os.environ.get("NATS_SERVER_BIN")
pytestmark = pytest.mark.skipif(not SERVER, reason="NATS_SERVER_BIN names no nats-server")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("credentials")
    for service in ("gateway", "llm-worker", "nats-init"):
        (folder / service).mkdir()
        (folder / service / f"{service}.nk").write_text("of nobody")
    (folder / "server").mkdir()
    (folder / "server/nats-users.conf").write_text(
        'authorization { user: "nobody", password: "none" }\n'
    )
    subprocess.run([K8S / "secrets", "--credentials", folder], check=True, capture_output=True)
    return folder


# Below the range from which systems take ports for outgoing connections: of those, one that is free
# now may be a neighbour's a moment later. Each is given once.
PORTS = itertools.cycle(random.sample(range(18_000, 30_000), 12_000))


def free_ports(count):
    return list(itertools.islice(filter(_is_free, PORTS), count))


def _is_free(port):
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Server:
    """One of them, in a folder in place of a pod's."""

    def __init__(self, name, config, folder, credentials, routes, own_route):
        self.name, self.pid_file = name, folder / "nats.pid"
        client, self.monitor = free_ports(2)
        for old, new in {
            "listen: 0.0.0.0:4222": f"listen: 127.0.0.1:{client}",
            "http: 0.0.0.0:8222": f"http: 127.0.0.1:{self.monitor}",
            "listen: 0.0.0.0:6222": f"listen: 127.0.0.1:{own_route}",
            "/run/nats/nats.pid": str(self.pid_file),
            "store_dir: /data": f'store_dir: "{folder / "data"}"',
            "/etc/nats/tls": str(credentials / "tls"),
            "users/nats-users.conf": "users.conf",
            **{
                f"nats-{number}.nats:6222": f"localhost:{route}"
                for number, route in enumerate(routes)
            },
        }.items():
            config = config.replace(old, new)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "users.conf").write_text((credentials / "server/nats-users.conf").read_text())
        (folder / "nats.conf").write_text(config)
        self.folder, self.client, self.process = folder, client, None

    def start(self):
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [SERVER, "--config", self.folder / "nats.conf"],
                stdout=log,
                stderr=log,
                env={**os.environ, "POD_NAME": self.name},
            )

    def said(self):
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""

    def answers(self, path):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.monitor}{path}", timeout=2
            ) as answer:
                return answer.status == 200
        except OSError:
            return False


def path_of(workload, word):
    return workload.containers[0][word]["httpGet"]["path"]


@pytest.fixture
def nats(rendered, certificates, tmp_path, request):
    """The workload, and its servers, which nobody has started."""
    bundle = Bundle(rendered[request.param], request.param)
    workload = bundle.workload("nats")
    routes = free_ports(workload.spec["replicas"])
    servers = [
        Server(
            f"nats-{number}",
            bundle.nats_config,
            tmp_path / str(number),
            certificates,
            routes,
            route,
        )
        for number, route in enumerate(routes)
    ]
    yield workload, servers
    for server in filter(lambda one: one.process, servers):
        server.process.kill()
        server.process.wait()


def until(servers, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "\n".join(server.said()[-4000:] for server in servers)
        time.sleep(0.05)


@contextlib.contextmanager
def a_client(server, certificates):
    """Somebody who is connected, over TLS, and says nothing."""
    trust = ssl.create_default_context(cafile=certificates / "tls/ca.crt")
    with socket.create_connection(("127.0.0.1", server.client), timeout=20) as plain:
        assert b'"tls_required":true' in plain.recv(65536)
        with trust.wrap_socket(plain, server_hostname="nats-0.nats") as client:
            client.sendall(b'CONNECT {"user":"nobody","pass":"none","verbose":false}\r\nPING\r\n')
            said = b""
            while b"PONG" not in said:
                said += client.recv(65536)
            yield client


@pytest.mark.parametrize("nats", ["dev", "production"], indirect=True)
def test_they_answer_the_probes_and_end_as_lame_ducks(nats, certificates):
    workload, servers = nats
    for server in servers:
        server.start()
    for word in ("startupProbe", "livenessProbe", "readinessProbe"):
        until(
            servers, lambda word=word: all(one.answers(path_of(workload, word)) for one in servers)
        )
    last = servers[-1]
    command = workload.containers[0]["lifecycle"]["preStop"]["exec"]["command"]
    with a_client(last, certificates):
        # As its container has it before its end; then comes SIGTERM, and it goes on all the same.
        subprocess.run(
            [SERVER, command[1], f"ldm={last.pid_file}"], check=True, capture_output=True
        )
        until(servers, lambda: "Entering lame duck mode" in last.said())
        begin = time.monotonic()
        last.process.send_signal(signal.SIGTERM)
        until(servers, lambda: last.process.poll() is not None, 50)
        assert 4 < time.monotonic() - begin < workload.pod["terminationGracePeriodSeconds"]
    assert all(one.process.poll() is None for one in servers[:-1])


@pytest.mark.parametrize("nats", ["production"], indirect=True)
def test_one_that_has_found_no_other_has_started_and_is_not_ready(nats):
    """Nobody restarts it, and nobody takes the next one away."""
    workload, servers = nats
    servers[0].start()
    for word in ("startupProbe", "livenessProbe"):
        until(servers, lambda word=word: servers[0].answers(path_of(workload, word)))
    assert not servers[0].answers(path_of(workload, "readinessProbe"))
    for server in servers[1:]:
        server.start()
    until(servers, lambda: all(one.answers(path_of(workload, "readinessProbe")) for one in servers))


@pytest.mark.parametrize("nats", ["production"], indirect=True)
def test_a_broken_configuration_is_noticed(nats):
    workload, servers = nats
    file = servers[0].folder / "nats.conf"
    file.write_text(file.read_text().replace("sync_interval: always", "sync_interval: often"))
    servers[0].start()
    assert servers[0].process.wait(timeout=20) != 0
    assert "sync_interval" in servers[0].said()
