"""`ci/restore` looks at what it was given before it removes anything."""

import os
import pathlib
import subprocess
import tarfile

import pytest

CI = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path):
    """As ci/backup writes it."""
    folder = tmp_path / "jetstream"
    folder.mkdir()
    (folder / "1.blk").write_bytes(b"x" * 100_000)
    path = tmp_path / "copy.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(folder, "./jetstream/")
    return path


@pytest.fixture
def restore(stand_in, tmp_path):
    """Runs it with a `docker` that writes down what it is asked and does nothing."""
    asked = tmp_path / "asked"
    folder = stand_in(
        "docker",
        f"""import sys
open({str(asked)!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1:] == ["compose", "config", "--images"]:
    print("registry.example/chappe/gateway:none")
sys.exit(1 if sys.argv[1] in ("image", "pull") else 0)
""",
    )

    def run(file):
        environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
        said = subprocess.run(
            [CI / "restore", file], capture_output=True, text=True, env=environment, timeout=50
        )
        lines = asked.read_text().splitlines() if asked.exists() else []
        return said.returncode, said.stderr, [line for line in lines if "down" in line or "rm" in line]

    return run


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_a_copy_that_was_cut_off_is_refused(copy, restore, kept):
    whole = copy.read_bytes()
    copy.write_bytes(whole[: int(len(whole) * kept)])
    code, said, removed = restore(copy)
    assert (code, removed) == (1, []), said
    assert "copy.tar" in said


def test_nothing_is_removed_where_an_image_is_missing(copy, restore):
    code, said, removed = restore(copy)
    assert (code, removed) == (1, []), said
    assert "no image registry.example/chappe/gateway:none; nothing was changed" in said


def test_a_file_that_is_not_there_is_told(tmp_path, restore):
    code, said, _ = restore(tmp_path / "nowhere.tar")
    assert code == 1 and "there is no file" in said
