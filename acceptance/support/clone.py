"""A clone of this checkout, to which commits may be added: what is not committed here is one."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
AUTHOR = ("-c", "user.name=somebody", "-c", "user.email=somebody@localhost")


class Clone:
    """On the branch main of an origin of its own. What git ignores, such as what was compiled, is
    kept from one use to the next."""

    def __init__(self, folder):
        self.folder = folder / "clone"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("fetch", "--quiet", "--no-tags", "--update-shallow", str(ROOT), "HEAD")
        self.git("checkout", "--quiet", "--force", "-B", "main", "FETCH_HEAD")
        self.git("clean", "--quiet", "--force", "-d")
        self._take_what_is_not_committed()
        self.base = self.head()
        origin = folder / "origin.git"
        shutil.rmtree(origin, ignore_errors=True)
        self.git("init", "--quiet", "--bare", "--initial-branch", "main", str(origin))
        if "origin" in self.git("remote").split():
            self.git("remote", "remove", "origin")
        self.git("remote", "add", "origin", str(origin))
        self.git("push", "--quiet", "origin", "main")
        self.git("remote", "set-head", "origin", "main")

    def git(self, *arguments, folder=None):
        ended = subprocess.run(
            ["git", *arguments],
            cwd=folder or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, f"git {' '.join(arguments)}: {ended.stderr}"
        return ended.stdout.strip()

    def head(self):
        return self.git("rev-parse", "HEAD")

    def commit(self, message):
        """Everything that was changed in it; the new commit."""
        self.git("add", "--all")
        self.git(*AUTHOR, "commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        return self.head()

    def change(self, path, old, new):
        """A file is another one from then on."""
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"`{old}` is {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new))

    def back(self):
        """Without what was committed here."""
        self.git("reset", "--quiet", "--hard", self.base)
        self.git("clean", "--quiet", "--force", "-d")
        self.git("push", "--quiet", "--force", "origin", "main")

    def _take_what_is_not_committed(self):
        def listed(*which):
            names = self.git("ls-files", "-z", *which, folder=ROOT).split("\0")
            return [name for name in names if name]

        for name in listed("--deleted"):
            (self.folder / name).unlink(missing_ok=True)
        for name in listed("--modified", "--others", "--exclude-standard"):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        if self.git("status", "--porcelain"):
            self.git("add", "--all")
            self.git(*AUTHOR, "commit", "--quiet", "--message", "What is not committed")
