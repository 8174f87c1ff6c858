"""The pipeline of .gitlab-ci.yml, executed: what is deployed is what was built and tested."""

import json
import shutil

import pytest

from support.callers import Request, ask

# Whichever test is first has to wait for the whole pipeline.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(5400)]

STAGES = ["commit", "build", "package-test", "acceptance", "staging", "production", "verify"]
NOT_IN_THE_SHORT_FORM = ["commit", "acceptance", "staging"]


async def test_a_commit_reaches_production(delivery, good, long, measured, http):
    expected = [stage for stage in STAGES if long or stage not in NOT_IN_THE_SHORT_FORM]
    assert [job.stage for job in good] == expected
    for job in good:
        measured(f"{job.stage}: {job.took_s:.0f} s ({job.name})")

    runs = delivery.runs("production")
    built = (delivery.clone.folder / "target" / "images" / "digests.env").read_text()
    assert dict(line.split("=", 1) for line in built.split()) == runs["images"]
    assert runs["revision"] == delivery.clone.head()
    here = {image for _service, image, _id in delivery.containers("production")}
    assert {image for image in here if "@" in image} == set(runs["images"].values())
    if long:
        assert delivery.runs("staging")["images"] == runs["images"]

    assert delivery.answers("production")
    outcome = await ask(http, delivery.url["production"], Request("stream"))
    assert outcome.end == "whole", outcome


def test_delivery_is_measured(delivery, good):
    [deployed] = delivery.record("production")
    assert deployed["outcome"] == "deployed"
    figures = json.loads((delivery.clone.folder / "target" / "delivery" / "metrics.json").read_text())
    assert figures["deployments"] == 1, figures


def test_what_was_not_scanned_says_so(good, long, delivery):
    [packages] = [job for job in good if job.name == "package-test"]
    scans = long and shutil.which("grype")
    images = len(delivery.runs("production")["images"])
    assert packages.text().count("not scanned") == (0 if scans else images), packages.text()
