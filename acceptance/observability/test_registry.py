"""What services say is registered, what is registered they say, and who asks makes no new series."""

import asyncio
import itertools
import json

import pytest

from support.callers import knows
from support.orders import ordered
from support.queries import no_data
from support.raw import CHAT
from support.signals import OVERFLOW, Registry, spelt

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(150)]

CALLERS = 24
# Words that no service has of its own.
MADE_UP = "zyx"


async def test_every_metric_that_is_reported_is_registered(everyday_seen):
    registry = Registry.read()
    series = await scraped(everyday_seen)

    nothing_of(registry.wrong_series(series))
    nothing_of(registry.wrong_exports(everyday_seen.collector.metrics()))
    nothing_of(registry.too_many(series))
    nothing_of(labels for labels in series if OVERFLOW in labels)


async def test_every_metric_that_is_registered_is_reported(everyday_seen, tells):
    registry = Registry.read()
    # Those that others make, and those that no healthy day has.
    excused = {name for name, metric in registry.metrics.items() if metric.get("made_by") == "pipeline"}
    excused |= {one["of"] for one in no_data().get("metrics", ())}
    names = {labels["__name__"] for labels in await scraped(everyday_seen)}
    # Some are told at an end, when nobody asks any more.
    exported = set(everyday_seen.collector.metrics())

    missing = set(registry.never_seen(names)) - exported
    tells(f"{len(registry.metrics)} metrics are registered, {len(excused)} of them excused")
    nothing_of(sorted(missing - excused))
    assert excused - missing == set(), "excused, and reported"
    assert excused <= set(registry.metrics), "excused, and not registered"


async def test_every_span_of_a_day_is_registered_and_each_comes(everyday_seen):
    registry, spans = Registry.read(), everyday_seen.collector.spans()

    nothing_of(registry.wrong_spans(spans))
    nothing_of(registry.spans_never_seen(spans))


async def test_every_field_of_a_log_is_registered(everyday_seen, tells):
    registry = Registry.read()
    written = [line for service in everyday_seen.system.services for line in lines_of(service)]
    exported = [line.attributes for line in everyday_seen.collector.lines()]

    tells(f"{len(written)} lines written, {len(exported)} exported")
    assert written and exported
    nothing_of(registry.wrong_lines(written))
    nothing_of(registry.wrong_lines(exported))


def lines_of(service):
    """What a service has written: each line is JSON, but for the mark at each start."""
    for line in service.said().splitlines():
        if not line.startswith("--- start"):
            yield json.loads(line)


@pytest.mark.parametrize(
    "number", [1_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
async def test_who_asks_makes_no_new_series(started, watched, http, tells, number):
    system = await started(gateways=2, workers=2, webs=1, keys=True)
    key = system.makes_key("everybody", "--on-behalf-of", "--operator")
    for gateway in system.gateways:
        await knows(http, gateway.url, key)
    prometheus = await watched(system)
    # What is there once each has been asked of each is all that there will be.
    await many_ask(system, http, key, range(40))
    await prometheus.has_looked()
    before = await series_of(prometheus)

    await many_ask(system, http, key, range(40, 40 + number))
    await prometheus.has_looked()
    after = await series_of(prometheus)

    new = [labels for labels in after if labels not in before]
    # A bucket or a status may come late; a series for each of somebody's names does not.
    tells(f"{number} users, conversations and names of models: {len(before)} series, {len(new)} new")
    assert len(new) <= MOST_NEW, new[:20]
    nothing_of(labels for labels in after if MADE_UP in str(labels))
    nothing_of(labels for labels in after if OVERFLOW in labels)
    nothing_of(Registry.read().too_many(after))


# Statuses and outcomes that a busy machine brings about: each of them is a few series.
MOST_NEW = 60


async def many_ask(system, http, key, numbers):
    """A user of each number asks, begins a conversation, and asks for a model that nobody has."""
    todo, turns = iter(numbers), itertools.cycle(system.gateways)
    quick = ordered("count", tokens=1, ttft_ms=0, token_ms=0)

    async def ask(path, body, headers, status):
        url = f"{next(turns).url}{path}"
        answer = await http.post(url, json=body, headers=headers)
        assert answer.status_code == status, answer.text

    async def one_after_the_other():
        for number in todo:
            name = f"{MADE_UP}-{number}"
            headers = {
                "authorization": f"Bearer {key}",
                "chappe-on-behalf-of": name,
                "x-request-id": name,
                "user-agent": name,
            }
            messages = [{"role": "user", "content": name}]
            chat = {"model": "simulator", "messages": messages, "user": name, **quick}
            await ask(CHAT, chat, headers, 200)
            await ask("/v1/conversations", {"metadata": {"name": name}}, headers, 200)
            await ask(CHAT, {**chat, "model": name}, headers, 404)

    await asyncio.gather(*(one_after_the_other() for _caller in range(CALLERS)))


def nothing_of(found):
    """Nothing was found; else all of it is told."""
    found = [str(one) for one in found]
    assert not found, "\n" + "\n".join(found)


async def scraped(everyday_seen):
    return await series_of(everyday_seen.prometheus)


async def series_of(prometheus):
    """The labels of everything that was scraped."""
    series = await prometheus.series('{__name__!=""}')
    dropped = {spelt("service.instance.id")}
    return [{name: value for name, value in one.items() if name not in dropped} for one in series]
