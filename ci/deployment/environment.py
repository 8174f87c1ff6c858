"""What an environment runs and ran, and what became of each deployment.

One folder per environment, on the machine that deploys:

    deployments.jsonl       one line per deployment, read by ci/delivery-metrics
    releases/NAME/          what each release runs with; `bad` in it: it was taken back
    current, previous       links to two of them
    under-way.json          the line of a deployment that has begun to change something and not ended
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil

from delivery import record
from delivery.ends import Refused, Unusable

from .release import Release

# So many releases are kept beside the current and the previous one.
KEPT = 5
# A file in the folder of a release that was taken back.
BAD = "bad"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class Environment:
    """The folder of one environment."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = folder
        self.releases = folder / "releases"
        self.releases.mkdir(parents=True, exist_ok=True)

    @classmethod
    def named(cls, name):
        if not NAME.fullmatch(name):
            raise Unusable(f"`{name}` is no name of an environment: small letters, digits and -")
        folder = os.environ.get("CHAPPE_DEPLOYMENTS") or "~/.local/state/chappe/deployments"
        return cls(name, pathlib.Path(folder).expanduser().resolve() / name)

    @contextlib.contextmanager
    def alone(self):
        """Nobody else deploys here meanwhile; a second one is refused instead of waiting."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Refused(f"another deployment to {self.name} is under way") from error
            yield

    def current(self):
        """What runs, if something does."""
        return self._linked("current")

    def previous(self):
        """What ran before that: where a rollback goes. Never what was taken back as bad."""
        before, runs = self._linked("previous"), self.current()
        if before is None or not (before.folder / BAD).exists():
            return before
        names = (path.name for path in self.releases.iterdir() if not (path / BAD).exists())
        older = sorted(name for name in names if not name.startswith(".") and name < runs.name)
        return Release.read(self.releases / older[-1]) if older else None

    def begins(self, entry):
        """From here on something may change: if the program is killed, this is what is left of it."""
        making = self.folder / ".under-way"
        making.write_text(json.dumps(entry))
        making.rename(self._under_way)

    def ended(self):
        """What runs is known again."""
        self._under_way.unlink(missing_ok=True)

    def cut_off(self):
        """The line of a deployment that never ended, if there is one. Only who is alone may ask."""
        try:
            return json.loads(self._under_way.read_text())
        except FileNotFoundError:
            return None

    @property
    def _under_way(self):
        return self.folder / "under-way.json"

    def is_bad(self, release):
        """Nobody brings it back from here on."""
        (release.folder / BAD).touch()

    def _linked(self, name):
        link = self.folder / name
        return Release.read(link) if link.exists() else None

    def now_runs(self, release, held=()):
        """Writes down what runs from here on. What the files in `held` belong to is kept. The same
        version deployed once more is no step that could be taken back."""
        before = self.current()
        if before is not None and not before.is_same(release):
            self._link("previous", before.folder)
        self._link("current", release.folder)
        self._tidy(held)

    def _link(self, name, to):
        making = self.folder / f".{name}"
        making.unlink(missing_ok=True)
        making.symlink_to(os.path.relpath(to, self.folder))
        making.rename(self.folder / name)

    def _tidy(self, held):
        needed = {release.name for release in (self.current(), self.previous()) if release}
        for file in map(pathlib.Path, held):
            if file.is_relative_to(self.releases):
                needed.add(file.relative_to(self.releases).parts[0])
        others = [path for path in self.releases.iterdir() if path.name not in needed]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[KEPT:]:
            shutil.rmtree(path)

    @property
    def record(self):
        """The file with one line per deployment."""
        return self.folder / "deployments.jsonl"

    def brought(self, release):
        """The id of the deployment that brought a release."""
        ids = [one.id for one in record.read(self.record) if one.revision == release.revision]
        return ids[-1] if ids else None
