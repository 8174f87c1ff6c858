"""`ci/lint-pipeline`: a good pipeline, and one for each way to be bad."""

import pathlib

import pytest
from delivery import pipeline, pipeline_rules
from delivery.ends import Unusable

GOOD = (pathlib.Path(__file__).parent / "good-pipeline.yml").read_text()
PROGRAMS = [
    "accept", "build-images", "deploy", "lint-pipeline", "rollback", "scan", "test",
    "verify-production",
]


@pytest.fixture
def repository(tmp_path):
    """Where the programs are that the good pipeline calls."""
    (tmp_path / "ci").mkdir()
    for name in PROGRAMS:
        (tmp_path / "ci" / name).write_text("#!/bin/sh\n")
        (tmp_path / "ci" / name).chmod(0o755)
    (tmp_path / "ci" / "not-executable").write_text("#!/bin/sh\n")
    return tmp_path


@pytest.fixture
def found(repository):
    """What is found in a pipeline, as `rule: where`."""

    def found(text):
        findings = pipeline_rules.findings(pipeline.load(text), repository)
        return {f"{finding.rule}: {finding.where}" for finding in findings}

    return found


def changed(before, after):
    assert GOOD.count(before) == 1, before
    return GOOD.replace(before, after)


def test_the_good_one_is_good(found):
    assert found(GOOD) == set()


