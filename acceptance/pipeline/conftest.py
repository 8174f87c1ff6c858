"""One project for all tests here: a clone, whose pipeline has brought a version to production."""

import os
from pathlib import Path

import pytest

from support.callers import client
from support.delivery import ENVIRONMENTS, PROGRAMS, Delivery

# How long a deployment is watched: in earnest longer, see .gitlab-ci.yml.
WATCHED_S = 3


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def long():
    """Whether all jobs of the pipeline are executed, with programs that were built for it."""
    return not os.environ.get("PIPELINE_PROGRAMS")


@pytest.fixture(scope="session")
def delivery():
    # As the engine and the programs that sign are found: before all others.
    found = [os.environ["PIPELINE_PATH"], os.environ["PATH"]]
    os.environ["PATH"] = os.pathsep.join(folder for folder in found if folder)
    logs = Path(os.environ["ACCEPTANCE_LOGS"])
    logs.mkdir(parents=True, exist_ok=True)
    delivery = Delivery(Path(os.environ["PIPELINE_FOLDER"]), logs)
    try:
        yield delivery
    finally:
        delivery.end()


@pytest.fixture(scope="session")
def programs(delivery, long, tmp_path_factory):
    """Where the programs of the images are."""
    if not long:
        return Path(os.environ["PIPELINE_PROGRAMS"])
    folder = tmp_path_factory.mktemp("programs")
    delivery.build(PROGRAMS, folder)
    return folder


@pytest.fixture(scope="session")
def pipeline(delivery, programs, long):
    """Executes the pipeline in the clone, or these jobs of it, and tells how long each took."""

    def run(name, *only, **variables):
        without = ["scan"] if long else ["scan", "sbom-cyclonedx", "sbom-spdx", "acceptance"]
        more = {"CHAPPE_WITHOUT": ",".join(without)} | ({} if long else {"CHAPPE_SBOM": "none"})
        # Programs that were built outside; the Dockerfile builds them, too, given half an hour.
        more |= {"CHAPPE_PROGRAMS": programs, "CHAPPE_SCAN": "optional"}
        more |= {"CHAPPE_WATCH_SECONDS": WATCHED_S, "CHAPPE_VERIFY_SECONDS": WATCHED_S}
        if commit_stage := os.environ.get("PIPELINE_COMMIT_STAGE"):
            more["CHAPPE_TEST_ONLY"] = commit_stage
        return delivery.gitlab.run(delivery.logs / f"{name}.log", only, **{**more, **variables})

    return run


@pytest.fixture(scope="session")
def good(delivery, pipeline, long):
    """The jobs that have brought what is in the clone to production. The short form leaves out
    those that test the source and the whole stack: other suites do. As there is then nothing between
    that a deployment waits for, it is started by itself."""
    parts = [()] if long else [("images", "package-test"), ("production", "verify")]
    jobs = []
    for number, part in enumerate(parts, 1):
        jobs += pipeline(f"good-{number}", *part)
        assert [job.name for job in jobs if not job.passed] == [], jobs[-1].text()[-4000:]
    return jobs


@pytest.fixture
def sabotage(delivery, good):
    """A commit that is bad; afterwards the clone is as it was."""
    yield delivery.clone
    delivery.clone.back()


@pytest.fixture
def nothing_is_deployed(delivery, good):
    """What runs goes on running, in all environments."""

    def seen():
        looks = (delivery.runs, delivery.containers, delivery.record)
        return {name: [look(name) for look in looks] for name in ENVIRONMENTS}

    before = seen()
    yield
    assert seen() == before


@pytest.fixture
async def http(delivery, good):
    async with client() as http:
        http.headers["authorization"] = f"Bearer {delivery.key('production')}"
        yield http
