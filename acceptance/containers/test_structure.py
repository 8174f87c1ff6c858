"""What is in the images, by `ci/container-test`; and that it refuses images that are not right."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.container import docker, image

CI = Path(__file__).parents[2] / "ci"
sys.path.insert(0, str(CI))

import images  # noqa: E402
import structure  # noqa: E402

pytestmark = pytest.mark.timeout(180)

IMAGES = ["gateway", "llm-worker", "web", "chappe", "model-simulator"]


def container_test(name, reference, *options, **variables):
    command = [sys.executable, CI / "container-test", *options, f"{name}={reference}"]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_what_its_file_says(name):
    status, said = container_test(name, image(name))

    assert status == 0, said


PROGRAM = "/usr/local/bin/web"
# What somebody might do to an image, and which tests notice it.
SABOTAGE = {
    "a shell": (
        f"COPY --from=sound {PROGRAM} /bin/sh",
        {"file: no shell", "file: no folder of the system's programs", "nothing else"},
    ),
    "a tool in a place of its own": (f"COPY --from=sound {PROGRAM} /opt/tool", {"nothing else"}),
    "the owner of the system": ("USER 0:0", {"metadata"}),
    "a program that its user could replace": (
        f"COPY --from=sound --chmod=0777 {PROGRAM} {PROGRAM}",
        {"file: the program"},
    ),
    "a program of its user": (
        f"COPY --from=sound --chown=65532:65532 {PROGRAM} {PROGRAM}",
        {"file: the program"},
    ),
    "no certificates": (
        f"COPY --from=sound --chmod=0644 {PROGRAM} /etc/ssl/certs/ca-certificates.crt",
        {"content: the certificates are certificates"},
    ),
    "a folder that its user could change": (
        "COPY --from=sound --chown=65532:65532 /etc/ssl/ /etc/ssl/",
        {"file: certificates of public authorities", "file: the folder of the certificates"},
    ),
    "another start": ('ENTRYPOINT ["/usr/local/bin/web", "--help"]', {"metadata"}),
    "no version": ('LABEL org.opencontainers.image.version="unknown"', {"metadata"}),
    "no source": ('LABEL org.opencontainers.image.source="unknown"', {"metadata"}),
    "no commits": ('LABEL chappe.commits=""', {"metadata"}),
    "unknown commits": ('LABEL chappe.commits="unknown"', {"metadata"}),
    "no label of its commit": ('LABEL org.opencontainers.image.revision=""', {"metadata"}),
}


@pytest.fixture
def tampered(tmp_path):
    """Makes an image of another one and a line of a Dockerfile."""
    tags = []

    def make(line):
        sound = image("web")
        tags.append(f"chappe-sabotage:{os.getpid()}-{len(tags)}")
        (tmp_path / "Dockerfile").write_text(f"FROM {sound} AS sound\nFROM {sound}\n{line}\n")
        docker("buildx", "build", "--load", "--provenance=false", "--tag", tags[-1], str(tmp_path))
        return tags[-1]

    yield make
    for tag in tags:
        docker("image", "rm", tag)


def failing(reference):
    """The tests of the chat's image that do not pass, commands apart."""
    tests = structure.load([CI / "containers" / f"{name}.yaml" for name in ("every", "web")])
    tests.commands.clear()
    read = images.saved(reference)
    results = [*structure.check(tests, read, run=None), structure.nothing_else(tests, read)]
    return {result.name for result in results if result.problems}


@pytest.mark.parametrize("what", SABOTAGE)
def test_what_is_done_to_an_image_is_noticed(what, tampered):
    line, noticed = SABOTAGE[what]

    assert failing(tampered(line)) == noticed


def test_an_image_with_a_shell_in_it_is_refused(tampered):
    status, said = container_test("web", tampered(f"COPY --from=sound {PROGRAM} /bin/sh"))

    assert status == 1, said
    assert "FAILED file: no shell: /bin/sh is there" in said
    assert "FAILED nothing else: /bin/sh is in the image and in no test" in said
    assert "refused: web" in said


def test_an_image_with_another_program_in_it_is_refused(tampered):
    line = f"COPY --from=sound --chmod=0755 /etc/ssl/certs/ca-certificates.crt {PROGRAM}"

    status, said = container_test("web", tampered(line))

    assert status == 1, said
    assert "FAILED command: it says its version" in said


def test_a_report_tells_every_test(tmp_path):
    status, said = container_test("gateway", image("gateway"), "--junit", str(tmp_path))

    assert status == 0, said
    suite = ElementTree.parse(tmp_path / "container-gateway.xml").getroot()
    assert suite.get("failures") == "0"
    assert int(suite.get("tests")) == len(suite.findall("testcase")) > 20


def fake_tool(folder, status, failure):
    """A container-structure-test that writes what it is told, and how it was called."""
    program = folder / "container-structure-test"
    program.write_text(
        f"""#!{sys.executable}
import sys
arguments = sys.argv[1:]
open({str(folder / "called")!r}, "w").write(" ".join(arguments))
report = arguments[arguments.index("--test-report") + 1]
open(report, "w").write("<testsuites><testsuite><testcase name='a'>{failure}</testcase></testsuite></testsuites>")
sys.exit({status})
"""
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(("status", "failure"), [(0, ""), (1, "<failure>no</failure>"), (1, "")])
def test_where_the_tool_is_it_runs_the_same_files_and_its_word_counts(tmp_path, status, failure):
    fake_tool(tmp_path, status, failure)

    ended, said = container_test("web", image("web"), PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    called = (tmp_path / "called").read_text()
    assert called.startswith(f"test --image {image('web')} --output junit")
    assert f"--config {CI}/containers/every.yaml --config {CI}/containers/web.yaml" in called
    assert ended == status, said
