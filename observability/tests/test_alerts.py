"""Alerts: each with a runbook and tests of both cases, which promtool runs."""

import re

import pytest
import yaml

from stack import OBSERVABILITY, alerts, boards, promtool, rule_files

SEVERITIES = {"page", "ticket", "heartbeat"}
# What never is silent.
ALWAYS = {"Watchdog"}
WANTED = {
    "AcceptBurn", "AnswerBurn", "TtftBurn", "JobLost", "QueueGrowing", "WorkersPinned", "Redeliveries",
    "DeadLetters", "NoConsumer", "NatsSlowConsumer", "NatsUnhealthy", "StreamNearLimit", "ModelDown",
    "ModelSlow", "StreamStalls", "CostSpike", "CardinalityOverflow", "TelemetryDrop",
    "CanaryVerdictMissing", "MainRed", "BranchOld", "CveNew", "CertSoon", "Watchdog",
}
TESTS = sorted((OBSERVABILITY / "alerts" / "tests").glob("*_test.yaml"))
PARTS = ["Meaning", "First look", "Likely causes", "Fix"]


def slug(alert):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def names():
    return sorted({one["alert"] for one in alerts()})


def test_those_that_are_wanted_are_there():
    assert WANTED - set(names()) == set()


def test_the_rules_are_sound():
    code, said = promtool("check", "rules", *rule_files())
    assert code == 0, said


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_they_fire_and_are_silent(file):
    code, said = promtool("test", "rules", file)
    assert code == 0, said


def test_each_rule_file_has_its_tests():
    assert {file.stem.removesuffix("_test") for file in TESTS} == {
        file.stem for file in rule_files()
    }


@pytest.mark.parametrize("name", names())
def test_each_is_tested_when_it_fires_and_when_it_is_silent(name):
    found = [
        bool(check["exp_alerts"])
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for check in test["alert_rule_test"]
        if check["alertname"] == name
    ]
    assert True in found, "a case in which it fires"
    assert False in found or name in ALWAYS, "a case in which it is silent"


@pytest.mark.parametrize("alert", alerts(), ids=lambda one: f"{one['alert']} {one['labels']}")
def test_each_says_what_to_do(alert):
    said = alert["annotations"]
    assert alert["labels"]["severity"] in SEVERITIES
    assert set(said) == {"summary", "description", "runbook_url", "dashboard"}
    assert len(said["summary"]) < 90
    assert said["runbook_url"] == f"runbooks/{slug(alert['alert'])}.md"
    assert said["dashboard"] in {f"/d/{board['uid']}" for board in boards().values()}


def test_each_runbook_is_of_an_alert_and_the_reverse():
    there = {page.stem for page in (OBSERVABILITY / "runbooks").glob("*.md")}
    assert there == {slug(name) for name in names()}


@pytest.mark.parametrize("name", names())
def test_a_runbook_has_its_parts(name):
    text = (OBSERVABILITY / "runbooks" / f"{slug(name)}.md").read_text()
    assert text.startswith(f"# {name}\n")
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == PARTS
    assert all(len(part.strip()) > 60 for part in parts[1::2])


def test_a_runbook_leads_to_what_there_is():
    for page in (OBSERVABILITY / "runbooks").glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_a_rule_that_never_fires_is_noticed_by_its_test(tmp_path):
    """That the tests above can fail."""
    text = (OBSERVABILITY / "alerts" / "work.yaml").read_text()
    broken = text.replace("app_worker_free_slots", "app_no_slots")
    assert broken != text
    (tmp_path / "tests").mkdir()
    (tmp_path / "work.yaml").write_text(broken)
    test = (OBSERVABILITY / "alerts" / "tests" / "work_test.yaml").read_text()
    (tmp_path / "tests" / "work_test.yaml").write_text(test)
    code, said = promtool("test", "rules", tmp_path / "tests" / "work_test.yaml")
    assert code != 0 and "WorkersPinned" in said
