"""What an overlay of k8s/ renders to with images by digest, and what may not be among it."""

import json
import pathlib
import shutil
import tempfile
import tomllib

from delivery import programs
from delivery.ends import Refused, Unusable

from . import kubectl

UNSET = "sha256:" + 64 * "0"
# What has pods; all else is there before them.
RUN = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
# After what they send requests to, or count.
LAST = (*SCALERS, "Ingress", "HTTPRoute")
# Workers know the new catalogue before gateways ask for it. What is not named is before them.
ROLLED = ("llm-worker", "gateway", "web")
# Images of ours, by the last part of their names, whatever the registry is called.
OURS = ("gateway", "llm-worker", "web", "chappe", "model-simulator")
# Without these an environment is none.
NEEDED = ("gateway", "llm-worker", "web")
REVISION = "org.opencontainers.image.revision"


class Bundle:
    """The objects of one environment."""

    def __init__(self, objects):
        self.objects = objects

    @classmethod
    def read(cls, path):
        return cls(json.loads(path.read_text()))

    def write(self, path):
        path.write_text(json.dumps(self.objects, indent=1) + "\n")

    def of(self, *kinds):
        return [one for one in self.objects if one["kind"] in kinds]

    @property
    def namespace(self):
        named = {one["metadata"]["name"] for one in self.of("Namespace")}
        if len(named) != 1:
            raise Refused(f"there has to be one namespace, and here are {sorted(named) or 'none'}")
        return named.pop()

    @property
    def catalogue(self):
        """The models, as pods read them."""
        for one in self.of("ConfigMap"):
            if "models.toml" in one.get("data", {}):
                return one["data"]["models.toml"]
        raise Refused("no ConfigMap has a `models.toml`: no model could be asked")

    @property
    def images(self):
        """Every image, once."""
        pods = [one["spec"] for one in self.of(*RUN)]
        pods = [one.get("jobTemplate", {}).get("spec", one)["template"]["spec"] for one in pods]
        containers = [
            one for pod in pods for one in pod.get("initContainers", []) + pod["containers"]
        ]
        return sorted({one["image"] for one in containers})

    @property
    def ground(self):
        """What pods stand on."""
        return [one for one in self.objects if one["kind"] not in (*RUN, *LAST)]

    @property
    def services(self):
        """What is exchanged pod by pod, in this order."""
        order = {name: place for place, name in enumerate(ROLLED)}
        return sorted(
            self.of("Deployment", "DaemonSet"),
            key=lambda one: order.get(one["metadata"]["name"], -1),
        )

    def without_counts_of_scalers(self):
        """How many pods there are is for scalers to say: a number here would undo theirs."""
        scaled = set()
        for scaler in self.of(*SCALERS):
            target = scaler["spec"]["scaleTargetRef"]
            scaled.add((target.get("kind", "Deployment"), target["name"]))
        for one in self.of("Deployment", "StatefulSet"):
            if (one["kind"], one["metadata"]["name"]) in scaled:
                one["spec"].pop("replicas", None)
        return self

    def refuse_unverified(self, verified):
        """Every image of ours is one of these, and none of others is whatever it happens to be."""
        for image in self.images:
            if UNSET in image:
                raise Refused(f"{image}: its digest is not set")
            if _is_ours(image):
                if image not in verified:
                    raise Refused(f"{image} is not among the images that were verified")
            elif "@sha256:" not in image and _tag(image) in ("", "latest"):
                raise Refused(f"{image} may be another one tomorrow: it needs a tag or a digest")
        ran = {_last_part(image) for image in self.images}
        if missing := [name for name in NEEDED if name not in ran]:
            raise Refused(f"nothing runs {', '.join(missing)}")

    def refuse_secrets(self):
        """What is rendered is kept, and published: nobody's key may be in it."""
        for one in self.of("Secret"):
            if one.get("data") or one.get("stringData"):
                raise Refused(f"secret {one['metadata']['name']}: secrets are not for manifests")

    def refuse_strangers(self):
        """Nothing in another environment is touched."""
        for one in self.objects:
            of = one["metadata"].get("namespace", self.namespace)
            if of != self.namespace:
                raise Refused(f"{one['kind']} {one['metadata']['name']} is in namespace {of}")

    @property
    def of_others(self):
        return [image for image in self.images if not _is_ours(image)]


def make(k8s, overlay, verified, models, revision):
    """Renders an overlay with these images, and refuses what may not run.

    `models` takes the place of the overlay's catalogue, if it is there.
    """
    known = sorted(one.name for one in (k8s / "overlays").glob("*") if one.is_dir())
    if overlay not in known:
        raise Unusable(f"{k8s} has no overlay `{overlay}`: there are {', '.join(known) or 'none'}")
    with tempfile.TemporaryDirectory(prefix="chappe-bundle-") as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(k8s, folder / "k8s", ignore=shutil.ignore_patterns("tests"))
        settings = {"resources": [f"k8s/overlays/{overlay}"]}
        bundle = _render(folder, settings, revision)
        # Only who has seen it rendered knows under which names the overlay has our images.
        settings["images"] = [_by_digest(image, verified) for image in bundle.images
                              if _is_ours(image)]
        if models is not None:
            _read_models(models)
            shutil.copy2(models, folder / "models.toml")
            settings["configMapGenerator"] = [{
                "name": "models", "namespace": bundle.namespace, "behavior": "replace",
                "files": ["models.toml"],
            }]
        bundle = _render(folder, settings, revision).without_counts_of_scalers()
    bundle.refuse_strangers()
    bundle.refuse_secrets()
    bundle.refuse_unverified(verified)
    return bundle


def _render(folder, settings, revision):
    about = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    # JSON is YAML too.
    (folder / "kustomization.yaml").write_text(json.dumps(about | settings))
    try:
        rendered = folder / "rendered.yaml"
        rendered.write_text(kubectl.offline("kustomize", folder))
        # Of YAML, Python reads nothing without help; kubectl makes JSON of whatever it changes.
        said = kubectl.offline(
            "annotate", "--local", "--overwrite", "--output=json", f"--filename={rendered}",
            f"{REVISION}={revision}",
        )
    except programs.Failed as error:
        raise Refused(f"the manifests cannot be rendered: {error}") from error
    return Bundle(_documents(said))


def _documents(text):
    """One JSON document after the other."""
    decoder, place, found = json.JSONDecoder(), 0, []
    text = text.strip()
    while place < len(text):
        document, place = decoder.raw_decode(text, place)
        found.append(document)
        while place < len(text) and text[place].isspace():
            place += 1
    return found


def _by_digest(image, verified):
    """Ours of the same name, or it is refused: kustomize's word for it."""
    named = {_last_part(one): one for one in verified}
    if _last_part(image) not in named:
        raise Refused(f"{image}: no verified image is called {_last_part(image)}")
    repository, digest = named[_last_part(image)].split("@")
    return {"name": _repository(image), "newName": repository, "digest": digest}


def _repository(image):
    name = image.split("@")[0]
    tag = _tag(image)
    return name.removesuffix(f":{tag}") if tag else name


def _tag(image):
    # Before the last slash, a colon is a port's.
    return image.split("@")[0].rpartition("/")[2].partition(":")[2]


def _last_part(image):
    return _repository(image).rpartition("/")[2]


def _is_ours(image):
    return _last_part(image) in OURS


def _read_models(path):
    """A catalogue that nobody could read is refused here, and not by pods."""
    try:
        with open(path, "rb") as file:
            tomllib.load(file)["models"]
    except (OSError, KeyError, ValueError) as error:
        raise Unusable(f"{path} is no catalogue: {error}") from error
