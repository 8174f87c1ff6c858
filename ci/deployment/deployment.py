"""One deployment, from asking for it to its line in the record."""

import datetime
import os
import pathlib
import time

from delivery import order, programs, record, tell
from delivery.ends import End, Refused, Unusable
from delivery.registry import KINDS, Image, Signer, signed

from . import probes
from .compose import Compose
from .kubernetes import Kubernetes
from .release import Release, read_digests

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TARGETS = {target.name: target for target in (Compose, Kubernetes)}


class Deployment:
    """What one call of ci/deploy does to an environment."""

    def __init__(self, environment, target, watch_s):
        self.environment = environment
        self.target = TARGETS[target](environment.name)
        self.watch_s = watch_s
        runs = environment.current()
        if runs is not None and runs.target != target:
            raise Unusable(
                f"{environment.name} runs on {runs.target}: say --target {runs.target}, or give "
                "the other a name of its own"
            )
        self.started = _now()
        self.id = f"{environment.name}-{self.started}"

    def deploy(self, digests, models):
        """Brings images into the environment, or takes them back."""
        images = read_digests(digests)
        self.target.prepare()
        signer, required = Signer.from_environment(), _required()
        for name in images.values():
            image = Image.parse(name)
            signer.verify(image)
            there = {one.kind for one in signed(image, signer)} if required else set()
            if missing := [kind for kind in required if kind not in there]:
                lacks = ", ".join(missing)
                raise Refused(f"{image} has not come through the pipeline: no signed {lacks}")
            print(f"signed by our key, with {', '.join(required) or 'nothing attached'}: {image}",
                  flush=True)
        before = self.environment.current()
        revision = self.target.revision_of(images.values())
        newer = order.check(SOURCE, before and before.revision, revision, False)
        print(f"{revision[:12]} is {newer}", flush=True)
        name = f"{self.started.replace(':', '').replace('-', '')}-{revision[:12]}"
        release = Release.keep(
            self.environment.releases, name, revision, images, SOURCE, models, self.target
        )
        self.target.try_out(release)
        self._settle_cut_off()
        self.environment.begins(self._entry(release, before, "failed"))
        tell.begun(self.environment.name)
        try:
            self.target.apply(release)
            self._look(release)
        except (End, probes.Bad) as error:
            self._take_back(release, before, error)
        self._write(release, before, "deployed")
        self.environment.now_runs(release, self.target.holds())
        self.environment.ended()
        print(f"deployed: {self.environment.name} runs {release.name}")

    def verify(self):
        """Watches what runs, and takes it back if it is bad."""
        runs = self._current()
        if cut_off := self.environment.cut_off():
            raise Refused(
                f"{cut_off['id']} was cut off while it changed {self.environment.name}, and nobody "
                f"knows what runs: --rollback brings {runs.name} back, another deployment goes on"
            )
        self.target.prepare()
        try:
            self._look(runs)
        except probes.Bad as error:
            self._take_back(
                runs, self.environment.previous(), error, brought=self.environment.brought(runs)
            )
        print(f"verified: {self.environment.name} runs {runs.name}")

    def roll_back(self):
        """Brings back what ran before, because somebody asked for it."""
        runs, to = self._current(), self.environment.previous()
        if cut_off := self.environment.cut_off():
            # It never came to be what runs; parts of it may.
            to, wrong = runs, cut_off["id"]
        elif to is None:
            raise Refused(f"{self.environment.name} has no release before {runs.name}")
        else:
            wrong = self.environment.brought(runs)
        self.target.prepare()
        seconds = self._bring_back(to)
        self._settle_cut_off()
        self._write(to, runs, "deployed", rollback_of=wrong)
        print(f"rolled back: {self.environment.name} runs {to.name} again, {seconds:.1f} s")

    def _settle_cut_off(self):
        """Writes down a deployment that was killed before it could do so."""
        entry = self.environment.cut_off()
        if entry is None:
            return
        if entry["id"] not in (one.id for one in record.read(self.environment.record)):
            print(f"{entry['id']} was cut off, and counts as failed", flush=True)
            record.append(self.environment.record, entry | {"finished": _now()})
        self.environment.ended()

    def _take_back(self, release, before, error, brought=None):
        """Back to what ran, and the end of the program. `brought` is the deployment that has brought
        the release, where it is not this one."""
        detected = _now()
        self.environment.is_bad(release)
        print(f"{release.name} is bad: {error}", flush=True)
        if before is None:
            self._write(release, before, "failed", detected=detected)
            self.environment.ended()
            raise Refused("nothing ran before it: what runs now is left as it is") from error
        try:
            seconds = self._bring_back(before)
        except End as another:
            self._write(release, before, "failed", detected=detected)
            self.environment.ended()
            raise Refused(
                f"{before.name} could not be brought back either, and neither runs as a whole: "
                f"{another}"
            ) from error
        if brought is None:
            self._write(release, before, "rolled-back", detected=detected)
        else:
            # The end of that one, and no change of its own.
            self._write(before, release, "deployed", detected=detected, rollback_of=brought)
        self.environment.ended()
        raise Refused(
            f"rolled back: {self.environment.name} runs {before.name} again, {seconds:.1f} s"
        ) from error

    def _bring_back(self, release):
        began = time.monotonic()
        self.target.apply(release)
        self.environment.now_runs(release, self.target.holds())
        try:
            probes.ask_each(self._users(), probes.models(release.models_file))
        except probes.Bad as error:
            raise Refused(f"{release.name} runs again, and is bad too: {error}") from error
        return time.monotonic() - began

    def _current(self):
        runs = self.environment.current()
        if runs is None:
            raise Refused(f"nothing is deployed to {self.environment.name}")
        return runs

    def _look(self, release):
        users, catalogue = self._users(), probes.models(release.models_file)
        probes.ask_each(users, catalogue)
        probes.watch(users, catalogue, self.watch_s, self.target.problems_since_now(release))

    def _users(self):
        url = os.environ.get("CHAPPE_API_URL") or self.target.url()
        return probes.Users(url, os.environ.get("CHAPPE_API_KEY") or self.target.first_key())

    def _write(self, release, before, outcome, **more):
        record.append(self.environment.record, self._entry(release, before, outcome, **more))
        tell.judged(self.environment.name, self.environment.record)

    def _entry(self, release, before, outcome, **more):
        return {
            "id": self.id,
            "environment": self.environment.name,
            "target": self.target.name,
            "revision": release.revision,
            "digests": release.digests,
            "commits": _commits(before, release),
            "started": self.started,
            "finished": _now(),
            "outcome": outcome,
            **more,
        }


