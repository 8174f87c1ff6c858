"""What `k8s/secrets` writes is what pods mount."""

import base64
import os
import subprocess

import pytest
import yaml

from bundle import K8S
from policy.configuration import makes

SEED = "SU" + 56 * "A"


@pytest.fixture(scope="session")
def credentials(tmp_path_factory):
    """As `nats-init credentials --apart` leaves them."""
    folder = tmp_path_factory.mktemp("credentials")
    for service in ("gateway", "llm-worker", "nats-init", "operator"):
        (folder / service).mkdir()
        (folder / service / f"{service}.nk").write_text(SEED)
    (folder / "server").mkdir()
    (folder / "server/nats-users.conf").write_text("authorization { users: [] }\n")
    (folder / "web.key").write_text("key of the page")
    (folder / "models.env").write_text("MODELS_KEY=of a model\nOTHER_KEY=of another\n")
    return folder


def secrets(*arguments, fails=False):
    said = subprocess.run(
        [K8S / "secrets", *arguments], capture_output=True, text=True, check=False, env=os.environ
    )
    assert (said.returncode != 0) is fails, said.stderr
    return said


@pytest.fixture(scope="session")
def made(credentials):
    said = secrets(
        "--credentials",
        credentials,
        "--web-key",
        credentials / "web.key",
        "--model-keys",
        credentials / "models.env",
    )
    return {
        (one["kind"], one["metadata"]["name"]): one
        for one in yaml.safe_load_all(said.stdout)
        if one
    }


def test_it_makes_what_it_says(made):
    keys = {name: set(one["data"]) for name, one in made.items()}
    models = keys.pop(("Secret", "model-keys"))
    assert models == {"MODELS_KEY", "OTHER_KEY"}
    assert keys == {name: of for name, of in makes().items() if name != ("Secret", "model-keys")}


def test_pods_find_the_files_that_they_name(made, bundle):
    """Each variable that names a file below a mounted secret names one that is in it."""
    found = 0
    for workload, container in bundle.containers:
        volumes = {one["name"]: one for one in workload.pod.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            volume = volumes.get(mount["name"], {})
            name = ("Secret", volume.get("secret", {}).get("secretName"))
            name = name if name in made else ("ConfigMap", volume.get("configMap", {}).get("name"))
            if name not in made:
                continue
            texts = [bundle.nats_config] if workload.name == "nats" else []
            texts += [value for value in bundle.environment(container).values() if value]
            for key in made[name]["data"]:
                path = f"{mount['mountPath']}/{key}".removeprefix("/etc/nats/users/")
                used = any(path in text for text in texts)
                assert used or key == "ca.crt" and not bundle.is_for_a_cluster, (
                    f"{workload}: {path}"
                )
                found += 1
    assert found > 8


def test_a_servers_certificate_names_every_server(made, credentials):
    certificate = credentials / "tls/tls.crt"
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-text", "-in", certificate],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in ("nats-0.nats", "nats-1.nats", "nats-2.nats", "localhost"):
        assert f"DNS:{name}" in said
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in said
    of_clients = made["ConfigMap", "nats-ca"]["data"]["ca.crt"]
    assert of_clients == (credentials / "tls/ca.crt").read_text()
    assert "PRIVATE" not in of_clients
    assert base64.b64decode(made["Secret", "nats-tls"]["data"]["ca.crt"]).decode() == of_clients


def test_a_certificate_that_is_there_is_kept(credentials, made):
    before = (credentials / "tls/tls.crt").read_text()
    secrets("--credentials", credentials)
    assert (credentials / "tls/tls.crt").read_text() == before


def test_what_is_left_out_is_not_made(credentials):
    said = secrets("--credentials", credentials).stdout
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(said) if one]
    assert not {"web-key", "model-keys"} & set(names)


def test_it_says_what_it_wants(tmp_path):
    assert "--credentials" in secrets(fails=True).stderr
    assert "what is --password" in secrets("--password", "x", fails=True).stderr
    assert "gateway.nk" in secrets("--credentials", tmp_path, fails=True).stderr
    assert "nkey-gateway" in secrets("--help").stdout


@pytest.mark.parametrize("missing", ["--credentials", "--web-key", "--model-keys"])
def test_half_of_it_is_never_written(credentials, tmp_path, missing):
    """Whoever reads the pipe would apply it."""
    given = {"--credentials": credentials} | {missing: tmp_path / "nowhere"}
    said = secrets(*(word for pair in given.items() for word in pair), fails=True)
    assert said.stdout == ""
    assert str(tmp_path / "nowhere") in said.stderr
    assert list(tmp_path.iterdir()) == []
