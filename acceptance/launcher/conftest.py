"""The release programs as a person starts them."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support.ports import fixed_ports

# The last line of what it says when everything answers.
READY = "Ctrl-C stops."
# Ten times what it takes on a busy machine.
WITHIN_S = 40


@pytest.fixture(scope="session")
def programs():
    folder = os.environ.get("CHAPPE_BIN_DIR")
    assert folder, "CHAPPE_BIN_DIR is not set; `cargo xtask test` builds the programs and sets it"
    return Path(folder)


@pytest.fixture
def environment(tmp_path):
    """Nothing that the developer has set, and every folder a temporary one."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "CHAPPE_DATA_DIR": str(tmp_path / "data"),
    }
    if named := os.environ.get("NATS_SERVER_BIN"):
        variables["NATS_SERVER_BIN"] = named
    return variables


@pytest.fixture
def run(programs, environment, tmp_path):
    """Runs a program to its end. `None` takes a variable away."""

    def run(name, *arguments, **variables):
        merged = {**environment, **variables}
        merged = {name: value for name, value in merged.items() if value is not None}
        return subprocess.run(
            [programs / name, *arguments],
            env=merged,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )

    return run


class Chappe:
    """A running `chappe`, and what it has said."""

    def __init__(self, command, variables, folder):
        self.said = ""
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command,
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.said += line
                self._changed.notify_all()
        with self._changed:
            self.said += "\0"
            self._changed.notify_all()

    def says(self, text):
        """Waits for it."""
        with self._changed:
            heard = lambda: text in self.said or self.said.endswith("\0")
            assert self._changed.wait_for(heard, WITHIN_S) and text in self.said, self.said
        return self

    def address(self, of):
        return re.search(rf"{of} +(http://\S+)", self.said).group(1)

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def ends(self):
        """Waits for the end, and gives the exit code."""
        code = self.process.wait(WITHIN_S)
        self._reader.join(WITHIN_S)
        return code


@pytest.fixture
def start(programs, environment, tmp_path):
    """Starts `chappe --simulator` on free ports; kills what a failed test leaves."""
    started = []

    def start(*arguments, ready=True, **variables):
        names = ["WEB_LISTEN", "WEB_HEALTH_LISTEN", "GATEWAY_LISTEN", "GATEWAY_HEALTH_LISTEN"]
        names += ["LLM_WORKER_HEALTH_LISTEN", "SIMULATOR_LISTEN"]
        free = {name: f"127.0.0.1:{port}" for name, port in zip(names, fixed_ports(len(names)))}
        command = [programs / "chappe", "--simulator", *arguments]
        chappe = Chappe(command, {**environment, **free, **variables}, tmp_path)
        chappe.variables = {**free, **variables}
        started.append(chappe)
        return chappe.says(READY) if ready else chappe

    yield start
    for chappe in started:
        if chappe.process.poll() is None:
            chappe.process.kill()
            chappe.process.wait()


@pytest.fixture
def free_port():
    return fixed_ports(1)[0]


@pytest.fixture
def busy_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def soon():
    """Waits until something is so."""

    def soon(is_so, within_s):
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, f"it is not so within {within_s} s"
            time.sleep(0.05)

    return soon
