"""The programs of `ci/`, run as the pipeline runs them, and what they call."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass

import oci
import pytest

from deployment.compose import FILES, Compose
from deployment.environment import Environment
from deployment.release import Release

CI = pathlib.Path(__file__).resolve().parent.parent
# Of others' settings none is to be heard here.
OURS = ("CHAPPE_", "COSIGN_", "GIT_", "KUBE", "OTEL_", "REGISTRY_", "SOURCE_DATE_EPOCH")
# Programs of others, and from which Debian suite they are fetched where they are missing.
SIGNING = {
    "cosign": "cosign/sid", "oras": "oras/sid", "docker-registry": "docker-registry/trixie",
}
PASSWORD = "of the tests"
DIGEST = "sha256:" + "ab" * 32
IMAGES = {
    f"CHAPPE_{name}_IMAGE": f"127.0.0.1:5000/chappe/{name.lower().replace('_', '-')}@{DIGEST}"
    for name in ("GATEWAY", "LLM_WORKER", "WEB", "TOOLS")
}
CATALOGUE = '[[models]]\nname = "one"\n\n[[models]]\nname = "two"\ncapabilities = ["embeddings"]\n'


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def recorded():
    """A file of what was recorded, or made in the shape of it."""
    return lambda name: (CI / "tests" / "recorded" / name).read_text()


@pytest.fixture
def ci():
    """Runs a program of `ci/`."""

    def run(name, *arguments, stdin="", path=None, **variables):
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(OURS)
        }
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", **variables}
        if path is not None:
            environment["PATH"] = os.pathsep.join(map(str, path))
        done = subprocess.run(
            [sys.executable, CI / name, *map(str, arguments)],
            input=stdin, capture_output=True, text=True, env=environment, timeout=50,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def stand_in(tmp_path):
    """Puts a program under a name into a folder of its own, for PATH."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()

    def make(name, text):
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return folder

    return make


def found(packages, folder):
    """A PATH with these programs; what is missing is fetched, where that is possible."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    fetched = cache / "chappe" / folder / "usr" / "bin"
    path = f"{os.environ['PATH']}{os.pathsep}{fetched}"
    missing = [name for name in packages if shutil.which(name, path=path) is None]
    if missing and pathlib.Path("/etc/debian_version").exists():
        fetch = CI.parent / ".ci" / "debian-programs"
        wanted = [packages[name] for name in missing]
        subprocess.run([fetch, fetched.parent.parent, *wanted], capture_output=True)
        missing = [name for name in packages if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    return path


@pytest.fixture(scope="session")
def kubectl():
    """The program: `KUBECTL_BIN`, one on PATH, or fetched for tests on Debian."""
    named = os.environ.get("KUBECTL_BIN")
    # The folder that the suite `manifests` has it in.
    return named or shutil.which("kubectl", path=found({"kubectl": "kubectl/sid"}, "manifests"))


@pytest.fixture(scope="session")
def programs():
    """Where cosign, oras and docker-registry are: on PATH, or fetched for tests on Debian."""
    return found(SIGNING, "debian").split(os.pathsep)


@pytest.fixture(scope="session")
def at(programs, tmp_path_factory):
    """The registry's address."""
    folder = tmp_path_factory.mktemp("registry")
    path = os.pathsep.join(programs)
    registry = oci.Registry(shutil.which("docker-registry", path=path), folder)
    registry.wait_until_it_answers()
    yield registry.address
    registry.stop()


@pytest.fixture
def push(programs, at, tmp_path):
    """Puts an image into the registry; its name by digest."""
    oras = shutil.which("oras", path=os.pathsep.join(programs))

    def push(content, repository="chappe/gateway", labels=None):
        folder = tmp_path / content.decode()
        digest = oci.layout(folder, content, labels)
        subprocess.run(
            [oras, "cp", "--no-tty", "--to-plain-http", "--from-oci-layout", f"{folder}:v1",
             f"{at}/{repository}:v1"],
            check=True, capture_output=True,
        )
        return f"{at}/{repository}@{digest}"

    return push


def make_key(programs, folder):
    cosign = shutil.which("cosign", path=os.pathsep.join(programs))
    subprocess.run(
        [cosign, "generate-key-pair"], cwd=folder, check=True, capture_output=True,
        env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
    )
    return {
        "COSIGN_KEY": str(folder / "cosign.key"),
        "COSIGN_PASSWORD": PASSWORD,
        "COSIGN_PUBLIC_KEY": str(folder / "cosign.pub"),
    }


@pytest.fixture(scope="session")
def key(programs, tmp_path_factory):
    return make_key(programs, tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="session")
def other_key(programs, tmp_path_factory):
    return make_key(programs, tmp_path_factory.mktemp("other-key"))


@pytest.fixture
def source(tmp_path):
    """What of a checkout is deployed."""
    folder = tmp_path / "source"
    (folder / "compose").mkdir(parents=True)
    for name in FILES:
        if name != "compose":
            (folder / name).write_text("old\n")
    (folder / "models.toml").write_text(CATALOGUE)
    return folder


@pytest.fixture
def environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAPPE_DEPLOYMENTS", str(tmp_path / "deployments"))
    return Environment.named("staging")


@pytest.fixture
def keep(environment, source):
    """Keeps a release of this name, of a revision of its own."""
    return lambda name: Release.keep(
        environment.releases, name, name.encode().hex().ljust(40, "0"), IMAGES, source,
        source / "models.toml", Compose("staging"),
    )


@pytest.fixture
def digests(tmp_path):
    def write(**changes):
        path = tmp_path / "digests.env"
        lines = {**IMAGES, "SOMETHING_ELSE": "x", **changes}
        path.write_text("".join(f"{key}={value}\n" for key, value in lines.items() if value))
        return path

    return write
