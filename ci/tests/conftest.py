"""The programs of `ci/`, run as the pipeline runs them, and what they call."""

import os
import pathlib
import stat
import subprocess
import sys
from dataclasses import dataclass

import pytest

CI = pathlib.Path(__file__).resolve().parent.parent
# Of others' settings none is to be heard here.
OURS = ("COSIGN_", "OTEL_", "REGISTRY_", "SOURCE_DATE_EPOCH", "GIT_")


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
