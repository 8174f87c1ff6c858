"""A release: images by digest, and the files that they run with.

Each is a folder that never changes again: whoever rolls back finds the compose file and the
catalogue of models as they were, with the images that they were tested with.
"""

import hashlib
import json
import pathlib
import shutil
from dataclasses import dataclass

import images
from delivery.ends import Refused, Unusable
from delivery.registry import Image

# Variable of compose.yaml → image.
NAMES = {variable: name for name, variable in images.VARIABLES.items()}
# Those that no environment can do without.
NEEDED = ("gateway", "llm-worker", "web", "chappe")
# What of the repository a deployment runs with, beside images.
FILES = ("compose.yaml", "compose", ".env")


def read_digests(path):
    """The lines `VARIABLE=registry/repository@sha256:…` that ci/build-images wrote.

    A tag is refused: what was tested and what is deployed would not have to be the same.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path}: {error}") from error
    named = {}
    for number, line in enumerate(lines, 1):
        variable, _, image = line.strip().partition("=")
        if variable in NAMES:
            try:
                named[variable] = str(Image.parse(image))
            except Refused as error:
                raise Refused(f"{path}, line {number}: {variable}: {error}") from error
    missing = [name for name in NEEDED if name not in {NAMES[known] for known in named}]
    if missing:
        raise Refused(f"{path} names no image for {', '.join(missing)}")
    return named


def _digest(*files):
    """Short for what is in these files, those that are there."""
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Release:
    """What is, or was, deployed."""

    name: str
    revision: str
    # Variable of compose.yaml → image.
    images: dict
    folder: pathlib.Path

    @property
    def compose_file(self):
        return self.folder / "compose.yaml"

    @property
    def models_file(self):
        return self.folder / "models.toml"

    @property
    def digests(self):
        """Image → digest."""
        return {NAMES[key]: image.split("@")[1] for key, image in self.images.items()}

    def variables(self):
        """What compose reads of it."""
        configuration = self.folder / "compose"
        return {
            **self.images,
            "CHAPPE_MODELS_FILE": str(self.models_file),
            # Labels of the services that read them: compose does not look into files, and with
            # another label a service is replaced.
            "CHAPPE_CATALOGUE": _digest(self.models_file),
            "CHAPPE_NATS_CONFIGURATION": _digest(configuration / "nats.conf"),
            "CHAPPE_PROXY_CONFIGURATION": _digest(
                configuration / "haproxy.cfg", *sorted(configuration.glob("errors/*"))
            ),
        }

    @classmethod
    def keep(cls, releases, name, revision, images, source, models):
        """Copies what it runs with into a folder of its own."""
        folder, making = releases / name, releases / f".{name}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        for entry in FILES:
            path = source / entry
            if path.is_dir():
                shutil.copytree(path, making / entry)
            else:
                shutil.copy2(path, making / entry)
        shutil.copy2(models, making / "models.toml")
        about = {"name": name, "revision": revision, "images": images}
        (making / "release.json").write_text(json.dumps(about, indent=2) + "\n")
        making.rename(folder)
        return cls.read(folder)

    @classmethod
    def read(cls, folder):
        """The release that a folder holds."""
        folder = folder.resolve()
        about = json.loads((folder / "release.json").read_text())
        return cls(about["name"], about["revision"], about["images"], folder)
