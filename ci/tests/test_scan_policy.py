"""What the policy makes of findings."""

import datetime
import pathlib

import pytest
from delivery import grype, scan_policy
from delivery.ends import Unusable
from delivery.scan_policy import Exemption, Finding, Policy

TODAY = datetime.date(2026, 6, 15)
POLICY = pathlib.Path(__file__).parent.parent / "scan-policy.toml"


def finding(severity="high", fixed_in=("1.2.4",), name="CVE-2026-1", package="openssl"):
    return Finding(name, package, "1.2.3", severity, fixed_in, ("GHSA-1",))


def policy(*exemptions, fixable="low", unfixable="high", unknown="high"):
    return Policy(fixable, unfixable, unknown, 5, exemptions)


def exemption(name="CVE-2026-1", package="openssl", expires=TODAY):
    return Exemption(name, package, "never called", "maintainers", expires)


@pytest.mark.parametrize(
    ("severity", "fixed_in", "refused"),
    [
        ("negligible", ("1.2.4",), False),
        ("low", ("1.2.4",), True),
        ("critical", ("1.2.4",), True),
        ("medium", (), False),
        ("high", (), True),
        ("critical", (), True),
        # Nobody has graded it, or grype has a new word.
        ("unknown", (), True),
        ("apocalyptic", ("1.2.4",), True),
    ],
)
def test_the_threshold_depends_on_whether_there_is_a_fix(severity, fixed_in, refused):
    found = finding(severity, fixed_in)
    verdict = scan_policy.judge(policy(), [found], TODAY)

    assert verdict.good is not refused
    assert verdict.refused == ((found,) if refused else ())
    assert verdict.tolerated == (() if refused else (found,))


def test_what_nobody_has_graded_is_placed_by_the_policy():
    assert scan_policy.judge(policy(unknown="low"), [finding("unknown", ())], TODAY).good


def test_an_exemption_counts_up_to_its_last_day_and_then_fails_by_name():
    tomorrow = TODAY + datetime.timedelta(days=1)
    policy_now = policy(exemption(expires=TODAY))

    today = scan_policy.judge(policy_now, [finding()], TODAY)
    assert today.good and today.exempt == ((finding(), exemption()),)

    later = scan_policy.judge(policy_now, [finding()], tomorrow)
    assert later.refused == (finding(),) and later.expired == (exemption(),)
    # Also when nothing is found any more: the file is wrong.
    assert not scan_policy.judge(policy_now, [], tomorrow).good


@pytest.mark.parametrize(
    ("given", "covers"),
    [
        (exemption(), True),
        (exemption(name="GHSA-1"), True),
        (exemption(name="CVE-2026-2"), False),
        (exemption(package="openssl-sys"), False),
    ],
)
def test_an_exemption_is_for_one_vulnerability_of_one_package(given, covers):
    verdict = scan_policy.judge(policy(given), [finding()], TODAY)

    assert verdict.good is covers
    assert verdict.unused == (() if covers else (given,))


def test_an_unused_exemption_is_told_and_refuses_nothing():
    verdict = scan_policy.judge(policy(exemption()), [], TODAY)
    assert verdict.good and verdict.unused == (exemption(),)


def test_the_same_finding_in_two_images_is_one():
    verdict = scan_policy.judge(policy(), [finding(), finding()], TODAY)
    assert verdict.refused == (finding(),)


def test_our_own_policy_can_be_used_and_so_can_its_example():
    text = POLICY.read_text()
    assert scan_policy.parse(text, TODAY).exemptions == ()

    lines = text.splitlines()
    start = lines.index("# [[exemption]]")
    example = "\n".join([*lines[:start], *(line.removeprefix("# ") for line in lines[start:])])
    in_time = datetime.date(2026, 12, 1)
    assert [str(one) for one in scan_policy.parse(example, in_time).exemptions] == [
        "CVE-2026-0000 in name-of-the-crate",
    ]


