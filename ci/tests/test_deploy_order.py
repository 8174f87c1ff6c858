"""`ci/deploy-order` in a small repository."""

import subprocess

import pytest


@pytest.fixture
def git(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()

    def git(*arguments, where=folder):
        author = ["-c", "user.name=somebody", "-c", "user.email=somebody@localhost"]
        done = subprocess.run(
            ["git", *author, *arguments], cwd=where, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git.folder = folder
    git("init", "--initial-branch", "main")
    return git


@pytest.fixture
def commits(git):
    """Three on main, and one on a branch behind the first."""
    def commit(message):
        git("commit", "--allow-empty", "--message", message)
        return git("rev-parse", "HEAD")

    made = {"first": commit("first"), "second": commit("second"), "third": commit("third")}
    git("checkout", "-b", "branch", made["first"])
    made["branch"] = commit("branch")
    git("checkout", "main")
    return made


@pytest.fixture
def order(ci, git, commits):
    def order(deployed, candidate, *more):
        deployed = commits.get(deployed, deployed)
        candidate = commits.get(candidate, candidate)
        return ci("deploy-order", "--repository", git.folder, f"--deployed={deployed}",
                  f"--candidate={candidate}", *more)

    return order


@pytest.mark.parametrize(
    ("deployed", "candidate", "more", "what"),
    [
        ("first", "second", [], "newer"),
        ("first", "third", [], "newer"),
        ("second", "second", [], "what is deployed already"),
        ("", "second", [], "the first"),
        ("third", "first", ["--rollback"], "a rollback"),
        ("third", "branch", ["--rollback"], "a rollback"),
    ],
)
def test_what_may_be_deployed(order, deployed, candidate, more, what):
    ended = order(deployed, candidate, *more)
    assert (ended.code, ended.out.strip().endswith(f"is {what}")) == (0, True), ended.err


@pytest.mark.parametrize(
    ("deployed", "candidate", "more", "why"),
    [
        ("third", "second", [], "is an ancestor of"),
        ("third", "branch", [], "on different branches"),
        ("first", "third", ["--rollback"], "that is no rollback"),
        ("", "first", ["--rollback"], "nothing to roll back"),
    ],
)
def test_what_is_refused(order, deployed, candidate, more, why):
    ended = order(deployed, candidate, *more)
    assert (ended.code, why in ended.err) == (1, True), ended.err


def test_images_of_two_commits_are_no_set(order, commits):
    ended = order("first", "second", "--candidate", commits["third"])
    assert ended.code == 1 and "of different commits" in ended.err


@pytest.mark.parametrize("name", ["0" * 40, "no-such-branch", "--all"])
def test_what_is_no_commit_here_is_told(order, name):
    for pair in ((name, "second"), ("second", name)):
        ended = order(*pair)
        assert ended.code == 78 and "is no commit that is known here" in ended.err


def test_half_a_history_says_nothing(ci, git, commits, tmp_path):
    shallow = tmp_path / "shallow"
    git("clone", "--depth", "1", f"file://{git.folder}", shallow)
    ended = ci("deploy-order", "--repository", shallow, f"--deployed={commits['third']}",
               f"--candidate={commits['third']}")
    assert ended.code == 78 and "GIT_DEPTH: 0" in ended.err
