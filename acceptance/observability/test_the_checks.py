"""What the other tests look with is looked at itself: it finds what is there, and misses nothing that
is wrong."""

import pytest

from support.otlp import Span, key_value
from support.queries import expanded, selectors
from support.rules import shorter
from support.signals import Registry
from support.traces import broken


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("up", ["up"]),
        ("sum by (app_lane) (rate(app_jobs_accepted_total[5m]))", ["app_jobs_accepted_total"]),
        ("sum(rate(a[5m])) by (le) / on (le) group_left (x) b{c=\"d}\"}", ["a", 'b{c="d}"}']),
        ('histogram_quantile(0.9, sum by (le) (rate(x{le!="+Inf"}[5m] offset 1h)))', ['x{le!="+Inf"}']),
        ('absent(up{job="gateway"}) or up == 0', ['up{job="gateway"}', "up"]),
        ("max_over_time(job:errors:rate5m[1h:1m]) > 14.4 * 0.001 and a > bool 0", ["job:errors:rate5m", "a"]),
        ('count({__name__=~"x.*", overflow="true"})', ['{__name__=~"x.*", overflow="true"}']),
        ("vector(1)", []),
        ("a unless ignoring (b) c # d", ["a", "c"]),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression, found):
    assert selectors(expression) == found


@pytest.mark.parametrize(
    ("expression", "becomes"),
    [
        ('rate(a{model=~"$model"}[$__rate_interval])', 'rate(a{model=~".*"}[15s])'),
        ('a{job="${service:regex}", x="y"}', 'a{job=~".*", x="y"}'),
        ("increase(a[$__range])", "increase(a[60s])"),
    ],
)
def test_a_boards_variables_are_chosen(expression, becomes):
    assert expanded(expression) == becomes


def span(id, parent="", service="gateway", kind=2):
    return Span(service, f"span {id}", "t", id, parent, kind)


OWED = {("gateway", "server"), ("llm-worker", "consumer")}
WORK = span("b", "a", "llm-worker", 5)


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ([span("a"), WORK], None),
        ([span("a"), WORK, span("c", "b"), span("d", "c")], None),
        ([], "no span"),
        ([span("a")], "missing"),
        ([span("a"), WORK, WORK], "twice"),
        ([span("a"), WORK, span("c")], "2 roots"),
        ([WORK, span("a", "x")], "0 roots"),
        ([span("a"), WORK, span("c", "x")], "parents are missing"),
        ([span("a"), WORK, span("c", "d"), span("d", "c")], "ancestor"),
    ],
)
def test_what_is_no_tree_is_none(spans, why):
    found = broken(spans, OWED)
    assert found is None if why is None else why in found, found


@pytest.mark.parametrize(
    ("expression", "becomes"),
    [
        ("rate(a[1h]) > 14.4 * 0.001", "rate(a[60000ms]) > 14.4 * 0.001"),
        ("rate(a[5m] offset 1d)", "rate(a[5000ms] offset 1440000ms)"),
        ("max_over_time(x:rate5m[1h30m:1m])", "max_over_time(x:rate5m[90000ms:1000ms])"),
        ("rate(a[10s]) > a5m", "rate(a[4000ms]) > a5m"),
        ("avg_over_time(a[1h:])", "avg_over_time(a[60000ms:])"),
    ],
)
def test_windows_are_made_shorter(expression, becomes):
    assert shorter(expression, 60) == becomes


REGISTERED = {
    "labels": {"app.lane": 2, "app.model": 1},
    "attributes": {
        "http.request.method": {"type": "string"},
        "http.route": {"type": "string"},
        "app.attempt": {"type": "int"},
    },
    "log_fields": {"app.attempt": {"type": "int"}},
    "spans": [
        {
            "name": "{http.request.method} {http.route}",
            "service": "gateway",
            "kind": "server",
            "always": ["http.request.method", "http.route"],
            "sometimes": ["app.attempt"],
        }
    ],
    "metrics": [
        {
            "name": "app.wait",
            "scraped": "app_wait_seconds",
            "kind": "histogram",
            "unit": "s",
            "labels": ["app.lane"],
            "services": ["gateway"],
        }
    ],
}
SAID = {"http.request.method": "GET", "http.route": "/a"}


