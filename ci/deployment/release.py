"""A release: images by digest, and the files that they run with.

Each is a folder that never changes again: whoever rolls back finds what the target put there, such
as the compose file, and the catalogue of models as they were, with the images that they were tested
with.
"""

import json
import pathlib
import shutil
from dataclasses import dataclass

import images
from delivery.ends import End, Refused, Unusable
from delivery.registry import Image

# Variable of compose.yaml → image.
NAMES = {variable: name for name, variable in images.VARIABLES.items()}
# Those that no environment can do without.
NEEDED = ("gateway", "llm-worker", "web", "chappe")

class Unwell(End):
    """What is new did not get well."""


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


@dataclass(frozen=True)
class Release:
    """What is, or was, deployed."""

    name: str
    revision: str
    # Variable of compose.yaml → image.
    images: dict
    folder: pathlib.Path

    # Which target it is made for, and can be brought back by.
    target: str = "compose"

    @property
    def models_file(self):
        return self.folder / "models.toml"

    @property
    def digests(self):
        """Image → digest."""
        return {NAMES[key]: image.split("@")[1] for key, image in self.images.items()}

    def is_same(self, other):
        """Whether it is the same version: of images, of the catalogue and of all that they run with."""
        return self.name == other.name or (
            (self.revision, self.images, self.target) == (other.revision, other.images, other.target)
            and self.models_file.read_bytes() == other.models_file.read_bytes()
        )

    @classmethod
    def keep(cls, releases, name, revision, images, source, models, target):
        """Has the target put what it runs with into a folder of its own."""
        folder, making = releases / name, releases / f".{name}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            target.collect(making, source, images, models, revision)
        except End:
            shutil.rmtree(making)
            raise
        about = {"name": name, "revision": revision, "images": images, "target": target.name}
        (making / "release.json").write_text(json.dumps(about, indent=2) + "\n")
        making.rename(folder)
        return cls.read(folder)

    @classmethod
    def read(cls, folder):
        """The release that a folder holds."""
        folder = folder.resolve()
        about = json.loads((folder / "release.json").read_text())
        target = about.get("target", "compose")
        return cls(about["name"], about["revision"], about["images"], folder, target)
