"""The queries that are rendered, answered by Prometheus' own engine from series as services tell them."""

import json
import os
import subprocess

import pytest

from bundle import OF_CLUSTERS, Bundle

PROMTOOL = os.environ.get("PROMTOOL_BIN")
pytestmark = pytest.mark.skipif(not PROMTOOL, reason="PROMTOOL_BIN names no promtool")


def series(metric, values, **labels):
    said = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {"series": f"{metric}{{{said}}}", "values": values}


def waiting(namespace, queue="default", **lanes):
    """Oldest ages, as each of several gateways tells them."""
    return [
        series(
            "app_queue_oldest_waiting_seconds",
            f"{age} {age}",
            namespace=namespace,
            pod=pod,
            app_queue=queue,
            app_lane=lane,
        )
        for lane, age in lanes.items()
        for pod in ("gateway-0", "gateway-1", "gateway-2")
    ]


def worker(namespace, pod, slots, free, queue="default"):
    """Before, and when the query is asked."""
    labels = {"namespace": namespace, "pod": pod, "app_queue": queue}
    return [
        series("app_worker_slots", slots, **labels),
        series("app_worker_free_slots", free, **labels),
    ]


def of_others(namespace):
    """Another environment, and another queue of this one: nobody here is to count them."""
    return [
        *waiting("elsewhere", chat=700, live=800, background=8000),
        *worker("elsewhere", "worker-0", "64 64", "0 0"),
        *waiting(namespace, "other", chat=700, live=900, background=9000),
        *worker(namespace, "worker-of-other-0", "64 64", "0 0", "other"),
    ]


AGES = {"chat": 3, "live": 7, "background": 200}
queue = lambda namespace: waiting(namespace, **AGES)
idle_queue = lambda namespace: waiting(namespace, chat=0, live=0, background=0)
two = lambda namespace: [
    *worker(namespace, "worker-0", "64 64", "4 4"),
    *worker(namespace, "worker-1", "64 64", "10 10"),
]
# It was asked to end, and tells on while it ends what it has.
draining = lambda namespace: worker(namespace, "worker-2", "64 0", "1 0")
gone = lambda namespace: worker(namespace, "worker-3", "64 stale", "1 stale")

BUSY = (queue, two, draining, gone, of_others)
OF_BUSY = {"people": 7 * 2, "background": 200 * 2, "slots": 60 + 54}
# What is told, and what each trigger's query brings: None for no series.
TOLD = {
    "busy": (BUSY, OF_BUSY),
    "nobody waits": (
        (idle_queue, two, of_others),
        {"people": 0, "background": 0, "slots": 60 + 54},
    ),
    "nobody tells of the queue": (
        (two, draining, of_others),
        {"people": None, "background": None, "slots": 60 + 54},
    ),
    "all drain": (
        (queue, draining, of_others),
        {"people": None, "background": None, "slots": 0},
    ),
    "nobody works": (
        (queue, gone, of_others),
        {"people": None, "background": None, "slots": None},
    ),
}


def complaints(namespace, queries, told, wanted):
    """Of promtool, one for each query that brings something else."""
    test = {
        "interval": "1m",
        "input_series": [one for some in told for one in some(namespace)],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "1m",
                # One number and no label, or nothing: more than one is an error to KEDA.
                "exp_samples": []
                if wanted[trigger] is None
                else [{"labels": "{}", "value": wanted[trigger]}],
            }
            for trigger, query in queries.items()
        ],
    }
    said = subprocess.run(
        [PROMTOOL, "test", "rules", "/dev/stdin"],
        input=json.dumps({"tests": [test]}),
        capture_output=True,
        text=True,
        check=False,
    )
    text = said.stdout + said.stderr
    # An expression that cannot be read is a complaint of its own.
    found = [f"expr: {one}" for one in text.split("expr: ")[1:]]
    assert bool(found) == (said.returncode != 0), text
    return found


@pytest.fixture(params=OF_CLUSTERS)
def asked(request, rendered):
    """A namespace, and the queries of its triggers."""
    bundle = Bundle(rendered[request.param], request.param)
    triggers = bundle.of("ScaledObject")[0]["spec"]["triggers"]
    queries = {one["name"]: one["metadata"]["query"] for one in triggers}
    return bundle.of("Namespace")[0]["metadata"]["name"], queries


@pytest.mark.parametrize("told", TOLD)
def test_they_bring(told, asked):
    namespace, queries = asked
    some, wanted = TOLD[told]
    assert set(queries) == set(wanted)
    assert complaints(namespace, queries, some, wanted) == []


@pytest.mark.parametrize(
    ("trigger", "old", "new"),
    [
        ("people", " > 0)", ")"),
        ("people", "max(", "sum("),
        ("people", "max(", "("),
        ("people", "count(", "sum("),
        ("people", 'app_lane=~"chat|live"', 'app_lane="chat|live"'),
        ("people", "|live", ""),
        ("people", "|live", "|live|background"),
        ("background", " > 0)", ")"),
        ("background", "max(", "avg by (pod) ("),
        ("background", '"background"', '"batch"'),
        ("background", ',app_queue="default"', ""),
        ("background", 'namespace="{}",', ""),
        ("slots", "- sum", "+ sum"),
        ("slots", "sum(", "max("),
        ("slots", ',app_queue="default"', ""),
        ("slots", 'namespace="{}",', ""),
    ],
)
def test_another_query_is_noticed(trigger, old, new, asked):
    namespace, queries = asked
    old = old.format(namespace)
    assert old in queries[trigger]
    broken = queries | {trigger: queries[trigger].replace(old, new)}
    assert len(complaints(namespace, broken, BUSY, OF_BUSY)) == 1
