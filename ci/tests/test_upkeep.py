"""`ci/upkeep`: branches, pipelines, vulnerabilities, certificates."""

import datetime
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading

import pytest

from delivery import upkeep
from delivery.ends import Missing, Unusable

NOW = datetime.datetime(2026, 6, 10, 12, tzinfo=datetime.UTC)


@pytest.fixture
def repository(tmp_path):
    """A clone, and how commits get to its remote."""
    remote, clone = tmp_path / "remote", tmp_path / "clone"

    def git(*arguments, at="2026-06-10T00:00:00Z"):
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
            check=True, capture_output=True, cwd=remote,
            env={
                "PATH": os.environ["PATH"], "HOME": str(tmp_path),
                "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at,
            },
        )

    remote.mkdir()
    git("init", "-b", "main")
    git("commit", "--allow-empty", "-m", "first", at="2026-01-01T00:00:00Z")

    def cloned():
        subprocess.run(["git", "clone", "--quiet", remote, clone], check=True, capture_output=True)
        return clone

    return git, cloned


def age(repository):
    [(figure, value, labels)] = upkeep.branches(repository, "origin", "main", NOW)
    assert (figure.name, labels) == ("app.delivery.branch_age", {})
    return value


def test_a_branch_is_as_old_as_its_first_commit_that_main_lacks(repository):
    git, cloned = repository
    git("checkout", "-b", "old")
    git("commit", "--allow-empty", "-m", "a", at="2026-06-08T12:00:00Z")
    git("commit", "--allow-empty", "-m", "b", at="2026-06-10T11:00:00Z")
    assert age(cloned()) == 2 * 86400


def test_what_is_merged_is_not_old(repository):
    git, cloned = repository
    git("branch", "merged")
    assert age(cloned()) == 0


@pytest.fixture
def gitlab():
    """Answers with what it is told."""
    answer = {"body": b"[]"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer["token"] = self.headers["PRIVATE-TOKEN"]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answer["url"] = f"http://127.0.0.1:{server.server_port}"
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("statuses", "red"),
    [
        (["running", "failed", "success"], [1.0]),
        (["success", "failed"], [0.0]),
        (["running", "canceled"], []),
    ],
)
def test_main_is_as_red_as_its_last_pipeline_that_has_ended(gitlab, statuses, red):
    gitlab["body"] = json.dumps([{"status": status} for status in statuses]).encode()
    told = upkeep.main_is_red(gitlab["url"], "secret")
    assert [value for _figure, value, _labels in told] == red
    assert gitlab["token"] == "secret"


def test_an_answer_that_is_none_is_told(gitlab):
    gitlab["body"] = b"<html>"
    with pytest.raises(Missing, match="pipelines"):
        upkeep.main_is_red(gitlab["url"], None)


def test_vulnerabilities_are_those_that_were_refused(tmp_path):
    file = tmp_path / "scan.json"
    file.write_text('{"scanned": true, "refused": ["a", "b"]}')
    [(figure, value, _labels)] = upkeep.vulnerabilities(file)
    assert (figure.name, value) == ("app.delivery.vulnerabilities", 2)
    file.write_text('{"scanned": false}')
    with pytest.raises(Missing):
        upkeep.vulnerabilities(file)
    with pytest.raises(Unusable):
        upkeep.vulnerabilities(tmp_path / "none.json")


@pytest.fixture
def shown(tmp_path):
    """Shows a certificate for `localhost` that is good for 30 days."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"localhost:{listener.getsockname()[1]}", tmp_path / "cert.pem"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_certificate_is_good_until_then(shown):
    address, authority = shown
    context = ssl.create_default_context(cafile=authority)
    [(figure, value, labels)] = upkeep.certificate(address, context)
    assert figure.name == "app.delivery.certificate_expiry"
    assert labels == {"server.address": address}
    days = (value - datetime.datetime.now(datetime.UTC).timestamp()) / 86400
    assert 29 < days < 31


def test_a_certificate_that_nobody_trusts_is_over(shown):
    [(_figure, value, _labels)] = upkeep.certificate(shown[0])
    assert value == 0


@pytest.mark.parametrize("address", ["nowhere", "host:", ":443", "host:https"])
def test_an_address_has_a_host_and_a_port(address):
    with pytest.raises(Unusable):
        upkeep.certificate(address)


def test_what_cannot_be_seen_holds_up_nothing_else(ci, repository, tmp_path):
    _git, cloned = repository
    verdict = tmp_path / "scan.json"
    verdict.write_text('{"scanned": true, "refused": ["a"]}')
    ended = ci("upkeep", "--repository", cloned(), "--verdict", verdict,
               "--pipelines", "http://127.0.0.1:9/", "--certificate", "127.0.0.1:9")
    assert ended.code == 69
    assert "pipelines of main" in ended.err and "certificate of 127.0.0.1:9" in ended.err
    assert "app.delivery.vulnerabilities 1.0" in ended.out
    assert "app.delivery.branch_age 0.0" in ended.out
