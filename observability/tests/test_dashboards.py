"""The dashboards: as built, and each panel says what it shows and where to go from it."""

import re
from urllib.parse import unquote

import build
import pytest
import slo

from stack import OBSERVABILITY, boards, queried, read_yaml, rules

BOARDS = {"overview", "queue-and-workers", "models-and-tokens", "nats", "delivery", "runbooks"}


def test_they_are_as_built():
    assert build.differing() == [], "run observability/dashboards/build.py"
    assert slo.OUT.read_text() == slo.written(), "run observability/alerts/slo.py"


def test_a_file_that_was_changed_by_hand_is_noticed(tmp_path, monkeypatch):
    for file in (OBSERVABILITY / "dashboards").glob("*.json"):
        (tmp_path / file.name).write_text(file.read_text())
    monkeypatch.setattr(build, "HERE", tmp_path)
    assert build.differing() == []
    (tmp_path / "nats.json").write_text("{}\n")
    (tmp_path / "other.json").write_text("{}\n")
    assert build.differing() == ["nats.json", "other.json"]


def test_they_are_these_with_at_least_thirty_panels():
    assert set(boards()) == BOARDS
    assert len(queried()) >= 30


@pytest.mark.parametrize(
    ("name", "panel"), queried(), ids=[f"{name}: {panel['title']}" for name, panel in queried()]
)
def test_a_panel_says_what_it_shows(name, panel):
    assert len(panel["description"]) > 10
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"] and all(target["expr"] for target in panel["targets"])
    assert panel["links"], "a drill-down or a runbook"
    for link in panel["links"]:
        assert link["title"] and _leads_somewhere(link["url"]), link


def _leads_somewhere(url):
    if url.startswith("/explore?"):
        panes = unquote(url.split("panes=", maxsplit=1)[1])
        sources = {one["uid"] for one in read_yaml(SOURCES)["datasources"]}
        return set(re.findall(r'"uid":"(\w+)"', panes)) <= sources
    board = re.match(r"/d/chappe-([\w-]+)", url)
    if not board or board[1] not in BOARDS:
        return False
    shown = re.search(r"viewPanel=(\d+)", url)
    return not shown or int(shown[1]) in {one["id"] for one in boards()[board[1]]["panels"]}


SOURCES = "grafana/provisioning/datasources/chappe.yaml"


def test_a_link_to_nowhere_is_noticed():
    assert _leads_somewhere("/d/chappe-nats?x=1")
    assert not _leads_somewhere("/d/chappe-other")
    assert not _leads_somewhere("/d/chappe-runbooks?viewPanel=1")
    assert not _leads_somewhere('/explore?panes={"uid":"nothing"}')


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_names_and_numbers_are_its_own(name):
    board = boards()[name]
    numbers = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    assert len(titles) == len(set(titles))
    assert board["editable"] is False
    for panel in board["panels"]:
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(references) == len(set(references))


def test_boards_are_told_apart_and_have_the_same_variables():
    found = boards().values()
    assert len({board["uid"] for board in found}) == len(BOARDS)
    for board in found:
        names = [one["name"] for one in board["templating"]["list"]]
        assert names == ["env", "service", "model", "version"], board["uid"]


def test_panels_do_not_lie_on_each_other():
    for name, board in boards().items():
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert place["x"] + place["w"] <= 24, f"{name}: {panel['title']}"
            assert not cells & taken, f"{name}: {panel['title']}"
            taken |= cells


def test_what_may_have_no_data_is_a_panel_or_a_rule_and_few_are_ours():
    panels = set()
    for name, panel in queried():
        several = len(panel["targets"]) > 1
        for target in panel["targets"]:
            panels.add(f"{name}: {panel['title']}" + (f" {target['refId']}" if several else ""))
    there = panels | {f"alert: {rule['alert']}" for rule in rules() if "alert" in rule}
    excused = read_yaml("no-data.yaml")["queries"]
    assert {one["of"] for one in excused} <= there
    assert len({one["of"] for one in excused}) == len(excused)
    assert all(len(one["reason"]) > 20 for one in excused)
    assert len([one for one in excused if "fed_by" not in one]) <= 5
    assert {one.get("fed_by") for one in excused} <= {None, "pipeline", "collector"}