STAGES = "  - staging\n  - production\n  - verify\n"
ON_MAIN = "    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n"
PRODUCTION = "  extends: .deploys\n  stage: production\n"
DEPLOY = "    - ci/deploy production digests.env\n"


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        # The stages.
        (STAGES, "  - production\n  - staging\n  - verify\n", "stages-in-order: stages"),
        (STAGES, STAGES + "  - later\n", "stages-in-order: stages"),
        ("test:\n  stage: commit\n", "test:\n", "stages-in-order: test"),
        ("  stage: build\n", "  stage: commit\n", "stages-in-order: build"),
        # One call of one program.
        (DEPLOY, DEPLOY + "    - ci/test\n", "one-script: production"),
        (DEPLOY, "    - ci/test && ci/deploy production\n", "one-script: production"),
        (DEPLOY, "    - ci/deploy production; true\n", "one-script: production"),
        (DEPLOY, "    - ci/deploy production || true\n", "one-script: production"),
        (DEPLOY, "    - ci/deploy $(cat digest)\n", "one-script: production"),
        (DEPLOY, "    - ci/deploy `cat digest`\n", "one-script: production"),
        (DEPLOY, "    - |\n      ci/deploy a\n      ci/deploy b\n", "one-script: production"),
        (DEPLOY, "    - docker compose up\n", "one-script: production"),
        (DEPLOY, "    - ci/../evil\n", "one-script: production"),
        (DEPLOY, "    - ci/no-such-program\n", "one-script: production"),
        (DEPLOY, "    - ci/not-executable\n", "one-script: production"),
        (PRODUCTION, PRODUCTION + "  before_script: [apt-get update]\n", "one-script: production"),
        (PRODUCTION, PRODUCTION + "  after_script: [echo]\n", "one-script: production"),
        ("  interruptible: true\n", "  interruptible: true\n  before_script: [x]\n",
         "one-script: test"),
        (DEPLOY, "    - ci/deploy\n  trigger: another\n", "one-script: production"),
        # Nobody is waited for.
        (PRODUCTION, PRODUCTION + "  when: manual\n", "no-manual-gate: production"),
        (PRODUCTION, PRODUCTION + "  when: delayed\n", "no-manual-gate: production"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      when: manual\n",
         "no-manual-gate: production"),
        (".deploys:\n", ".deploys:\n  when: manual\n", "no-manual-gate: staging"),
        ("  script: ci/build-images", "  when: manual\n  script: ci/build-images",
         "no-manual-gate: images"),
        ("      allow_failure: true\n", "", "rollback-blocks-nothing: rollback"),
        # Red is red.
        (PRODUCTION, PRODUCTION + "  allow_failure: true\n", "red-stops: production"),
        (PRODUCTION, PRODUCTION + "  allow_failure: {exit_codes: 3}\n", "red-stops: production"),
        ("  needs: [images]\n", "  needs: [images]\n  allow_failure: true\n", "red-stops: scan"),
        ("  needs: [verify]\n", "  needs: [verify]\n  allow_failure: true\n",
         "red-stops: rollback-when-red"),
        (PRODUCTION, PRODUCTION + "  when: always\n", "red-stops: production"),
        # Nothing overtakes.
        (PRODUCTION, PRODUCTION + "  needs: []\n", "no-shortcut: production"),
        (PRODUCTION, PRODUCTION + "  needs: [images, staging]\n", None),
        (PRODUCTION, PRODUCTION + "  needs: [acceptance]\n", "no-shortcut: production"),
        (PRODUCTION, PRODUCTION + "  needs: [{job: staging, optional: true}]\n",
         "no-shortcut: production"),
        ("  stage: acceptance\n", "  stage: acceptance\n  needs: [images]\n", None),
        ("  stage: staging\n", "  stage: staging\n  needs: [acceptance]\n", None),
        ("  stage: staging\n", "  stage: staging\n  needs: [scan]\n", "no-shortcut: staging"),
        # Images.
        ("image: rust:1.95-bookworm", "image: rust", "exact-images: test"),
        ("image: rust:1.95-bookworm", "image: rust:latest", "exact-images: test"),
        ("image: rust:1.95-bookworm", "image: rust:bookworm", "exact-images: test"),
        ("image: rust:1.95-bookworm", "image: registry:5000/rust", "exact-images: test"),
        ("image: rust:1.95-bookworm", "image: rust:$VERSION", "exact-images: test"),
        ("  image: rust:1.95-bookworm\n", "", "image-or-inherited: test"),
        ("docker:28.5-dind", "docker:dind", "exact-images: acceptance"),
        ("name: python:3.11@sha256:" + "0" * 64, "name: python", "exact-images: lint"),
        # Deployments.
        ("  environment:\n    name: production\n", "", "environment: production"),
        ("    name: production\n", "    name: staging\n", "environment: production"),
        ("  resource_group: production\n  script:\n" + DEPLOY, "  script:\n" + DEPLOY,
         "resource-group: production"),
        ("  resource_group: production\n  script:\n" + DEPLOY,
         "  resource_group: other\n  script:\n" + DEPLOY, "resource-group: production"),
        (".deploys:\n  interruptible: false\n", ".deploys:\n", "not-interruptible: production"),
        (PRODUCTION, PRODUCTION + "  interruptible: true\n", "not-interruptible: production"),
        ("    - ci/accept digests.env\n", "    - ci/deploy here\n", "environment: acceptance"),
        # Every commit of main.
        (PRODUCTION, PRODUCTION + "  rules:\n    - if: $DEPLOY == \"yes\"\n",
         "reaches-main: production"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      when: never\n",
         "reaches-main: production"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      changes: [web/**]\n",
         "reaches-main: production"),
        (PRODUCTION, PRODUCTION + "  only: [tags]\n", "reaches-main: production"),
        (PRODUCTION, PRODUCTION + "  when: on_failure\n", "reaches-main: production"),
        # What takes away what a stage is for.
        (PRODUCTION, PRODUCTION + "  variables: {CHAPPE_WITHOUT: scan}\n", "no-switches: production"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      variables: {BASH_ENV: x}\n",
         "no-switches: production"),
        ("workflow:\n", "variables: {CHAPPE_SCAN: optional}\nworkflow:\n", "no-switches: variables"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      needs: []\n",
         "no-rule-of-its-own: production"),
        (PRODUCTION, PRODUCTION + "  rules:\n" + ON_MAIN + "      interruptible: true\n",
         "no-rule-of-its-own: production"),
        # Only what was accepted is deployed, and only main.
        ("    - ci/accept digests.env\n", "    - ci/deploy here\n", "deploys-where-it-may: acceptance"),
        ("    - ci/accept digests.env\n", "    - ci/scan ci/deploy here\n",
         "deploys-where-it-may: acceptance"),
        ("    - ci/rollback production\n\n", "    - ci/deploy production --digests mine\n\n",
         "rollback-only-rolls-back: rollback-when-red"),
        (ON_MAIN + "      when: manual\n",
         "    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n      when: manual\n",
         "rollback-only-rolls-back: rollback"),
        # What is elsewhere.
        ("workflow:\n", "include: other.yml\nworkflow:\n", "nothing-from-elsewhere: include"),
        (DEPLOY, "    - !reference [test, script]\n", "nothing-from-elsewhere: !reference"),
    ],
)
def test_each_rule_is_named_when_it_is_broken(found, before, after, finding):
    findings = found(changed(before, after))
    if finding is None:
        assert findings == set()
    else:
        assert finding in findings


def test_the_rollback_may_be_manual_in_the_old_way_too(found):
    in_rules = "  rules:\n" + ON_MAIN + "      when: manual\n      allow_failure: true\n"
    assert found(changed(in_rules, "  when: manual\n")) == set()
    blocking = found(changed(in_rules, "  when: manual\n  allow_failure: false\n"))
    assert blocking == {"rollback-blocks-nothing: rollback"}


def test_whoever_calls_themselves_rollback_deploys(found):
    # Not everything is allowed under that name.
    head = "rollback:\n  stage: verify\n"
    text = changed(head + "  interruptible: false\n", head)
    assert found(text) == {"not-interruptible: rollback"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("a: [", "no YAML"),
        (GOOD + "\ntest:\n  script: [ci/test]\n", "has test twice"),
        (GOOD.replace("extends: .deploys", "extends: .nowhere"), "extends `.nowhere`, which is"),
        (GOOD.replace(".deploys:\n", ".deploys:\n  extends: .deploys\n"), "extends itself"),
        (GOOD + "\nodd: 1\n", "the job `odd` is no map"),
    ],
)
def test_what_cannot_be_read_is_refused(text, problem):
    with pytest.raises(Unusable, match=problem):
        pipeline.load(text)


def test_what_is_extended_is_merged_as_gitlab_does():
    read = pipeline.load("""
default: {image: "a:1", interruptible: true}
.base: {variables: {A: "1", B: "1"}, script: [one, two], image: "b:1"}
.more: {extends: .base, variables: {B: "2"}}
job: {extends: .more, variables: {C: "3"}, script: [three]}
plain: {script: [four], inherit: {default: [interruptible]}}
""")
    job = read.jobs["job"].keys
    assert job["variables"] == {"A": "1", "B": "2", "C": "3"}
    assert (job["script"], job["image"], job["interruptible"]) == (["three"], "b:1", True)
    assert "image" not in read.jobs["plain"].keys
    assert sorted(read.jobs) == ["job", "plain"]


def test_the_rules_are_in_the_readme():
    readme = (pathlib.Path(__file__).parent.parent / "README.md").read_text()
    names = [rule.__name__.replace("_", "-") for rule in pipeline_rules.JOB_RULES]
    for name in [*names, "no-shortcut", "nothing-from-elsewhere"]:
        assert f"| `{name}` |" in readme


def test_it_is_a_program(ci, repository, tmp_path):
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(GOOD)
    bad.write_text(changed(PRODUCTION, PRODUCTION + "  when: manual\n"))

    ended = ci("lint-pipeline", good, "--repository", repository)
    assert (ended.code, ended.out) == (0, "good.yml: 10 jobs keep the rules\n"), ended.err
    ended = ci("lint-pipeline", bad, "--repository", repository)
    assert ended.code == 1
    assert ended.out == "no-manual-gate: production: waits for a person\n"
    assert ci("lint-pipeline", tmp_path / "none.yml").code == 78
