"""`ci/bundle` with kubectl, cosign and oras: manifests for who deploys by pulling."""

import json
import os
import pathlib
import shutil
import subprocess
import tarfile

import place as placing
import pytest

from delivery.ends import Refused, Unusable
from deployment import bundle
from deployment.bundle import Bundle

K8S = pathlib.Path(__file__).resolve().parents[2] / "k8s"
DIGEST = "sha256:" + 32 * "ab"
VERIFIED = {
    f"registry.mine.example:5000/group/{name}@{DIGEST}" for name in [*bundle.OURS]
}
LABELS = {
    "org.opencontainers.image.revision": 40 * "c",
    "org.opencontainers.image.source": "https://git.example/chappe",
    "org.opencontainers.image.created": "2026-01-02T03:04:05+00:00",
}


@pytest.fixture(autouse=True)
def with_kubectl(kubectl, monkeypatch):
    monkeypatch.setenv("KUBECTL_BIN", kubectl)


@pytest.fixture
def k8s(tmp_path):
    """A folder of manifests with a small overlay."""
    placing.write_overlay(tmp_path / "k8s", placing.objects())
    return tmp_path / "k8s"


@pytest.mark.parametrize("overlay", ["dev", "staging", "production"])
def test_each_overlay_is_rendered_with_our_digests(overlay):
    made = bundle.make(K8S, overlay, VERIFIED, None, 40 * "c")

    ours = [image for image in made.images if image not in made.of_others]
    assert set(ours) <= VERIFIED and len(ours) >= 3
    assert "models" in made.catalogue
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in made.of(*bundle.SCALERS)}
    for one in made.services:
        assert ("replicas" in one["spec"]) == (one["metadata"]["name"] not in scaled)
    assert [one["metadata"]["name"] for one in made.services][-3:] == list(bundle.ROLLED)
    # Everything is applied by somebody, and once.
    parts = (made.ground, made.services, made.of("StatefulSet", "Job", "CronJob", *bundle.LAST))
    assert sorted(map(json.dumps, sum(parts, []))) == sorted(map(json.dumps, made.objects))


def changed(change):
    made = placing.objects()
    change({one["metadata"]["name"]: one for one in made}, made)
    return made


def image_of(name, image):
    def change(named, _):
        named[name]["spec"]["template"]["spec"]["containers"][0]["image"] = image

    return change


def added(**object):
    return lambda _, made: made.append({"apiVersion": "v1", "metadata": {"name": "x"}, **object})


@pytest.mark.parametrize(
    "change, told",
    [
        (image_of("nats", "nats"), "nats may be another one tomorrow"),
        (image_of("nats", "registry:5000/nats"), "may be another one tomorrow"),
        (image_of("nats", "nats:latest"), "nats:latest may be another one tomorrow"),
        (image_of("nats", f"nats@{bundle.UNSET}"), "its digest is not set"),
        (image_of("web", "chappe/model-simulator:1"), "no verified image is called model-simul"),
        (lambda named, made: made.remove(named["web"]), "nothing runs web"),
        (added(kind="Secret", stringData={"key": "sk-1"}), "secrets are not for manifests"),
        (lambda named, made: made.remove(named["mine"]), "there has to be one namespace"),
    ],
)
def test_what_may_not_run_is_refused(k8s, change, told):
    placing.write_overlay(k8s, changed(change))
    verified = {image for image in VERIFIED if "simulator" not in image}

    with pytest.raises(Refused, match=told):
        bundle.make(k8s, "staging", verified, None, 40 * "c")


def test_every_container_of_every_kind_is_looked_at():
    pod = {"containers": [{"image": "a:1"}], "initContainers": [{"image": "b:1"}]}
    template = {"template": {"spec": pod}}
    nightly = {"template": {"spec": {"containers": [{"image": "c:1"}]}}}
    made = Bundle([
        {"kind": "DaemonSet", "spec": template},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": nightly}}},
    ])
    assert made.images == ["a:1", "b:1", "c:1"]


