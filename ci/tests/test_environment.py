"""What `ci/deploy` keeps of an environment, and of each release."""

import pytest

from conftest import CATALOGUE, DIGEST, IMAGES
from delivery.ends import Refused, Unusable
from deployment.compose import Compose
from deployment.environment import KEPT, Environment
from deployment.release import Release, read_digests


def test_images_are_named_by_digest_and_all_of_them(digests):
    assert read_digests(digests()) == IMAGES
    with pytest.raises(Refused, match="line 3: CHAPPE_WEB_IMAGE.*named by digest"):
        read_digests(digests(CHAPPE_WEB_IMAGE="127.0.0.1:5000/chappe/web:0.1.0"))
    with pytest.raises(Refused, match="no image for web"):
        read_digests(digests(CHAPPE_WEB_IMAGE=None))
    with pytest.raises(Unusable):
        read_digests(digests().with_name("nowhere"))


def test_a_release_stays_what_it_was(keep, source):
    release = keep("first")
    variables = Compose("staging").variables
    catalogue = variables(release)["CHAPPE_CATALOGUE"]
    (source / "compose.yaml").write_text("new\n")
    (source / "models.toml").write_text(CATALOGUE + "# another\n")

    again = Release.read(release.folder)

    assert again == release
    assert (again.folder / "compose.yaml").read_text() == "old\n"
    assert variables(again)["CHAPPE_CATALOGUE"] == catalogue
    assert variables(keep("second"))["CHAPPE_CATALOGUE"] != catalogue
    assert again.digests["llm-worker"] == DIGEST


@pytest.mark.parametrize(
    ("file", "variable"),
    [
        ("nats.conf", "CHAPPE_NATS_CONFIGURATION"),
        ("haproxy.cfg", "CHAPPE_PROXY_CONFIGURATION"),
        ("errors/503.http", "CHAPPE_PROXY_CONFIGURATION"),
    ],
)
def test_another_configuration_is_another_label_of_whom_it_is_for(keep, source, file, variable):
    path = source / "compose" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("old\n")
    variables = Compose("staging").variables
    first, same = variables(keep("first")), variables(keep("same"))
    path.write_text("new\n")
    changed = variables(keep("changed"))
    labels = ("CHAPPE_NATS_CONFIGURATION", "CHAPPE_PROXY_CONFIGURATION")
    assert [name for name in labels if first[name] != changed[name]] == [variable]
    assert [name for name in labels if first[name] != same[name]] == []


def test_compose_by_hand_in_the_folder_of_a_release_is_about_its_environment(
    keep, source, monkeypatch
):
    (source / ".env").write_text("# Chosen.\nCHAPPE_MODEL=ollama\nCOMPOSE_PROFILES=${CHAPPE_MODEL}\n")
    monkeypatch.setenv("CHAPPE_MODEL", "simulator")
    monkeypatch.setenv("CHAPPE_API_PORT", "28790")
    monkeypatch.setenv("COSIGN_PASSWORD", "hidden")

    lines = (keep("first").folder / ".env").read_text().splitlines()

    assert lines[:3] == ["# Chosen.", "CHAPPE_MODEL=simulator", "COMPOSE_PROFILES=${CHAPPE_MODEL}"]
    assert {"COMPOSE_PROJECT_NAME=chappe-staging", "CHAPPE_API_PORT=28790"} <= set(lines)
    assert {f"{name}={image}" for name, image in IMAGES.items()} <= set(lines)
    assert "hidden" not in "".join(lines)


def test_an_environment_knows_what_runs_and_what_ran_before(environment, keep):
    assert environment.current() is None and environment.previous() is None
    for name in ("1", "2", "3"):
        environment.now_runs(keep(name))
    # The same once more is no step.
    environment.now_runs(environment.current())
    assert (environment.current().name, environment.previous().name) == ("3", "2")

    environment.now_runs(environment.previous())
    assert (environment.current().name, environment.previous().name) == ("2", "3")

    for number in range(10, 20):
        environment.now_runs(keep(str(number)))
    kept = {path.name for path in environment.releases.iterdir()}
    assert len(kept) == KEPT + 2 and {"18", "19"} <= kept


def test_what_a_container_has_mounted_is_kept(environment, keep):
    held = keep("1")
    mounted = [str(held.folder / "compose" / "nats.conf"), "/elsewhere"]
    for number in range(10, 20):
        environment.now_runs(keep(str(number)), mounted)
    assert held.folder.is_dir()
    environment.now_runs(keep("20"))
    assert not held.folder.exists()


def test_what_was_taken_back_is_never_brought_back(environment, keep):
    for name in ("1", "2", "3"):
        environment.now_runs(keep(name))
    bad = environment.current()
    environment.is_bad(bad)
    environment.now_runs(environment.previous())

    assert (environment.current().name, environment.previous().name) == ("2", "1")

    environment.is_bad(environment.previous())
    assert environment.previous() is None


def test_nobody_else_deploys_meanwhile(environment):
    with environment.alone():
        with pytest.raises(Refused, match="under way"):
            with Environment.named("staging").alone():
                pass
    with environment.alone():
        pass
    with pytest.raises(Unusable):
        Environment.named("../elsewhere")
