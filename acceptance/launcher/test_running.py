"""Start, work, stop."""

import http.client
import json
import os
import select
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest


def test_it_answers_says_that_a_simulator_does_and_stops(start, tmp_path):
    chappe = start()

    assert "A SIMULATOR ANSWERS" in chappe.said and "--model-url" in chappe.said
    assert chappe.address("Simulator") == f"http://{chappe.variables['SIMULATOR_LISTEN']}/v1"
    assert b"<form" in fetch(chappe.address("Chat")).read()
    assert ask(chappe)["choices"][0]["message"]["content"]
    [pid] = [int(file.read_text()) for file in (tmp_path / "data").rglob("nats-server.pid")]
    chappe.interrupt()

    assert chappe.ends() == 0
    assert "Stopped." in chappe.said
    assert "panicked" not in chappe.said
    assert not is_running(pid), "its nats-server runs on"


def test_sigterm_stops_it_as_well(start):
    chappe = start()

    chappe.process.send_signal(signal.SIGTERM)

    assert chappe.ends() == 0


def test_an_answer_in_hand_ends_before_it_stops(start):
    chappe = start()
    answer = stream(chappe, tokens=100, token_ms=10)
    first = answer.readline()

    chappe.interrupt()
    rest = answer.read()

    assert first.startswith((b"data: ", b":"))
    assert b"t99 " in rest and rest.rstrip().endswith(b"data: [DONE]")
    assert chappe.ends() == 0


def test_an_endless_answer_is_broken_honestly_and_the_second_ctrl_c_is_quick(start):
    chappe = start()
    answer = stream(chappe, tokens=60_000, token_ms=10)
    answer.readline()

    chappe.interrupt()
    chappe.says("Stopping")
    chappe.interrupt()

    assert chappe.ends() == 130
    try:
        rest = answer.read()
    except (OSError, http.client.HTTPException):
        # The connection ends in the middle: no client takes that for the end of the answer.
        rest = b""
    assert b"[DONE]" not in rest


@pytest.mark.parametrize("ports", ["other ports", "the same ports"])
def test_a_second_start_with_the_same_data_is_refused(start, ports):
    first = start()

    second = start(ready=False, **(first.variables if ports == "the same ports" else {}))

    assert second.ends() == 1
    assert "in use by another Chappe" in second.said and "CHAPPE_DATA_DIR" in second.said
    assert "SIMULATOR_LISTEN" not in second.said
    assert fetch(first.address("Chat")).status == 200
    first.interrupt()
    assert first.ends() == 0


def test_it_starts_again_with_the_same_data(start):
    for _time in range(2):
        chappe = start()
        assert ask(chappe)["choices"]
        chappe.interrupt()
        assert chappe.ends() == 0


def test_it_starts_again_after_it_was_killed(start):
    killed = start()
    killed.process.kill()
    killed.ends()

    chappe = start()

    assert ask(chappe)["choices"]
    chappe.interrupt()
    assert chappe.ends() == 0


def test_its_nats_server_does_not_outlive_a_kill(start, tmp_path):
    chappe = start()
    [pid] = [int(file.read_text()) for file in (tmp_path / "data").rglob("nats-server.pid")]
    # Readable once the process has ended.
    nats_server = os.pidfd_open(pid)

    chappe.process.kill()
    chappe.ends()

    ended, _, _ = select.select([nats_server], [], [], 30)
    os.close(nats_server)
    assert ended, "its nats-server runs on"


def test_what_it_logs_is_its_own_and_nothing_was_lost(start):
    chappe = start("--verbose")
    assert ask(chappe)["choices"]
    chappe.interrupt()

    assert chappe.ends() == 0
    assert "connected to NATS" in chappe.said
    assert "lost the connection" not in chappe.said
    assert "async_nats" not in chappe.said and "memory_serve" not in chappe.said
    assert "WARN" not in chappe.said and "ERROR" not in chappe.said


def test_a_request_that_fails_is_one_warning(start):
    chappe = start()
    before = len(chappe.said)

    with pytest.raises(urllib.error.HTTPError) as failed:
        chat(chappe, simulator={"fault": {"status": 503}})

    assert failed.value.code == 503
    chappe.says("status 503")
    warnings = [line for line in chappe.said[before:].splitlines() if "WARN" in line or "ERROR" in line]
    assert len(warnings) == 1 and "upstream http" in warnings[0], warnings
    chappe.interrupt()
    assert chappe.ends() == 0


def test_services_say_that_they_are_well(start, run):
    chappe = start()

    for program in ("gateway", "llm-worker", "web", "model-simulator"):
        assert run(program, "--health", **chappe.variables).returncode == 0, program
    chappe.interrupt()
    assert chappe.ends() == 0


def fetch(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=30)


def chat(chappe, **members):
    url = f"{chappe.address('API')}/chat/completions"
    messages = [{"role": "user", "content": "Hello"}]
    return fetch(url, {"model": "simulator", "messages": messages, **members})


def ask(chappe):
    return json.load(chat(chappe))


def stream(chappe, **pace):
    return chat(chappe, stream=True, simulator={"script": "count", **pace})


def is_running(pid):
    # A number may be in use again, by a program of another name.
    command = Path(f"/proc/{pid}/cmdline")
    if command.parent.parent.joinpath("self").exists():
        return command.exists() and b"nats-server" in command.read_bytes()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
