"""`ci/scan` as a program: good, refused, and not scanned are three things."""

import datetime
import json

import pytest

SBOM = {"bomFormat": "CycloneDX", "components": [{"name": "memchr"}]}


@pytest.fixture
def sbom(tmp_path):
    path = tmp_path / "tiny.cdx.json"
    path.write_text(json.dumps(SBOM))
    return path


@pytest.fixture
def report(tmp_path, recorded):
    def make(severity="Critical", age_days=0):
        built = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=age_days)
        text = recorded("grype.json").replace("@BUILT@", built.isoformat())
        path = tmp_path / "grype.json"
        path.write_text(text.replace('"Critical"', f'"{severity}"'))
        return path

    return make


@pytest.fixture
def grype(stand_in):
    """A stand-in that checks how it is called and gives a report."""

    def make(report):
        return stand_in("grype", f"""
import pathlib, sys
target, *rest = sys.argv[1:]
assert rest == ["--output", "json", "--quiet"], rest
assert pathlib.Path(target.removeprefix("sbom:")).is_file(), target
print(pathlib.Path({str(report)!r}).read_text())
""")

    return make


@pytest.fixture
def verdict(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "scan.json").read_text())


def test_a_vulnerability_is_refused_by_name(ci, sbom, report, grype, tmp_path, verdict):
    path = [grype(report())]
    ended = ci("scan", "--sbom", sbom, "--out", tmp_path / "out", path=path)

    assert ended.code == 1
    assert "REFUSED    GHSA-aaaa-aaaa-aaaa (critical) in memchr 2.8.3, fixed in 2.8.4" in ended.out
    assert "tolerated  GHSA-bbbb-bbbb-bbbb" in ended.out
    assert verdict()["scanned"] is True and verdict()["good"] is False
    assert json.loads((tmp_path / "out" / "tiny.grype.json").read_text())["matches"]


def test_what_has_nothing_grave_is_good(ci, sbom, report, grype, tmp_path, verdict):
    path = [grype(report("Negligible"))]
    ended = ci("scan", "--sbom", sbom, "--out", tmp_path / "out", "--release", path=path)

    assert ended.code == 0, ended.err
    assert "scanned: nothing refused, 0 exempt, 2 tolerated" in ended.out
    assert verdict()["good"] is True


def test_a_report_from_elsewhere_is_judged_the_same(ci, report):
    assert ci("scan", "--report", report()).code == 1
    assert ci("scan", "--report", report("Negligible")).code == 0


def test_an_exemption_lets_through_and_is_told(ci, report, tmp_path):
    expires = datetime.date.today() + datetime.timedelta(days=30)
    policy = tmp_path / "policy.toml"
    policy.write_text(f"""
[refuse]
fixable = "low"
unfixable = "high"
unknown_counts_as = "high"
[database]
max_age_days = 5
[exemptions]
longest_days = 90
[[exemption]]
id = "CVE-2026-10001"
package = "memchr"
reason = "not reached"
owner = "maintainers"
expires = {expires}
[[exemption]]
id = "CVE-2026-10002"
package = "memchr"
reason = "not there"
owner = "maintainers"
expires = {expires}
""")
    ended = ci("scan", "--report", report(), "--policy", policy)

    assert ended.code == 0
    assert "not reached (maintainers" in ended.out
    assert "warning: nothing needs the exemption of CVE-2026-10002 in memchr" in ended.err


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize("why", ["no grype", "a grype that fails", "nothing", "empty", "stale"])
def test_not_scanned_is_neither_good_nor_refused_and_is_no_release(
    ci, sbom, report, grype, stand_in, tmp_path, verdict, why, release
):
    path, arguments, reason = [tmp_path], ["--sbom", sbom], "there is no `grype` on PATH"
    if why == "a grype that fails":
        path = [stand_in("grype", 'import sys; sys.exit("no database, and no network")')]
        reason = "no database, and no network"
    elif why == "nothing":
        arguments, reason = [], "neither --sbom nor --report"
    elif why == "empty":
        path = [grype(report())]
        sbom.write_text(json.dumps({**SBOM, "components": []}))
        reason = "lists no component"
    elif why == "stale":
        arguments, reason = ["--report", report("Negligible", age_days=6)], "6 days ago"
    arguments += ["--out", tmp_path / "out", *(["--release"] if release else [])]

    ended = ci("scan", *arguments, path=path)

    assert ended.code == (1 if release else 3)
    assert "not scanned" in ended.err and reason in ended.err
    assert verdict()["scanned"] is False and reason in verdict()["why"]
    assert "good" not in verdict()


def test_what_is_no_sbom_cannot_be_used(ci, sbom, report, grype):
    sbom.write_text("{}")
    assert ci("scan", "--sbom", sbom, path=[grype(report())]).code == 78
    assert ci("scan", "--report", sbom).code == 78
