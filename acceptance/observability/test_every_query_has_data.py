"""On an everyday each panel shows something, and each rule looks at something that there is."""

import math

import pytest

from support.queries import Query, no_data, panels, rule_queries, selectors

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(150)]

# Of those that could have data here; what only the pipeline or the collector tells is not counted.
MOST_WITHOUT = 5
ELSEWHERE = ("pipeline", "collector")


async def test_every_panel_and_every_rule_has_data(everyday_seen, tells):
    # Of a panel also each metric in it: what is added up may hide that one of them is not there.
    parts = [Query(panel.of, part) for panel in panels() for part in selectors(panel.expression)]
    queries = [*panels(), *parts, *rule_queries()]
    assert parts and rule_queries(), "there are panels and rules"
    excepted = excuses()
    empty, used = [], set()
    for query in queries:
        series = await everyday_seen.during(query.expression)
        values = [value for _labels, points in series for _at, value in points]
        if any(not math.isnan(value) for value in values):
            continue
        if query.of in excepted:
            used.add(query.of)
            continue
        why = "only NaN" if values else "nothing"
        empty.append(f"{query.of}: {why} of {query.expression}")
    day = everyday_seen.day
    took = f"{day.requests} requests in {day.ended - day.began:.0f} s"
    tells(f"{len(queries)} queries, {len(used)} without data and excused; {took}")
    assert not empty, "\n" + "\n".join(empty)
    # An excuse that nobody needs hides what breaks later.
    of_queries = {query.of for query in queries}
    strange = sorted(set(excepted) - of_queries)
    assert not strange, f"no-data.yaml names what there is not: {strange}"
    needless = sorted(set(excepted) - used)
    assert not needless, f"no-data.yaml excuses what has data: {needless}"
    assert await everyday_seen.prometheus.sick_rules() == []


def test_few_are_excused_and_each_with_a_reason():
    excuses_ = no_data().get("queries", [])
    for excuse in excuses_:
        assert len(excuse["reason"]) > 20, excuse
    ours = [one for one in excuses_ if one.get("fed_by") not in ELSEWHERE]
    assert len(ours) <= MOST_WITHOUT, [one["of"] for one in ours]


def excuses():
    return {one["of"] for one in no_data().get("queries", [])}
