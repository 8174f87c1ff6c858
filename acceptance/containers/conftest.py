"""A system of containers: each service in its image, shut as tightly as in production."""

import io
import json
import os
import ssl
import subprocess
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.container import PORTS, Container, docker, ends, image, settings

CATALOGUE = "/etc/chappe/models.toml"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# A server with certificates of our own, which a worker is told to trust or not.
HTTPS_HOST = "models.test"


@dataclass
class System:
    """What runs, and how to ask it."""

    services: dict = field(default_factory=dict)  # name → Container
    ready_after: dict = field(default_factory=dict)  # name → seconds
    key: str = ""

    def url(self, name, port):
        return self.services[name].url(port)


@pytest.fixture(scope="session")
def nats_image():
    """The server that all tests run, alone in an image; elsewhere than on Linux the official one."""
    program = os.environ["NATS_SERVER_BIN"]
    with open(program, "rb") as file:
        if file.read(4) != b"\x7fELF":
            yield "nats:2.15-alpine"
            return
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(program, "nats-server")
    tag = "chappe-nats:under-test"
    docker("import", "--change", 'ENTRYPOINT ["/nats-server"]', "-", tag, input=archive.getvalue())
    yield tag
    docker("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def network():
    name = f"under-test-{os.getpid()}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name)


@pytest.fixture(scope="session")
def host_address(network):
    """This machine, as containers of the network see it."""
    return docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)


@dataclass(frozen=True)
class Authority:
    """Who signed a server's certificate."""

    certificate: Path
    context: ssl.SSLContext


def authority(folder, name):
    """A new one, and the certificate and key that it gave HTTPS_HOST."""
    folder = folder / name
    folder.mkdir()

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", f"/CN={name}")
    openssl("req", *new, "-keyout", "key.pem", "-out", "request.pem", "-subj", f"/CN={HTTPS_HOST}")
    (folder / "names").write_text(f"subjectAltName=DNS:{HTTPS_HOST}\nextendedKeyUsage=serverAuth\n")
    openssl(
        *("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "2", "-extfile", "names", "-out", "certificate.pem"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return Authority(folder / "ca.pem", context)


class Model(BaseHTTPRequestHandler):
    """Says one word."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "message": {"role": "assistant", "content": "Safely."}, "finish_reason": "stop"}
        answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, _request, _client):
        """A caller who does not trust us breaks off: that is what is tested."""


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    return {name: authority(folder, name) for name in ("trusted", "untrusted")}


@pytest.fixture(scope="session")
def https_models(authorities, host_address):
    """Model servers that speak HTTPS, by who signed their certificate: their ports."""
    servers = {}
    for name, signed in authorities.items():
        server = QuietServer((host_address, 0), Model)
        server.socket = signed.context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers[name] = server
    yield {name: server.server_address[1] for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory, https_models):
    models = {"simulator": "http://model-simulator:8799/v1"}
    models |= {name: f"https://{HTTPS_HOST}:{port}/v1" for name, port in https_models.items()}
    file = tmp_path_factory.mktemp("catalogue") / "models.toml"
    file.write_text("".join(f'[[models]]\nname = "{name}"\n[[models.upstreams]]\nbase_url = "{url}"\n' for name, url in models.items()))
    file.chmod(0o644)
    return file


@pytest.fixture(scope="session")
def with_catalogue(catalogue):
    """What a container takes to read the catalogue."""
    return ["--volume", f"{catalogue}:{CATALOGUE}:ro", *settings({"MODELS_FILE": CATALOGUE})]


@pytest.fixture(scope="session")
def system(network, nats_image, with_catalogue, authorities, host_address):
    system = System()
    of_network = ["--network", network, *settings({"NATS_URL": "nats://nats:4222"})]
    configuration = Path(__file__).parents[2] / "nats.compose.conf"
    try:
        system.services["nats"] = Container(
            nats_image,
            *("--config", "/nats.conf"),
            hardened=(),
            options=["--network", network, "--network-alias", "nats", "--volume", f"{configuration}:/nats.conf:ro", "--volume", "/data", "--publish", "127.0.0.1::8222"],
        )
        system.services["nats"].ready_after(8222, "/healthz")
        status, _, errors = ends(image("gateway"), options=[*of_network, *with_catalogue, "--entrypoint", "/usr/local/bin/nats-init"])
        assert status == 0, errors
        status, output, errors = ends(image("chappe"), "keys", "create", "tests", "--on-behalf-of", "--json", options=of_network)
        assert status == 0, errors
        system.key = json.loads(output)["key"]
        trusted = authorities["trusted"].certificate
        own = {
            "model-simulator": settings({"SIMULATOR_LISTEN": "0.0.0.0:8799"}),
            "gateway": [*with_catalogue, *settings({"GATEWAY_AUTH": "keys", "GATEWAY_LISTEN": "0.0.0.0:8790", "GATEWAY_HEALTH_LISTEN": "0.0.0.0:8791"})],
            "llm-worker": [
                *(*with_catalogue, *settings({"LLM_WORKER_HEALTH_LISTEN": "0.0.0.0:8792"})),
                *("--volume", f"{trusted}:{CERTIFICATES}:ro", "--add-host", f"{HTTPS_HOST}:{host_address}"),
            ],
            "web": settings({"WEB_LISTEN": "0.0.0.0:8780", "WEB_HEALTH_LISTEN": "0.0.0.0:8793", "WEB_GATEWAY_URL": "http://gateway:8790", "WEB_API_KEY": system.key}),
        }
        for name, ports in PORTS.items():
            published = [word for port in sorted(set(ports)) for word in ("--publish", f"127.0.0.1::{port}")]
            options = [*of_network, "--network-alias", name, *published, *own[name]]
            system.services[name] = Container(image(name), options=options)
            system.ready_after[name] = system.services[name].ready_after(ports[1])
        yield system
    finally:
        for container in system.services.values():
            container.remove()