GOOD = """
[refuse]
fixable = "low"
unfixable = "high"
unknown_counts_as = "high"
[database]
max_age_days = 5
[exemptions]
longest_days = 90
[[exemption]]
id = "CVE-1"
package = "a"
reason = "r"
owner = "o"
expires = 2026-07-01
"""


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('fixable = "low"\nun', 'fixable = "lowish"\nun', "refuse.fixable is one of"),
        ('unfixable = "high"\n', "", "refuse.unfixable is one of"),
        ("max_age_days = 5", "max_age_days = true", "database.max_age_days is a number of days"),
        ("longest_days = 90", "longest_days = 0", "exemptions.longest_days is a number of days"),
        ("[database]\nmax_age_days = 5\n", "", r"\[database\] is missing"),
        ('id = "CVE-1"', "", "exemption 1: id is missing"),
        ('package = "a"', "", "exemption 1: package is missing"),
        ('reason = "r"', 'reason = " "', "exemption 1: reason is missing"),
        ('owner = "o"', "", "exemption 1: owner is missing"),
        ("expires = 2026-07-01", 'expires = "2026-07-01"', "exemption 1: expires is a date"),
        ("expires = 2026-07-01", "", "exemption 1: expires is a date"),
        ("expires = 2026-07-01", "expires = 2027-07-01", "expires in more than 90 days"),
        ("expires =", 'severity = "low"\nexpires =', "exemption 1: severity is unknown"),
        ("[refuse]", "ignore = 1\n[refuse]", "ignore is unknown"),
        ("[[exemption]]", "[exemption]", r"each exemption begins with \[\[exemption\]\]"),
        ("[refuse]", "[refuse", "no TOML"),
    ],
)
def test_a_policy_that_is_not_understood_is_not_used(before, after, problem):
    assert len(scan_policy.parse(GOOD, TODAY).exemptions) == 1
    assert before in GOOD
    with pytest.raises(Unusable, match=problem):
        scan_policy.parse(GOOD.replace(before, after), TODAY)


def test_an_exemption_stands_there_once():
    twice = GOOD + GOOD[GOOD.index("[[exemption]]") :]
    with pytest.raises(Unusable, match="exemption 2: CVE-1 in a is there twice"):
        scan_policy.parse(twice, TODAY)


def test_a_report_is_read(recorded):
    report = grype.read("r", recorded("grype.json").replace("@BUILT@", "2026-06-14T00:00:00Z"))

    assert [str(one) for one in report.findings] == [
        "GHSA-aaaa-aaaa-aaaa (critical) in memchr 2.8.3, fixed in 2.8.4",
        "GHSA-bbbb-bbbb-bbbb (medium) in winnow 0.7.15, no fix",
    ]
    assert "CVE-2026-10001" in report.findings[0].names
    now = datetime.datetime(2026, 6, 19, tzinfo=datetime.UTC)
    assert report.stale(now, 5) is None
    assert "6 days ago" in report.stale(now + datetime.timedelta(days=1, hours=1), 5)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"matches"', '"matched"'),
        ('"grype"', '"another"'),
        ('"severity": "Medium"', '"severity": null'),
        ('"name": "winnow"', '"title": "winnow"'),
        ("@BUILT@", "yesterday"),
        ("}", ""),
    ],
)
def test_an_odd_report_is_not_half_read(recorded, before, after):
    text = recorded("grype.json")
    assert before in text
    with pytest.raises(Unusable, match="is no report of grype"):
        grype.read("r", text.replace(before, after))


def test_older_reports_say_elsewhere_how_old_their_database_is(recorded):
    text = recorded("grype.json").replace('"status": {', '"built": "2026-06-01T00:00:00Z", "x": {')
    assert grype.read("r", text).database_built.day == 1
    without = recorded("grype.json").replace('"built": "@BUILT@",', "")
    report = grype.read("r", without)
    assert "does not say how old" in report.stale(datetime.datetime.now(datetime.UTC), 5)