def test_no_image_of_ours_is_taken_from_elsewhere():
    spec = {"template": {"spec": {"containers": [{"image": f"elsewhere.example/web@{DIGEST}"}]}}}
    made = Bundle([{"kind": "Deployment", "spec": spec}])
    with pytest.raises(Refused, match="is not among the images that were verified"):
        made.refuse_unverified(VERIFIED)


def test_manifests_that_do_not_render_are_refused(k8s):
    (k8s / "overlays" / "staging" / "objects.yaml").write_text("kind: [")
    with pytest.raises(Refused, match="cannot be rendered"):
        bundle.make(k8s, "staging", VERIFIED, None, 40 * "c")
    with pytest.raises(Unusable, match="no overlay `none`: there are staging"):
        bundle.make(k8s, "none", VERIFIED, None, 40 * "c")


def test_nothing_of_another_namespace_is_touched():
    namespace = {"kind": "Namespace", "metadata": {"name": "mine"}}
    other = {"kind": "Service", "metadata": {"name": "x", "namespace": "kube-system"}}
    with pytest.raises(Refused, match="Service x is in namespace kube-system"):
        Bundle([namespace, other]).refuse_strangers()


@pytest.fixture
def images(push, tmp_path):
    """Images in a registry, and where their digests are written."""
    named = {
        variable: push(name.encode(), f"chappe/{name}", LABELS)
        for variable, name in placing.NAMES.items()
    }
    path = tmp_path / "digests.env"
    path.write_text("".join(f"{key}={image}\n" for key, image in named.items()))
    return path, named


@pytest.fixture
def run(ci, programs, key, kubectl, tmp_path):
    """A program of `ci/` with our key."""
    return lambda *arguments, **variables: ci(
        *arguments, path=programs, **{**key, "KUBECTL_BIN": kubectl, **variables}
    )


def test_the_bundle_is_pushed_signed_and_the_same_each_time(
    run, at, images, programs, kubectl, tmp_path
):
    digests, named = images
    unsigned = run("bundle", "production", "--digests", digests, "--out", tmp_path)
    assert unsigned.code == 1 and "is not signed by our key" in unsigned.err
    for image in named.values():
        assert run("sign", image).code == 0
    told = ["production", "--digests", digests, "--out", tmp_path, "--push", f"{at}/chappe"]

    first, again = run("bundle", *told), run("bundle", *told)

    assert first.code == 0, first.err
    pushed = first.out.split()[-1]
    assert pushed.startswith(f"{at}/chappe/k8s/production@sha256:")
    assert again.code == 0 and again.out.split()[-1] == pushed
    assert run("verify", pushed).code == 0

    oras = shutil.which("oras", path=os.pathsep.join(programs))
    manifest = json.loads(subprocess.run(
        [oras, "manifest", "fetch", "--plain-http", f"{at}/chappe/k8s/production:sha-{12 * 'c'}"],
        check=True, capture_output=True,
    ).stdout)
    # What Flux and Argo CD look at.
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.flux.config.v1+json"
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert LABELS.items() <= manifest["annotations"].items()

    # What is in it is what ci/deploy would apply, and kubectl reads it.
    pulled = tmp_path / "pulled"
    subprocess.run(
        [oras, "pull", "--plain-http", "--no-tty", pushed, "--output", pulled],
        check=True, capture_output=True,
    )
    with tarfile.open(next(pulled.iterdir())) as archive:
        archive.extractall(pulled, filter="data")
    (pulled / "kustomization.yaml").write_text('{"resources": ["chappe.yaml"]}')
    read = subprocess.run(
        [kubectl, "kustomize", pulled], check=True, capture_output=True, text=True
    )
    assert named["CHAPPE_WEB_IMAGE"] in read.stdout and bundle.UNSET not in read.stdout
    made = bundle.make(K8S, "production", set(named.values()), None, 40 * "c")
    assert read.stdout.count("\nkind: ") == len(made.objects)


def test_nothing_is_pushed_that_cannot_be_signed(run, images, at, tmp_path):
    digests, _ = images
    ended = run("bundle", "production", "--digests", digests, "--push", f"{at}/none",
                COSIGN_KEY="")
    assert ended.code == 69 and "COSIGN_KEY is not set" in ended.err
