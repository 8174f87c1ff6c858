"""What of a namespace's pods is a problem while a deployment is watched."""

import pytest

from delivery import programs
from deployment.kubernetes import BORNE, Kubernetes


class Pods:
    """A cluster of which only its pods are asked."""

    def __init__(self):
        self.pods, self.away = [self.pod("one"), self.pod("two")], False

    @staticmethod
    def pod(name, restarts=0, ready=True, **metadata):
        condition = {"type": "Ready", "status": str(ready), "message": "no probe succeeds"}
        counted = [{"name": "it", "restartCount": restarts}]
        return {
            "metadata": {"name": name, "uid": name, **metadata},
            "status": {"containerStatuses": counted, "conditions": [condition]},
        }

    def get(self, *_):
        if self.away:
            raise programs.Failed("kubectl", "nobody there")
        return self.pods


@pytest.fixture
def watched(monkeypatch):
    """Pods, and a function that has them looked at so many times; what is wrong then."""
    cluster = Pods()
    target = Kubernetes("staging")
    monkeypatch.setattr(target, "_of", lambda _release: (None, cluster))
    problems = target.problems_since_now(None)
    return cluster, lambda times: [one for _ in range(times) for one in problems()]


def test_pods_that_go_or_finish_a_job_may_be_unwell(watched):
    cluster, look = watched
    job = [{"kind": "Job", "name": "nats-init"}]
    cluster.pods += [
        cluster.pod("old", 3, False, deletionTimestamp="now"),
        cluster.pod("nats-init-x", 2, False, ownerReferences=job),
    ]
    assert look(3 * BORNE) == []


def test_a_pod_may_be_unready_for_some_seconds_and_no_longer(watched):
    cluster, look = watched
    cluster.pods[0] = cluster.pod("one", ready=False)
    assert look(BORNE) == []
    cluster.pods[0] = cluster.pod("one")
    assert look(1) == []
    cluster.pods[0] = cluster.pod("one", ready=False)
    assert look(BORNE) == []
    assert look(1) == ["pod one is not ready: no probe succeeds"]


def test_a_container_that_was_started_again_is_a_problem_at_once(watched):
    cluster, look = watched
    # A scaler brings it later: what it did before counts as well.
    cluster.pods.append(cluster.pod("three", 1))
    assert look(1) == ["a container of pod three ended and was started again"]


def test_a_cluster_that_does_not_answer_for_some_seconds_is_borne(watched):
    cluster, look = watched
    cluster.away = True
    assert look(BORNE) == []
    with pytest.raises(programs.Failed):
        look(1)
