"""The version before this one: the latest earlier commit whose programs are others, and which has
passed the tests of its own stack.

Everything that is made of a commit is kept in a folder named after it, and made once: a clone, its
programs, images, and what its tests said.
"""

import os
import subprocess
import sys
from pathlib import Path

from support.compose import ROOT

# What programs and images are made of; the rest changes nothing that runs.
PRODUCT = [
    *("crates", "gateway", "llm-worker", "web", "Cargo.toml", "Cargo.lock", "Dockerfile"),
    *(":(exclude,glob)**/tests/**", ":(exclude,glob)**/tests.rs", ":(exclude,glob)**/*.md"),
    *(":(exclude)crates/test-support", ":(exclude)crates/nats-server"),
]
PACKAGES = ["bus", "gateway", "launcher", "llm-worker", "model-simulator", "web"]
# Of commits that do not pass, so many are gone behind.
TRIES = 3
# What is compiled, is compiled once.
BUILT_WITHIN_S = 3000
ACCEPTED_WITHIN_S = 900


class Previous:
    """A commit as its images run: they are tagged `version`."""

    def __init__(self, commit):
        self.commit = commit
        self.version = f"previous-{commit[:12]}"
        self.folder = _made() / commit[:12]
        self.root = self.folder / "source"

    @property
    def title(self):
        return _git("show", "--no-patch", "--format=%h %s", self.commit)

    def make(self):
        """Its images are on the engine from then on, and have passed; or an error says why not."""
        if not self.root.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            # Only once it is whole it is there.
            making = self.folder / "making"
            subprocess.run(["rm", "-rf", making], check=True)
            self._run("clone", ["git", "clone", "--quiet", "--no-checkout", ROOT, making])
            self._run("checkout", ["git", "-C", making, "checkout", "--quiet", "--detach", self.commit])
            making.rename(self.root)
        self._run("build", self._build(), within_s=BUILT_WITHIN_S, RUSTFLAGS=STATIC)
        programs = _made() / "build" / _host() / "release"
        self._run("images", [sys.executable, "ci/build-images", "--programs", programs])
        # Who made them does not matter to what is tested, but the tests take minutes.
        accepted = self.folder / "accepted"
        if not accepted.exists():
            self._accept()
            accepted.touch()

    def _build(self):
        command = ["cargo", "build", "--profile", "release", "--locked", "--bins"]
        # One folder for all commits: what they have in common is compiled once.
        command += ["--target", _host(), "--target-dir", _made() / "build"]
        return [*command, *(word for name in PACKAGES for word in ("--package", name))]

    def _accept(self):
        """The short form of its own tests of the stack."""
        report = f"--junitxml={self.folder / 'accepted.xml'}"
        command = [sys.executable, "-m", "pytest", "compose", "-m", "not long", report]
        # A test inside of a test: what is said to the one is not for the other.
        own = {name: "" for name in os.environ if name.startswith(("ACCEPTANCE_", "PYTEST_"))}
        self._run("accepted", command, "acceptance", ACCEPTED_WITHIN_S, **own)

    def _run(self, what, command, folder=".", within_s=300, **more):
        log = self.folder / f"{what}.log"
        environment = {**os.environ, "CHAPPE_VERSION": self.version, **more}
        at = self.root / folder if self.root.exists() else ROOT
        with log.open("w") as said:
            ended = subprocess.run(
                command,
                cwd=at,
                env={name: value for name, value in environment.items() if value},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=within_s,
            )
        if ended.returncode:
            end = "\n".join(log.read_text().splitlines()[-30:])
            raise Unfit(f"{self.commit[:12]}: `{what}` fails, {log} has all of it:\n{end}")


STATIC = "-C target-feature=+crt-static"


class Unfit(Exception):
    """A commit is no version that something could be compared with."""


def find():
    """The previous version, made and tested. CHAPPE_PREVIOUS names another commit."""
    named = os.environ.get("CHAPPE_PREVIOUS")
    if named:
        previous = Previous(_git("rev-parse", "--verify", f"{named}^{{commit}}"))
        previous.make()
        return previous
    found = []
    for commit in _git("rev-list", "--first-parent", "HEAD").split():
        newer = found[-1].commit if found else None
        if not _differ(commit, newer):
            continue
        try:
            Previous(commit).make()
            return Previous(commit)
        except Unfit as error:
            found.append(Previous(commit))
            print(error)
        if len(found) == TRIES:
            raise Unfit(f"none of the {TRIES} versions before this one passes its own tests")
    raise Unfit("git knows no commit with other programs: fetch the history (GIT_DEPTH: 0)")


def _differ(commit, newer):
    """Whether the programs of a commit are others than those of a newer one, or of what is here."""
    span = [commit, newer] if newer else [commit]
    return bool(_git("diff", "--name-only", *span, "--", *PRODUCT))


def _made():
    """Where it is kept."""
    return Path(os.environ.get("ACCEPTANCE_PREVIOUS") or ROOT / "target" / "previous")


def _host():
    ended = subprocess.run(
        ["rustc", "--print", "host-tuple"], capture_output=True, check=True, text=True
    )
    return ended.stdout.strip()


def _git(*arguments):
    ended = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return ended.stdout.strip()
