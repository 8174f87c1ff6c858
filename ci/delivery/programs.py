"""Programs of others that ours call."""

import os
import shutil
import subprocess

from .ends import MISSING, End, Missing

WHERE = {
    "cargo": "https://rustup.rs",
    "cargo-cyclonedx": "cargo install --locked cargo-cyclonedx",
    "cosign": "https://docs.sigstore.dev",
    "docker": "https://docs.docker.com/engine/install",
    "git": "https://git-scm.com",
    "grype": "https://github.com/anchore/grype",
    "kubectl": "https://kubernetes.io/docs/tasks/tools",
    "oras": "https://oras.land",
}


class Failed(End):
    """A program of others that ended badly, with what it said."""

    code = MISSING

    def __init__(self, program, said):
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        # Its last words say why; what it warned of before is noise.
        reason = lines[-1] if lines else "it said nothing"
        self.reason = reason.removeprefix("error during command execution: ")
        super().__init__(f"{program}: {self.reason}")


def there(program):
    """Whether a program is on PATH."""
    return shutil.which(program) is not None


def output(program, *arguments, folder=None, variables=None, text=True, stdin=None):
    """What a program writes. Nothing is read from the keyboard; it may be given bytes."""
    if not there(program):
        raise Missing(f"there is no `{program}` on PATH: {WHERE.get(program, 'install it')}")
    done = subprocess.run(
        [program, *map(str, arguments)],
        cwd=folder,
        env=os.environ | (variables or {}),
        # No bytes are an end at once.
        input=stdin or b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if done.returncode != 0:
        raise Failed(program, done.stderr.decode(errors="replace"))
    return done.stdout.decode() if text else done.stdout