@pytest.mark.parametrize(
    ("name", "kind", "attributes", "why"),
    [
        ("GET /a", 2, SAID, None),
        ("GET /a", 2, {**SAID, "app.attempt": 1}, None),
        ("HTTP", 2, {"http.request.method": "_OTHER", "http.route": ""}, None),
        ("GET /a", 3, SAID, "no such span"),
        ("GET /a/17", 2, SAID, "no such span"),
        ("GET", 2, {"http.request.method": "GET"}, "without http.route"),
        ("GET /a", 2, {**SAID, "app.user": "x"}, "no such attribute as app.user"),
        ("GET /a", 2, {**SAID, "app.attempt": "1"}, "app.attempt is string, and no int"),
        ("GET /a", 2, {**SAID, "app.attempt": 1.0}, "app.attempt is double, and no int"),
    ],
)
def test_a_span_that_is_not_registered_is_told(name, kind, attributes, why):
    wrong = Registry(REGISTERED).wrong_spans([Span("gateway", name, "t", "a", "", kind, attributes)])
    assert wrong == [] if why is None else why in wrong[0], wrong


@pytest.mark.parametrize(
    ("spelt", "value"),
    [
        ("1803", 3),
        ("18ffffffffffffffffff01", -1),
        ("1001", True),
        ("21000000000000f83f", 1.5),
        ("0a0133", "3"),
        ("2a080a0218030a021804", [3, 4]),
    ],
)
def test_an_attribute_is_read_as_what_it_is(spelt, value):
    value_field = bytes.fromhex(spelt)
    attribute = b"\x0a\x01a\x12" + bytes([len(value_field)]) + value_field
    name, read = key_value(attribute)
    assert (name, read, type(read)) == ("a", value, type(value))


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"__name__": "app_wait_seconds_bucket", "job": "gateway", "app_lane": "a", "le": "1"}, None),
        ({"__name__": "app_waits_total", "job": "gateway"}, "no such metric"),
        ({"__name__": "app_wait_seconds_sum", "job": "web"}, "web is not said to report it"),
        ({"__name__": "app_wait_seconds_sum", "job": "gateway", "user": "x"}, "no such label as user"),
    ],
)
def test_a_series_that_is_not_registered_is_told(labels, why):
    wrong = Registry(REGISTERED).wrong_series([labels])
    assert wrong == [] if why is None else why in wrong[0], wrong


def test_too_many_values_and_missing_metrics_are_told():
    registry = Registry(REGISTERED)
    series = [{"__name__": "app_wait_seconds_sum", "app_lane": lane, "job": "gateway"} for lane in "abc"]

    assert registry.too_many(series[:2]) == []
    assert "app_lane has 3 values in gateway" in registry.too_many(series)[0]
    assert registry.never_seen(["app_wait_seconds_count"]) == []
    assert registry.never_seen(["app_waits"]) == ["app.wait"]
    exported = {"app.wait": {"services": {"gateway"}, "labels": {"app.lane": {"a"}}, "unit": "s"}}
    assert registry.wrong_exports(exported) == []
    exported["app.wait"]["unit"] = "ms"
    assert registry.wrong_exports(exported) == ["app.wait: its unit is 'ms'"]


def test_a_field_of_a_log_that_is_not_registered_is_told():
    registry = Registry(REGISTERED)

    assert registry.wrong_lines([{"message": "hello", "app.attempt": 2}]) == []
    assert "no such field as user" in registry.wrong_lines([{"user": "x"}])[0]
    assert "app.attempt is string, and no int" in registry.wrong_lines([{"app.attempt": "2"}])[0]
