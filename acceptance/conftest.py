"""Fixtures of every Python suite."""

import os

import pytest
from openai import OpenAI

from support import Raw, Simulator


def setting(name):
    return os.environ.get(name, "").strip().rstrip("/")


@pytest.fixture(scope="session")
def gateway_url():
    url = setting("ACCEPTANCE_GATEWAY_URL")
    assert url, "ACCEPTANCE_GATEWAY_URL is not set; `cargo xtask test` starts a system and sets it"
    return url


@pytest.fixture(scope="session")
def api_key():
    return setting("ACCEPTANCE_API_KEY") or "unused"


@pytest.fixture(scope="session")
def client(gateway_url, api_key):
    """The official SDK. What is tested is one try: no retries."""
    with OpenAI(base_url=f"{gateway_url}/v1", api_key=api_key, max_retries=0, timeout=50) as client:
        yield client


@pytest.fixture(scope="session")
def raw(gateway_url, api_key):
    raw = Raw(gateway_url, api_key)
    yield raw
    raw.close()


@pytest.fixture
def simulator():
    """The simulator, with an empty journal."""
    url = setting("ACCEPTANCE_SIMULATOR_URL")
    if not url:
        pytest.skip("ACCEPTANCE_SIMULATOR_URL is not set: nothing tells what the model saw")
    simulator = Simulator(url)
    simulator.forget()
    yield simulator
    simulator.close()


@pytest.fixture
def broken(raw):
    """For tests that break the model: the next test finds it well. A worker leaves a model
    alone for a while after several failures in a row, and a success ends the row."""
    yield
    answer = raw.chat(messages=[{"role": "user", "content": "Are you well?"}])
    assert answer.status_code == 200, answer.text


@pytest.fixture
def measured(capsys):
    """Tells a figure."""

    def measured(what):
        with capsys.disabled():
            print(f"\n    {what}", end="", flush=True)

    return measured
