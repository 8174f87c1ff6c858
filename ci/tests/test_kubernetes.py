"""`ci/deploy --target k8s` with kubectl against an API that stands in for a cluster's."""

import json
import os
import re
import shutil

import fake_kubernetes
import place as placing
import pytest

GOOD, BAD, UNSIGNED = "aa", "bb", "5555"


@pytest.fixture
def around():
    """A cluster, and an API that answers."""
    server, api = fake_kubernetes.Server(), placing.Api()
    yield server, api
    server.stop()
    api.stop()


@pytest.fixture(scope="module")
def first(tmp_path_factory, kubectl):
    """A checkout whose first commit runs, and what was said when it was deployed."""
    folder = tmp_path_factory.mktemp("first")
    server, api = fake_kubernetes.Server(), placing.Api()
    path = placing.stand_ins(tmp_path_factory.mktemp("stand-ins"))
    place = placing.Place.make(folder, [path], kubectl, server, api)
    place.first = place.commit(GOOD)
    code, said = place.deploy("--digests", place.first)
    assert code == 0, said
    yield place, said
    server.stop()
    api.stop()


@pytest.fixture
def deployed(first, around, tmp_path):
    """The same, for one test."""
    return first[0].again(tmp_path / "place", *around)


def digest(name):
    return f"sha256:{(name * 64)[:64]}"


def test_everything_comes_in_its_order_and_by_digest(first):
    place, said = first

    verbs = [(verb, kind, name) for verb, kind, name in place.cluster.changes]
    kinds = [kind for _, kind, _ in verbs]
    # The namespace once before anything is tried, and once with the rest.
    assert kinds[0] == "Namespace"
    assert kinds[-6:] == ["StatefulSet", "Job", *3 * ["Deployment"], "HorizontalPodAutoscaler"]
    assert place.cluster.applied("Deployment") == ["llm-worker", "gateway", "web"]
    assert place.runs == {
        "nats": "nats:2.15.1-alpine",
        "nats-init": f"127.0.0.1:5000/chappe/gateway@{digest(GOOD)}",
        **{name: f"127.0.0.1:5000/chappe/{name}@{digest(GOOD)}"
           for name in ("gateway", "llm-worker", "web")},
    }
    # Who deploys sees where to, and what nobody has verified.
    assert f"namespace chappe-staging of {place.server.url} (context here)" in said
    assert "images of others, as the manifests have them: nats:2.15.1-alpine" in said
    written = place.record
    assert [one["outcome"] for one in written] == ["deployed"] and written[0]["target"] == "k8s"


def test_a_newer_release_makes_the_job_anew_and_leaves_scaled_counts_alone(deployed):
    gateway = deployed.cluster.named("Deployment", "gateway")
    gateway["spec"]["replicas"] = 7

    code, said = deployed.deploy("--digests", deployed.commit("cc"))

    assert code == 0, said
    jobs = [verb for verb, kind, _ in deployed.cluster.changes if kind == "Job"]
    assert jobs == ["delete", "apply"]
    assert deployed.cluster.named("Deployment", "gateway")["spec"]["replicas"] == 7
    assert deployed.cluster.named("Deployment", "web")["spec"]["replicas"] == 1
    assert digest("cc") in deployed.runs["gateway"]


@pytest.mark.parametrize(
    "fate, variables, told",
    [
        ("stuck", {"CHAPPE_ROLLOUT_SECONDS": "3"}, "deployment/llm-worker.*timed out waiting"),
        ("deadline", {}, "deployment/llm-worker.*exceeded its progress deadline"),
        ("failed", {}, "job/nats-init: Job has reached the specified backoff limit"),
        ("restarts", {"CHAPPE_WATCH_SECONDS": "30"},
         "pod [a-z-]+-0 ended and was started again"),
    ],
)
def test_what_turns_bad_is_taken_back(deployed, fate, variables, told):
    before = deployed.runs
    newer = deployed.commit(BAD)
    deployed.cluster.fates[digest(BAD)] = fate

    code, said = deployed.deploy("--digests", newer, **variables)

    assert code == 1, said
    assert re.search(told, said), said
    assert re.search(r"rolled back: staging runs .+-[0-9a-f]{12} again, [0-9.]+ s$", said.strip())
    assert deployed.runs == before
    if fate in ("stuck", "deadline", "failed"):
        # What the pods said is told by whoever was there.
        assert "CrashLoopBackOff again and again" in said and "ended with 78" in said
        assert "the last line of a log" in said
    # Before nats-init has run, no service of the new release takes work.
    if fate == "failed":
        assert deployed.cluster.applied("Deployment") == ["llm-worker", "gateway", "web"]
    assert [one["outcome"] for one in deployed.record] == ["deployed", "rolled-back"]