def _required():
    """What has to be attached to an image before it runs anywhere: what the stages before have
    found out about it."""
    without = [kind for kind in os.environ.get("CHAPPE_WITHOUT", "").split(",") if kind]
    if unknown := [kind for kind in without if kind not in KINDS]:
        raise Unusable(f"CHAPPE_WITHOUT: there is no {unknown[0]}; there are {', '.join(KINDS)}")
    if without:
        print(f"NOT REQUIRED of images, as CHAPPE_WITHOUT says: {', '.join(without)}", flush=True)
    return [kind for kind in KINDS if kind not in without]


def _commits(before, release):
    """What came with a release that was not there before."""
    span = f"{release.revision}~1..{release.revision}"
    if before is not None:
        span = f"{before.revision}..{release.revision}"
    try:
        listed = programs.output("git", "-C", SOURCE, "log", "--format=%H %cI", span)
    except programs.Failed:
        # The first commit of all has none before it; a clone that is not whole knows fewer still.
        try:
            only = ("log", "-1", "--format=%H %cI", release.revision)
            listed = programs.output("git", "-C", SOURCE, *only)
        except programs.Failed as error:
            print(f"which commits came with it is not known: {error}", flush=True)
            listed = ""
    return [dict(zip(("id", "time"), line.split(" ", 1))) for line in listed.splitlines()]


def _now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
