"""A commit that is bad, and the stage that stops it. Nothing comes after that stage, and what runs
goes on running."""

import re

import pytest

# Whichever test is first has to wait for a pipeline that is good.
pytestmark = pytest.mark.timeout(5400)

AFTER_COMMIT = ["images", "package-test", "acceptance", "staging", "production", "verify"]


def stopped_at(jobs, stage):
    """The job that has failed, after which none was started."""
    *before, last = jobs
    assert [job.name for job in before if not job.passed] == []
    assert (last.stage, last.passed) == (stage, False), last.text()[-4000:]
    return last


def took_s(jobs):
    return sum(job.took_s for job in jobs)


@pytest.mark.long
def test_a_unit_test_fails(sabotage, pipeline, nothing_is_deployed, measured):
    test = "crates/contract/src/permissions/pattern.rs"
    sabotage.change(test, '("a.b", "a.c", false)', '("a.b", "a.c", true)')
    sabotage.commit("A unit test that fails")
    # Of the commit stage the one suite that has to see it.
    jobs = pipeline("unit-test", CHAPPE_TEST_ONLY="unit")
    job = stopped_at(jobs, "commit")
    assert "a_pattern_covers_what_it_matches_and_no_more ... FAILED" in job.text()
    measured(f"stopped after {job.took_s:.0f} s")


def test_an_image_has_a_shell(sabotage, pipeline, nothing_is_deployed, measured):
    # BusyBox is in an image that is at hand.
    [nats] = re.findall(r"image: (nats:\S+)", (sabotage.folder / "compose.yaml").read_text())
    stage = "FROM runtime AS web\n"
    sabotage.change("Dockerfile", stage, f"{stage}COPY --from={nats} /bin/busybox /bin/sh\n")
    sabotage.commit("A shell, to look around")
    jobs = pipeline("shell", *AFTER_COMMIT)
    job = stopped_at(jobs, "package-test")
    assert "/bin/sh" in job.text() and "refused: web" in job.text()
    measured(f"stopped {took_s(jobs):.0f} s after the build began")


@pytest.mark.long
def test_an_acceptance_test_fails(sabotage, pipeline, nothing_is_deployed, measured):
    # Each image is as it should be; the stack lacks a model that callers ask for.
    catalogue = "compose/models.simulator.toml"
    sabotage.change(catalogue, 'name = "simulator-embeddings"', 'name = "simulator-embedding"')
    sabotage.commit("A model that nobody finds under its name")
    jobs = pipeline("acceptance-test", *AFTER_COMMIT)
    job = stopped_at(jobs, "acceptance")
    assert "test_embeddings.py" in job.text()
    measured(f"stopped {took_s(jobs):.0f} s after the build began")