def test_what_answers_nobody_is_taken_back(deployed):
    newer = deployed.commit(BAD)
    deployed.api.answers[:] = [503, 200]

    code, said = deployed.deploy("--digests", newer)

    assert code == 1 and "model one: status 503" in said and "rolled back" in said
    assert digest(GOOD) in deployed.runs["web"]


def test_who_cannot_be_brought_back_is_told(deployed):
    newer = deployed.commit(BAD)
    # Found out only when it is done, not when it is tried.
    deployed.cluster.forbidden.add(("apply", "Deployment"))

    code, said = deployed.deploy("--digests", newer)

    assert code == 1, said
    assert "could not be brought back either" in said and "not for you" in said
    assert deployed.record[-1]["outcome"] == "failed"


@pytest.mark.parametrize("forbidden", ["Deployment", "NetworkPolicy", "Namespace"])
def test_what_the_cluster_forbids_is_known_before_anything_changes(deployed, forbidden):
    made = placing.objects()
    made.append({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "nothing"}, "spec": {"podSelector": {}},
    })
    placing.write_overlay(deployed.source / "k8s", made)
    verb = "apply" if forbidden == "Namespace" else "dry"
    deployed.cluster.forbidden.add((verb, forbidden))

    code, said = deployed.deploy("--digests", deployed.commit(BAD))

    assert code == 1 and "the cluster says" in said and "not for you" in said, said
    assert {kind for _, kind, _ in deployed.cluster.changes} <= {"Namespace"}
    assert digest(GOOD) in deployed.runs["gateway"]
    assert len(deployed.record) == 1


def test_images_that_may_not_run_change_nothing(deployed):
    revision = deployed.git("rev-parse", "HEAD")
    web = "127.0.0.1:5000/chappe/web"
    for changes, told in [
        ({"CHAPPE_WEB_IMAGE": f"{web}@{digest(UNSIGNED)}"}, "is not signed by our key"),
        ({"CHAPPE_WEB_IMAGE": f"{web}:0.1.0"}, "is not named by digest"),
        ({"CHAPPE_WEB_IMAGE": None}, "names no image for web"),
    ]:
        code, said = deployed.deploy("--digests", deployed.images("cc", revision, **changes))
        assert code == 1 and told in said, said
    deployed.revisions[placing.ZEROS] = revision
    zeros = deployed.images("cc", revision, CHAPPE_WEB_IMAGE=f"{web}@{placing.ZEROS}")
    code, said = deployed.deploy("--digests", zeros)
    assert code == 1 and "its digest is not set" in said, said
    deployed.revisions[digest("dd")] = "0" * 40
    mixed = deployed.images("cc", revision, CHAPPE_WEB_IMAGE=f"{web}@{digest('dd')}")
    code, said = deployed.deploy("--digests", mixed)
    assert code == 1 and "not built from one commit" in said, said

    assert deployed.cluster.changes == []


def test_what_is_older_than_what_runs_changes_nothing(deployed):
    newer = deployed.commit("cc")
    assert deployed.deploy("--digests", newer)[0] == 0
    deployed.cluster.changes.clear()

    code, said = deployed.deploy("--digests", deployed.first)

    assert code == 1 and "a newer pipeline was faster" in said, said
    assert deployed.cluster.changes == []


@pytest.mark.parametrize(
    "variables, code, told",
    [
        ({"KUBECTL_BIN": "/nowhere/kubectl"}, 78, "which is no file"),
        ({"CHAPPE_API_URL": None}, 78, "CHAPPE_API_URL is not set"),
        ({"CHAPPE_API_KEY": None}, 78, "CHAPPE_API_KEY is not set"),
        ({"CHAPPE_KUBE_CONTEXT": "elsewhere"}, 78, "kubectl knows here"),
        ({"KUBECONFIG": "/dev/null"}, 78, "KUBECONFIG names no context"),
        ({"CHAPPE_ROLLOUT_SECONDS": "soon"}, 78, "no number of seconds"),
        ({"CHAPPE_TARGET": "swarm"}, 78, "CHAPPE_TARGET is `swarm`"),
        ({"CHAPPE_TARGET": "compose"}, 78, "staging runs on k8s: say --target k8s"),
    ],
)
def test_settings_that_cannot_be_used_are_named(deployed, variables, code, told):
    ended, said = deployed.deploy("--digests", deployed.first, **variables)

    assert ended == code and told in said, said
    assert deployed.cluster.changes == []


def test_a_missing_kubectl_is_named(deployed, tmp_path):
    (tmp_path / "git").symlink_to(shutil.which("git"))
    path = os.pathsep.join([*map(str, deployed.path), str(tmp_path)])

    code, said = deployed.deploy("--digests", deployed.first, KUBECTL_BIN=None, PATH=path)

    assert code == 69 and "there is no `kubectl` on PATH" in said, said


