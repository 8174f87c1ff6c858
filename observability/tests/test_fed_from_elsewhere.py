"""What only the pipeline or the collector tells: the queries bring something for series as they come.

Recorded series stand for both: no collector runs here, and nothing is deployed.
"""

import json

import pytest

from stack import expanded, promtool, queried, read_yaml, rules

HERE = "tests/recorded/elsewhere.yaml"


def queries():
    excused = {
        one["of"] for one in read_yaml("no-data.yaml")["queries"] if one.get("fed_by")
    }
    found = []
    for name, panel in queried():
        for target in panel["targets"]:
            of = f"{name}: {panel['title']}"
            of += f" {target['refId']}" if len(panel["targets"]) > 1 else ""
            if of in excused:
                found.append((of, expanded(target["expr"])))
    return found


def test_alerts_of_it_have_tests_of_their_own():
    """In alerts/tests, where both cases are."""
    excused = {one["of"] for one in read_yaml("no-data.yaml")["queries"] if one.get("fed_by")}
    alerts = {f"alert: {rule['alert']}" for rule in rules() if "alert" in rule}
    assert {one for one in excused if one.startswith("alert: ")} <= alerts
    assert len(queries()) + len(excused & alerts) == len(excused)


def answered(query, series):
    test = {
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": f"count({query}) > bool 0",
                        "eval_time": "60m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        ]
    }
    return promtool("test", "rules", "/dev/stdin", stdin=json.dumps(test))


@pytest.mark.parametrize(("of", "query"), queries(), ids=[of for of, _query in queries()])
def test_it_brings_something(of, query):
    code, said = answered(query, read_yaml(HERE)["series"])
    assert code == 0, said


def test_without_them_it_brings_nothing():
    """That the test above can fail."""
    of, query = queries()[0]
    assert answered(query, [])[0] != 0
