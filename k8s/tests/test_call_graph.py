"""The table of calls is that of the code, and of compose.yaml."""

import pytest

from bundle import OURS, REPOSITORY
from call_graph import CALLS, of_compose


def callers(target):
    return {source for source, to, _port, _why in CALLS if to == target}


@pytest.mark.parametrize(
    ("variable", "target"),
    [
        ("NATS_URL", "nats"),
        ("WEB_GATEWAY_URL", "gateway"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
    ],
)
def test_it_is_that_of_compose(variable, target):
    there = callers(target) & set(OURS)
    in_compose = of_compose(variable)
    if target == "collector":
        # In compose nobody waits for the end of what runs once.
        there -= {"nats-init"}
    assert there == in_compose


@pytest.mark.parametrize(
    ("crate", "calls"), [("gateway", True), ("llm-worker", True), ("web", False)]
)
def test_whoever_has_the_bus_calls_nats(crate, calls):
    manifest = (REPOSITORY / crate / "Cargo.toml").read_text()
    assert ("\nbus" in manifest) is calls is (crate in callers("nats"))


def test_nothing_is_in_it_twice():
    edges = [call[:3] for call in CALLS]
    assert len(edges) == len(set(edges))
    assert all(why for _a, _b, _c, why in CALLS)
