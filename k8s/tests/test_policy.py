"""Every overlay keeps every rule, and every rule notices when it is broken."""

import copy

import pytest

from bundle import OVERLAYS, Bundle
from policy import RULES
from policy.availability import metrics, tokens_of_lanes
from sabotage import SABOTAGE


@pytest.mark.parametrize("name", RULES)
def test_every_overlay_keeps(name, bundle):
    assert list(RULES[name](bundle)) == []


def test_every_rule_is_sabotaged():
    assert {name for name, _what, _how in SABOTAGE} == set(RULES)


@pytest.mark.parametrize(
    ("name", "what", "how"), SABOTAGE, ids=[f"{a}: {b}" for a, b, _c in SABOTAGE]
)
def test_it_is_noticed(name, what, how, rendered):
    """On a copy of what is rendered; of which overlay, the sabotage says."""
    overlay = next((one for one in OVERLAYS if what.startswith(f"{one}: ")), "production")
    broken = Bundle(copy.deepcopy(rendered[overlay]), overlay)
    how(broken)
    assert list(RULES[name](broken)) != []


def test_metrics_are_read_from_where_services_have_them():
    assert {"app_worker_slots", "app_queue_wait_seconds"} <= metrics()


def test_lanes_are_read_from_the_contract():
    assert tokens_of_lanes() == {"chat", "live", "background"}
