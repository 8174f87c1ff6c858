"""Services in their containers: how they begin, what they may do, what they cost, how they end."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from support.container import PORTS, USER, Container, ends, image, settings

# The first one to ask for the system waits until all of it runs.
pytestmark = pytest.mark.timeout(180)

SERVICES = sorted(PORTS)
# Ten times what was measured, for a machine that is busy with other things: 0.2 to 0.4 s, 0.3 to
# 0.5 s, and 0.8 to 2.1 MiB. What is measured now is printed.
READY_WITHIN_S = 4
STOPS_WITHIN_S = 5
IDLE_BYTES = 20 * 1024 * 1024


def ask(system, model):
    """A question over the gateway: status and answer."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Are you well?"}]})
    request = urllib.request.Request(f"{system.url('gateway', 8790)}/v1/chat/completions", body.encode())
    request.add_header("content-type", "application/json")
    request.add_header("authorization", f"Bearer {system.key}")
    try:
        with urllib.request.urlopen(request, timeout=50) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_question_is_answered_over_containers_that_may_do_nothing_else(system):
    status, answer = ask(system, "simulator")

    assert status == 200, answer
    assert answer["choices"][0]["message"]["content"]


def test_the_chat_page_is_there_and_reaches_the_gateway(system):
    with urllib.request.urlopen(system.url("web", 8780), timeout=20) as page:
        text = page.read().decode()

    assert "simulator" in text, "the page offers no model"


def test_a_worker_trusts_whom_the_certificates_of_its_image_name(system):
    status, answer = ask(system, "trusted")

    assert status == 200, answer
    assert answer["choices"][0]["message"]["content"] == "Safely."


def test_a_worker_trusts_nobody_else(system):
    status, answer = ask(system, "untrusted")

    assert status in (502, 503), answer


@pytest.mark.parametrize("name", SERVICES)
def test_it_is_ready_in_time(system, name):
    seconds = system.ready_after[name]

    print(f"measured: {name} is ready {1000 * seconds:.0f} ms after its program began")
    assert 0 < seconds < READY_WITHIN_S


@pytest.mark.parametrize("name", SERVICES)
def test_its_own_health_check_says_that_it_is_well(system, name):
    last = system.services[name].becomes("healthy")

    assert last["FailingStreak"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere containers are in a machine of their own")
@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_as_nobody_and_may_become_nobody_else(system, name):
    pid = system.services[name].inspect()["State"]["Pid"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}

    assert status["Uid"] == [str(USER)] * 4
    assert status["Gid"] == [str(USER)] * 4
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities][0], 16) == 0, capabilities
    assert status["NoNewPrivs"] == ["1"]
    # No library of a system is in it.
    assert Path(f"/proc/{pid}/maps").read_text().count(".so") == 0


@pytest.mark.parametrize("name", SERVICES)
def test_at_rest_it_takes_little_memory(system, name):
    used = system.services[name].memory()

    print(f"measured: {name} takes {used / 1024**2:.1f} MiB at rest")
    assert 0 < used < IDLE_BYTES


MISSING = [
    ("gateway", [], {}, "MODELS_FILE"),
    ("gateway", ["--entrypoint", "/usr/local/bin/nats-init"], {}, "MODELS_FILE"),
    ("llm-worker", [], {}, "MODELS_FILE"),
    ("web", [], {"WEB_API_KEY_FILE": "/nowhere"}, "WEB_API_KEY_FILE"),
    ("model-simulator", [], {"SIMULATOR_LISTEN": "here"}, "SIMULATOR_LISTEN"),
]


@pytest.mark.parametrize(("name", "options", "variables", "named"), MISSING)
def test_a_setting_that_is_missing_is_told_in_one_line_and_starting_again_does_not_help(name, options, variables, named):
    status, output, errors = ends(image(name), options=[*options, *settings(variables)])

    assert status == 78, errors
    assert [line for line in (output + errors).splitlines() if line.startswith("  ")] == [
        line for line in errors.splitlines() if line.startswith(f"  {named}: ")
    ]
    assert errors.count(f"  {named}: ") == 1, errors


def test_without_nats_a_service_says_so_and_is_not_ready(network, with_catalogue):
    variables = {"NATS_URL": "nats://nowhere.test:4222", "NATS_CONNECT_TIMEOUT_MS": "2000", "GATEWAY_AUTH": "keys"}

    status, _, errors = ends(image("gateway"), options=["--network", network, *with_catalogue, *settings(variables)])

    assert status == 1, errors
    assert "nowhere.test" in errors


@pytest.mark.parametrize("name", SERVICES)
def test_it_stops_in_order_when_it_is_told_to(system, with_catalogue, network, name):
    variables = {
        "NATS_URL": "nats://nats:4222",
        "GATEWAY_AUTH": "keys",
        "GATEWAY_HEALTH_LISTEN": "0.0.0.0:8791",
        "LLM_WORKER_HEALTH_LISTEN": "0.0.0.0:8792",
        "WEB_GATEWAY_URL": "http://gateway:8790",
        "WEB_API_KEY": system.key,
        "WEB_HEALTH_LISTEN": "0.0.0.0:8793",
        "SIMULATOR_LISTEN": "0.0.0.0:8799",
    }
    port = PORTS[name][1]
    options = ["--network", network, "--publish", f"127.0.0.1::{port}", *with_catalogue, *settings(variables)]
    container = Container(image(name), options=options)
    try:
        container.ready_after(port)
        status, seconds = container.stop(within_s=2 * STOPS_WITHIN_S)
        said = container.said()
    finally:
        container.remove()

    print(f"measured: {name} stops {1000 * seconds:.0f} ms after it was told to")
    assert status == 0, said
    assert seconds < STOPS_WITHIN_S