def test_a_cluster_is_not_guessed(deployed):
    deployed.knows("here", "there")
    code, said = deployed.deploy("--digests", deployed.first)
    assert code == 78 and "one of here, there" in said, said

    code, said = deployed.deploy("--digests", deployed.first, CHAPPE_KUBE_CONTEXT="there")

    assert code == 0 and "(context there)" in said, said


def test_a_cluster_that_is_away_changes_nothing(deployed):
    deployed.knows("here", server="http://127.0.0.1:9")

    code, said = deployed.deploy("--digests", deployed.first)

    assert code == 69 and "127.0.0.1:9" in said, said
    assert len(deployed.record) == 1


def test_an_environment_is_an_overlay(deployed):
    code, said = deployed.deploy("--digests", deployed.first, environment="elsewhere")

    assert code == 78 and "no overlay `elsewhere`: there are staging" in said, said
    assert deployed.cluster.changes == []
    assert list((deployed.folder / "deployments" / "elsewhere" / "releases").iterdir()) == []


def test_a_second_deployment_at_once_is_refused(deployed):
    newer = deployed.commit("cc")
    deployed.api.open.clear()
    with deployed.started("--digests", newer) as first:
        for line in first.stdout:
            if "rolled out" in line:
                break
        code, said = deployed.deploy("--digests", newer)
        deployed.api.open.set()
        rest = first.stdout.read()

    assert code == 1 and "another deployment to staging is under way" in said, said
    assert first.returncode == 0, rest


def test_somebody_rolls_back_and_nats_init_runs_again(deployed):
    before = deployed.runs
    assert deployed.deploy("--digests", deployed.commit("cc"))[0] == 0
    deployed.cluster.changes.clear()

    code, said = deployed.deploy("--rollback")

    assert code == 0 and "rolled back: staging runs" in said, said
    assert deployed.runs == before
    assert ("delete", "Job", "nats-init") in deployed.cluster.changes
    assert deployed.record[-1]["rollback_of"] == deployed.record[-2]["id"]


def test_what_turns_bad_later_is_taken_back_too(deployed):
    assert deployed.deploy("--digests", deployed.commit("cc"))[0] == 0
    assert deployed.deploy("--verify")[0] == 0
    deployed.api.answers[:] = [500, 200]

    code, said = deployed.deploy("--verify")

    assert code == 1 and "rolled back" in said, said
    assert digest(GOOD) in deployed.runs["web"]


def test_a_catalogue_of_ones_own_takes_the_place_of_the_overlays(deployed):
    models = deployed.folder / "other.toml"
    models.write_text('[[models]]\nname = "two"\n')
    old = deployed.cluster.names("ConfigMap")

    code, said = deployed.deploy("--digests", deployed.commit("cc"), "--models", models)

    assert code == 0 and "model two answers" in said, said
    (new,) = deployed.cluster.names("ConfigMap")
    assert {new} != old and "two" in json.dumps(deployed.cluster.named("ConfigMap", new))
    pod = deployed.cluster.named("Deployment", "gateway")["spec"]["template"]["spec"]
    assert pod["volumes"][0]["configMap"]["name"] == new

    models.write_text("no catalogue")
    code, said = deployed.deploy("--digests", deployed.commit("dd"), "--models", models)
    assert code == 78 and "is no catalogue" in said, said


def test_what_a_release_no_longer_has_is_removed_if_it_was_ours(deployed):
    ours = {"app.kubernetes.io/part-of": "chappe"}
    applied = [{"manager": "chappe-deploy", "operation": "Apply"}]
    mounted = {"volumes": [{"configMap": {"name": "mounted"}}]}
    for kind, name, metadata in [
        ("Service", "gone", {"labels": ours, "managedFields": applied}),
        ("ConfigMap", "mounted", {"labels": ours, "managedFields": applied}),
        ("Service", "of-somebody", {"labels": ours, "managedFields": []}),
        ("Service", "unlabelled", {"managedFields": applied}),
        ("HorizontalPodAutoscaler", "of-keda", {
            "labels": ours, "managedFields": applied, "ownerReferences": [{"kind": "ScaledObject"}],
        }),
    ]:
        deployed.cluster.put({
            "kind": kind, "metadata": {"name": name, "namespace": "chappe-staging", **metadata},
        })
    # A pod that is on its way out still needs it.
    deployed.cluster.put({
        "kind": "Pod", "spec": mounted,
        "metadata": {
            "name": "old", "namespace": "chappe-staging", "labels": ours,
            "deletionTimestamp": "now",
        },
    })

    code, said = deployed.deploy("--digests", deployed.commit("cc"))

    assert code == 0, said
    assert "removed: service/gone" in said
    assert "left over, and in use: configmap/mounted" in said
    assert "left over, and not ours to remove: service/of-somebody" in said
    deleted = [name for verb, _, name in deployed.cluster.changes if verb == "delete"]
    assert sorted(deleted) == ["gone", "nats-init"]
