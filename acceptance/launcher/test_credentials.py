"""Credentials for NATS: those that are made, and those of `chappe` itself."""

import json
import socket

import pytest

SERVICES = ["gateway", "llm-worker", "nats-init", "operator"]


def seeds(folder):
    return [(folder / f"{service}.nk").read_text().strip() for service in SERVICES]


@pytest.fixture
def made(run, tmp_path):
    folder = tmp_path / "credentials"
    ended = run("nats-init", "credentials", "--dir", folder)
    assert ended.returncode == 0, ended.stderr
    return folder, ended


def test_each_service_has_a_seed_that_nobody_else_may_read_and_nothing_else_shows(made):
    folder, ended = made

    assert len(set(seeds(folder))) == len(SERVICES)
    for service in SERVICES:
        assert (folder / f"{service}.nk").stat().st_mode & 0o777 == 0o600
    for seed in seeds(folder):
        assert seed.startswith("SU")
        assert seed not in ended.stdout + ended.stderr
        assert seed not in (folder / "nats-users.conf").read_text()


def test_what_is_there_is_kept_and_one_is_rotated_by_name(run, made):
    folder, _ = made
    before = seeds(folder)

    run("nats-init", "credentials", "--dir", folder)
    assert seeds(folder) == before
    ended = run("nats-init", "credentials", "--dir", folder, "--rotate", "gateway")

    assert ended.returncode == 0, ended.stderr
    after = seeds(folder)
    assert after[0] != before[0] and after[1:] == before[1:]
    assert (folder / "gateway.previous.nk").read_text().strip() == before[0]


def test_the_old_seed_is_forgotten_by_name(run, made):
    folder, _ = made
    config = folder / "nats-users.conf"
    alone = config.read_text()

    run("nats-init", "credentials", "--dir", folder, "--rotate", "gateway")
    both = config.read_text()
    ended = run("nats-init", "credentials", "--dir", folder, "--forget", "gateway")

    assert ended.returncode == 0, ended.stderr
    assert not (folder / "gateway.previous.nk").exists()
    assert len(both) > len(config.read_text()) == len(alone)
    assert config.read_text() != alone


def test_apart_each_folder_can_be_handed_over_alone(run, tmp_path):
    folder = tmp_path / "credentials"

    ended = run("nats-init", "credentials", "--dir", folder, "--apart")

    assert ended.returncode == 0, ended.stderr
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert files == sorted([*(f"{one}/{one}.nk" for one in SERVICES), "server/nats-users.conf"])


def test_a_command_line_that_is_not_understood_makes_nothing(run, tmp_path):
    ended = run("nats-init", "credentials", "--rotate", "me", "--colour")

    assert ended.returncode == 78
    for name in ["--rotate", "--colour", "--dir"]:
        assert f"  {name}: " in ended.stderr, ended.stderr
    assert "Usage: nats-init credentials" in run("nats-init", "credentials", "--help").stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [("hunter2", "holds no seed"), ("", "holds no seed"), ("SAANHUNTER2", "holds no seed")],
)
def test_a_file_that_holds_no_seed_is_told_and_not_shown(run, tmp_path, text, expected):
    path = tmp_path / "gateway.nk"
    path.write_text(text)

    ended = run("gateway", NATS_NKEY_FILE=str(path))

    assert ended.returncode == 78
    assert "  NATS_NKEY_FILE: " in ended.stderr and expected in ended.stderr
    assert not text or text not in ended.stderr


def test_the_server_of_chappe_knows_its_services_and_nobody_else(start, tmp_path):
    chappe = start("--verbose")
    [config] = (tmp_path / "data").rglob("nats-server.conf")
    port = int(config.read_text().split("127.0.0.1:")[1].split('"')[0])

    with socket.create_connection(("127.0.0.1", port), timeout=10) as server:
        greeting = server.makefile("r")
        assert json.loads(greeting.readline().removeprefix("INFO "))["auth_required"]
        server.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
        assert "Authorization Violation" in greeting.readline()

    for seed in seeds(tmp_path / "data" / "credentials"):
        assert seed not in chappe.said
        assert seed not in config.read_text()
