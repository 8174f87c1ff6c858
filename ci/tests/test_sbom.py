"""`ci/sbom` as a program. cargo is a stand-in here that says what it has said once."""

import json
import os
import pathlib
import shutil
import subprocess

import elf_programs
import pytest

# What cargo and cargo-cyclonedx do for us, over a source whose folder they are told.
CARGO = """
import os, pathlib, sys
recorded = pathlib.Path({recorded!r})
if "metadata" in sys.argv:
    print((recorded / "tiny.metadata.json").read_text().replace("/source", os.getcwd()))
else:
    name = sys.argv[sys.argv.index("--override-filename") + 1]
    text = (recorded / "tiny.cyclonedx.json").read_text().replace("/source", os.getcwd())
    pathlib.Path(name + ".json").write_text(text)
"""


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Cargo.toml").write_text("")

    def git(*arguments):
        author = ["-c", "user.name=somebody", "-c", "user.email=somebody@localhost"]
        subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "--message", "a source")
    return folder


@pytest.fixture
def path(stand_in):
    recorded = str(pathlib.Path(__file__).parent / "recorded")
    stand_in("cargo", CARGO.format(recorded=recorded))
    folder = stand_in("cargo-cyclonedx", "")
    # Nothing else is on PATH.
    (folder / "git").symlink_to(shutil.which("git"))
    return [folder]


@pytest.fixture
def program(tmp_path, recorded):
    path = tmp_path / "tiny"
    path.write_bytes(elf_programs.auditable(recorded("tiny.embedded.json")))
    return path


def test_both_lists_are_written_and_the_source_stays_as_it_is(ci, source, path, program, tmp_path):
    out = tmp_path / "out"
    ended = ci("sbom", "--binary", program, "--source", source, "--out", out, path=path)

    assert ended.code == 0, ended.err
    assert "tiny: 4 crates, the same in the source and in the program" in ended.out
    cyclonedx = json.loads((out / "tiny.cdx.json").read_text())
    packages = json.loads((out / "tiny.spdx.json").read_text())["packages"]
    assert len(cyclonedx["components"]) == 4 and len(packages) == 5
    assert sorted(os.listdir(source)) == [".git", "Cargo.toml"]


def test_it_bears_the_time_that_it_is_told(ci, source, path, program, tmp_path):
    ci("sbom", "--binary", program, "--source", source, "--out", tmp_path, path=path,
       SOURCE_DATE_EPOCH="0")

    metadata = json.loads((tmp_path / "tiny.cdx.json").read_text())["metadata"]
    assert metadata["timestamp"] == "1970-01-01T00:00:00Z"


def test_a_program_of_other_crates_is_refused_and_nothing_written(
    ci, source, path, program, tmp_path, recorded
):
    other = recorded("tiny.embedded.json").replace('"2.8.3"', '"2.7.0"')
    program.write_bytes(elf_programs.auditable(other))
    out = tmp_path / "out"

    ended = ci("sbom", "--binary", program, "--source", source, "--out", out, path=path)

    assert ended.code == 1
    assert "in the program alone: memchr 2.7.0; in the source alone: memchr 2.8.3" in ended.err
    assert not out.exists()


def test_without_cargo_cyclonedx_it_says_how_to_have_it(ci, source, program, tmp_path):
    ended = ci("sbom", "--binary", program, "--source", source, "--out", tmp_path, path=[tmp_path])

    assert ended.code == 69
    assert "cargo install --locked cargo-cyclonedx" in ended.err


def test_an_image_is_read_without_running_it(ci, source, path, program, tmp_path, stand_in):
    # What docker answers: the folder of programs as a tar.
    stand_in("docker", f"""
import io, sys, tarfile
if sys.argv[1] == "create":
    print("0123456789ab")
elif sys.argv[1] == "cp":
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.add({str(program)!r}, "bin/tiny")
elif sys.argv[1] != "rm":
    sys.exit("docker: not asked for: " + " ".join(sys.argv))
""")
    ended = ci("sbom", "--image", "registry.example:5000/chappe/gateway:0.1.0", "--source", source,
               "--out", tmp_path, path=path)

    assert ended.code == 0, ended.err
    subject = json.loads((tmp_path / "gateway.cdx.json").read_text())["metadata"]["component"]
    assert (subject["type"], subject["name"]) == ("container", "gateway")
