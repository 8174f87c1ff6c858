"""Workers are scaled by what people wait for: decided by what is rendered, over series that model a queue
that grows, and an hour of a wave. What queries bring is in test_queries.py."""

import copy

import pytest

from bundle import OF_CLUSTERS
from scaling import played

SLOTS = 64


@pytest.fixture(params=OF_CLUSTERS)
def scaler(request, rendered):
    objects = [one for one in rendered[request.param] if one["kind"] == "ScaledObject"]
    return objects[0]


def changed(scaler, change):
    broken = copy.deepcopy(scaler)
    change(broken["spec"])
    return broken


def behavior(spec, way):
    return spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"][way]


def readings(workers, people=0.0, background=0.0, busy=0):
    """As the queries have it: oldest age times workers, and slots in use."""
    return {"people": people * workers, "background": background * workers, "slots": busy}


def grows(since):
    """All slots are in use, and from then on the oldest job gets a second older each second."""
    return lambda now, workers: readings(workers, people=max(0, now - since), busy=4 * SLOTS * 0.7)


def first_more(numbers):
    return next((now for now, pods in numbers if pods > numbers[0][1]), None)


# People wait for more than 5 s, and the tolerance of a tenth.
TOO_LONG = 5.5


@pytest.mark.parametrize("every", [5, 15])
def test_more_workers_at_the_first_look_at_a_queue_that_grows(scaler, every):
    """Nothing holds the decision back. How often is looked is the controller's: 15 s by default. The
    goal of 10 s from metric to decision is met where it looks each 5 s."""
    numbers = played(scaler, 4, grows(since=30), every, until=120)
    assert 30 + TOO_LONG < first_more(numbers) <= 30 + TOO_LONG + every


def test_a_held_back_decision_is_noticed(scaler):
    slow = changed(
        scaler, lambda spec: behavior(spec, "scaleUp").update(stabilizationWindowSeconds=60)
    )
    assert first_more(played(slow, 4, grows(since=30), 5, until=180)) > 30 + TOO_LONG + 10


def test_it_doubles_until_nobody_waits_and_stops_at_its_limit(scaler):
    numbers = played(scaler, 4, grows(since=0), 15, until=600)
    pods = [number for _now, number in numbers]
    assert pods[1] == 8
    assert pods[-1] == scaler["spec"]["maxReplicaCount"]
    assert pods == sorted(pods)


def test_a_queue_that_nobody_waits_at_may_be_older(scaler):
    patient = lambda now, workers: readings(workers, background=100)
    assert {pods for _now, pods in played(scaler, 4, patient, until=300)} == {4}
    late = lambda now, workers: readings(workers, background=200)
    assert first_more(played(scaler, 4, late, until=300)) is not None


# A model, which nobody has recorded: slots in use each minute of an hour, of ten workers. It begins in
# the middle of a wave, has two more, and ends with nothing.
HOUR = [
    380,
    410,
    460,
    500,
    520,
    500,
    470,
    420,
    370,
    330,
    300,
    290,
    280,
    300,
    340,
    380,
    400,
    420,
    400,
    380,
    350,
    300,
    260,
    220,
    200,
    180,
    150,
    130,
    120,
    100,
    100,
    120,
    150,
    200,
    260,
    320,
    380,
    430,
    450,
    460,
    440,
    400,
    350,
    300,
    250,
    200,
    150,
    100,
    80,
    60,
    40,
    30,
    20,
    10,
    10,
    0,
    0,
    0,
    0,
    0,
    0,
]


def wave(now, workers):
    return readings(workers, busy=HOUR[now // 60])


def fewer_than_busy(scaler):
    """Times at which there were fewer slots than jobs in hand. Each worker that goes ends its own
    jobs; this is about those that stay."""
    numbers = played(scaler, 11, wave, until=3600)
    return [now for now, pods in numbers if pods * SLOTS < HOUR[now // 60]]


def test_busy_workers_are_not_scaled_in(scaler):
    assert fewer_than_busy(scaler) == []
    numbers = played(scaler, 11, wave, until=3600)
    steps = [b - a for (_x, a), (_y, b) in zip(numbers, numbers[1:], strict=False)]
    assert min(steps) >= -1
    assert numbers[-1][1] < 11, "it never gets fewer: nothing was tested"
    # The wave begins at its middle; 600 s later it is not yet forgotten.
    assert {pods for now, pods in numbers if now <= 600} <= {11}


def test_workers_that_go_while_they_are_busy_are_noticed(scaler):
    def hasty(spec):
        spec["triggers"] = [one for one in spec["triggers"] if one["name"] != "slots"]
        behavior(spec, "scaleDown").update(
            stabilizationWindowSeconds=0,
            policies=[{"type": "Percent", "value": 100, "periodSeconds": 15}],
        )

    assert fewer_than_busy(changed(scaler, hasty)) != []


def test_whoever_goes_has_time_for_the_longest_answer(scaler, production):
    """Nothing is killed in the middle: the window before fewer are wanted, and the drain."""
    window = behavior(scaler["spec"], "scaleDown")["stabilizationWindowSeconds"]
    worker = production.workload("llm-worker")
    drain = int(production.environment(worker.containers[0])["LLM_WORKER_DRAIN_MS"]) / 1000
    assert window >= 600
    assert worker.pod["terminationGracePeriodSeconds"] > drain >= 600


def silence(now, workers):
    return dict.fromkeys(("people", "background", "slots"))


def alone(now, workers):
    """Workers answer, and nobody tells of the queue."""
    return readings(workers, busy=0) | {"people": None, "background": None}


def ends_with(scaler, pods, series):
    return played(scaler, pods, series, until=3600)[-1][1]


@pytest.mark.parametrize("series", [silence, alone])
def test_without_figures_there_are_as_many_as_before_and_some_at_least(scaler, series):
    fallback = scaler["spec"]["fallback"]["replicas"]
    least = scaler["spec"]["minReplicaCount"]
    assert ends_with(scaler, least, series) == fallback > least
    assert ends_with(scaler, fallback + 5, series) == fallback + 5
    numbers = played(scaler, least, series, until=300)
    assert first_more(numbers) == 3 * 15, "three looks are failures, the fourth falls back"


def test_silence_that_is_taken_for_nothing_is_noticed(scaler):
    def trusting(spec):
        for trigger in spec["triggers"]:
            trigger["metadata"]["ignoreNullValues"] = "true"

    assert ends_with(changed(scaler, trusting), 12, silence) == scaler["spec"]["minReplicaCount"]
    static = changed(scaler, lambda spec: spec["fallback"].update(behavior="static"))
    assert ends_with(static, 12, silence) == scaler["spec"]["fallback"]["replicas"]
    nothing = changed(scaler, lambda spec: spec.pop("fallback"))
    assert ends_with(nothing, 3, silence) == 3 < scaler["spec"]["fallback"]["replicas"]


def test_figures_that_come_back_count_again(scaler):
    series = lambda now, workers: (silence if now < 120 else grows(since=120))(now, workers)
    numbers = played(scaler, 12, series, until=300)
    assert first_more(numbers) > 120
