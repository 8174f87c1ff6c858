"""`ci/deploy` without an engine: what it refuses, asks and writes down."""

import http.server
import json
import threading
from types import SimpleNamespace

import pytest

from delivery import record
from delivery.ends import Refused, Unusable
from deployment import deployment as deploying
from deployment import probes
from deployment.environment import Environment

# An image of the next version.
OTHER = f"127.0.0.1:5000/chappe/web@sha256:{'cd' * 32}"


@pytest.fixture
def api():
    """An API whose answers to chats are taken from a list, the last one for ever."""
    answers = [200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            body = {"choices": [{"message": {"content": "yes"}}], "data": [{"embedding": [1]}]}
            if status != 200:
                body = {"error": {"message": "no"}}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    users = probes.Users(f"http://127.0.0.1:{server.server_port}", "key")
    yield users, answers
    server.shutdown()
    server.server_close()


def test_every_model_is_asked_once(api, source):
    users, answers = api
    catalogue = probes.models(source / "models.toml")
    probes.ask_each(users, catalogue)
    answers[:] = [200, 503]
    with pytest.raises(probes.Bad, match="model two: status 503: no"):
        probes.ask_each(users, catalogue)


def test_a_few_failures_are_borne_and_more_are_not(api, monkeypatch):
    users, answers = api
    monkeypatch.setattr(probes.time, "sleep", lambda _seconds: None)
    asks = [("one", ["chat"])]
    answers[:] = [200, 500, 200, 500, 200]
    probes.watch(users, asks, 0.2, list)
    answers[:] = [200, 500]
    with pytest.raises(probes.Bad, match="3 of the newest 4 questions failed, last: status 500"):
        probes.watch(users, asks, 20, list)
    answers[:] = [200]
    with pytest.raises(probes.Bad, match="was started again"):
        probes.watch(users, asks, 20, lambda: ["web was started again"])


class Engine:
    """Stands in for a target: it remembers what was applied."""

    name = "compose"

    def __init__(self):
        self.applied = []

    def prepare(self):
        pass

    def collect(self, folder, _source, _images, models, _revision):
        (folder / "models.toml").write_bytes(models.read_bytes())

    def try_out(self, _release):
        pass

    def revision_of(self, _images):
        return "d" * 40

    def apply(self, release):
        self.applied.append(release.name)

    def holds(self):
        return ()

    def url(self):
        return "http://127.0.0.1:9"

    def first_key(self):
        return "key"

    def problems_since_now(self, _release):
        return list


@pytest.fixture
def deploy(environment, source, monkeypatch):
    """A deployment whose look at what was deployed ends as said."""
    class Signer:
        @staticmethod
        def from_environment():
            return Signer()

        def verify(self, image):
            pass

    monkeypatch.setattr(deploying, "SOURCE", source)
    monkeypatch.setattr(deploying, "Signer", Signer)
    everything = [SimpleNamespace(kind=kind) for kind in deploying.KINDS]
    monkeypatch.setattr(deploying, "signed", lambda *_: everything)
    monkeypatch.setattr(deploying.order, "check", lambda *_: "newer")
    monkeypatch.setattr(deploying, "_commits", lambda *_: [])
    monkeypatch.setattr(deploying.probes, "ask_each", lambda *_: None)
    moments = iter(f"2026-01-01T00:00:{second:02}Z" for second in range(60))
    monkeypatch.setattr(deploying, "_now", lambda: next(moments))

    def make(engine, bad=None):
        made = deploying.Deployment(environment, "compose", 1)
        made.target = engine

        def look(*_):
            if bad:
                raise probes.Bad(bad)

        monkeypatch.setattr(deploying.probes, "watch", look)
        return made

    return make


def test_nothing_changes_for_what_is_not_signed_or_older(
    deploy, environment, digests, source, monkeypatch
):
    engine, models = Engine(), source / "models.toml"

    def refuse(*_):
        raise Refused("no")

    def ask(owner, name):
        with monkeypatch.context() as changed:
            changed.setattr(owner, name, refuse)
            with pytest.raises(Refused, match="^no$"):
                deploy(engine).deploy(digests(), models)

    ask(deploying.Signer, "verify")
    ask(deploying.order, "check")

    assert engine.applied == [] and environment.current() is None
    assert not environment.record.exists()


@pytest.mark.parametrize("kind", deploying.KINDS)
def test_an_image_that_did_not_come_through_the_pipeline_is_refused(
    deploy, environment, digests, source, monkeypatch, kind
):
    others = [SimpleNamespace(kind=one) for one in deploying.KINDS if one != kind]
    monkeypatch.setattr(deploying, "signed", lambda *_: others)
    engine, models = Engine(), source / "models.toml"

    with pytest.raises(Refused, match=f"no signed {kind}"):
        deploy(engine).deploy(digests(), models)

    assert engine.applied == []
    monkeypatch.setenv("CHAPPE_WITHOUT", kind)
    deploy(engine).deploy(digests(), models)
    monkeypatch.setenv("CHAPPE_WITHOUT", "scans")
    with pytest.raises(Unusable, match="there is no scans"):
        deploy(engine).deploy(digests(), models)


def test_what_turns_bad_is_taken_back_and_written_down(deploy, environment, digests, source):
    engine, models = Engine(), source / "models.toml"
    deploy(engine).deploy(digests(), models)
    good = environment.current()

    with pytest.raises(Refused, match=f"runs {good.name} again"):
        deploy(engine, bad="nobody answers").deploy(digests(), models)

    assert environment.current().name == good.name
    assert engine.applied[0] == engine.applied[2] == good.name != engine.applied[1]
    written = record.read(environment.record)
    assert [one.outcome for one in written] == ["deployed", "rolled-back"]
    assert written[1].detected is not None


def test_the_first_one_that_is_bad_has_nothing_to_go_back_to(deploy, environment, digests, source):
    with pytest.raises(Refused, match="nothing ran before"):
        deploy(Engine(), bad="no").deploy(digests(), source / "models.toml")
    assert environment.current() is None
    assert [one.outcome for one in record.read(environment.record)] == ["failed"]


def test_what_is_brought_back_may_be_bad_too(deploy, environment, digests, source, monkeypatch):
    deploy(Engine()).deploy(digests(), source / "models.toml")
    made = deploy(Engine(), bad="nobody answers")

    def nobody(*_):
        raise probes.Bad("still nobody")

    monkeypatch.setattr(deploying.probes, "ask_each", nobody)

    with pytest.raises(Refused, match="could not be brought back either.*still nobody"):
        made.deploy(digests(), source / "models.toml")

    assert [one.outcome for one in record.read(environment.record)] == ["deployed", "failed"]


def test_an_environment_has_one_target(environment, keep):
    environment.now_runs(keep("first"))
    with pytest.raises(Unusable, match="runs on compose: say --target compose"):
        deploying.Deployment(environment, "k8s", 1)


def test_somebody_rolls_back(deploy, environment, digests, source):
    engine = Engine()
    with pytest.raises(Refused, match="nothing is deployed"):
        deploy(engine).roll_back()
    deploy(engine).deploy(digests(), source / "models.toml")
    with pytest.raises(Refused, match="no release before"):
        deploy(engine).roll_back()
    first = environment.current().name
    deploy(engine).deploy(digests(CHAPPE_WEB_IMAGE=OTHER), source / "models.toml")
    # Once more, as a job that is run again does it: no step that would be taken back.
    deploy(engine).deploy(digests(CHAPPE_WEB_IMAGE=OTHER), source / "models.toml")

    deploy(engine).roll_back()

    assert environment.current().name == first == engine.applied[-1]
    written = record.read(environment.record)
    assert written[-1].rollback_of == written[-2].id


def test_what_turns_bad_later_is_taken_back_too(deploy, environment, digests, source):
    engine = Engine()
    for changes in ({}, {"CHAPPE_WEB_IMAGE": OTHER}):
        deploy(engine).deploy(digests(**changes), source / "models.toml")
    before = environment.previous().name
    deploy(engine).verify()

    with pytest.raises(Refused, match="rolled back"):
        deploy(engine, bad="slow").verify()

    assert environment.current().name == before
    *_, tried, taken_back = record.read(environment.record)
    assert (taken_back.outcome, taken_back.rollback_of) == ("deployed", tried.id)


class Killed(BaseException):
    """The program ends here, and does nothing more."""


@pytest.fixture
def killed(deploy, digests, source):
    """One version runs, and the deployment of another is killed in the middle."""
    class Dies(Engine):
        def apply(self, release):
            super().apply(release)
            raise Killed

    deploy(Engine()).deploy(digests(), source / "models.toml")
    dies = deploy(Dies())
    with pytest.raises(Killed):
        dies.deploy(digests(CHAPPE_WEB_IMAGE=OTHER), source / "models.toml")
    return dies


def test_what_a_killed_deployment_left_is_not_taken_for_well(deploy, environment, killed):
    engine = Engine()
    with pytest.raises(Refused, match=f"{killed.id} was cut off.*--rollback brings"):
        deploy(engine).verify()
    assert engine.applied == []

    deploy(engine).roll_back()

    assert engine.applied == [environment.current().name]
    good, cut_off, back = record.read(environment.record)
    assert (cut_off.id, cut_off.outcome) == (killed.id, "failed")
    assert (back.rollback_of, back.digests) == (killed.id, good.digests)
    deploy(engine).verify()


def test_a_deployment_goes_on_where_another_was_killed(
    deploy, environment, digests, source, killed
):
    engine = Engine()
    deploy(engine).deploy(digests(CHAPPE_WEB_IMAGE=OTHER), source / "models.toml")

    written = record.read(environment.record)
    assert [one.outcome for one in written] == ["deployed", "failed", "deployed"]
    assert written[1].id == killed.id
    deploy(engine).verify()
    deploy(engine).roll_back()
    assert environment.current().digests == written[0].digests


def test_a_deployment_killed_once_it_was_written_down_is_not_written_again(
    deploy, environment, digests, source, monkeypatch
):
    def dies(*_):
        raise Killed

    models = source / "models.toml"
    deploy(Engine()).deploy(digests(), models)
    with monkeypatch.context() as changed:
        changed.setattr(Environment, "now_runs", dies)
        with pytest.raises(Killed):
            deploy(Engine()).deploy(digests(CHAPPE_WEB_IMAGE=OTHER), models)

    deploy(Engine()).deploy(digests(CHAPPE_WEB_IMAGE=OTHER), models)

    written = record.read(environment.record)
    assert [one.outcome for one in written] == ["deployed"] * 3


def test_the_command_line_says_how_it_is_used(ci):
    said = ci("deploy", "--help")
    assert said.code == 0 and "CHAPPE_DEPLOYMENTS" in said.out
    assert ci("deploy", "staging").code == 2
    assert ci("deploy", "staging", "--rollback", "--target", "swarm").code == 2


def test_an_environment_has_a_compose_project_of_its_own(environment, monkeypatch):
    monkeypatch.delenv("CHAPPE_PROJECT", raising=False)
    assert deploying.Deployment(environment, "compose", 1).target.project == "chappe-staging"
    monkeypatch.setenv("CHAPPE_PROJECT", "another")
    assert deploying.Deployment(environment, "compose", 1).target.project == "another-staging"
