"""Which version may follow which: a pipeline that was overtaken does not put the older one back."""

from . import programs
from .ends import Refused, Unusable


def check(repository, deployed, candidate, rollback):
    """Refuses a candidate that lacks what is deployed, unless that is what is wanted.

    Says in words what the candidate is. `deployed` is `None` where nothing runs yet.
    """
    candidate = _commit(repository, candidate, "the candidate")
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise Unusable("this clone does not have the whole history (GitLab: GIT_DEPTH: 0)")
    if deployed is None:
        if rollback:
            raise Refused("nothing is deployed: there is nothing to roll back")
        return "the first"
    deployed = _commit(repository, deployed, "what is deployed")
    if candidate == deployed:
        return "what is deployed already"
    forward = _is_ancestor(repository, deployed, candidate)
    back = _is_ancestor(repository, candidate, deployed)
    if rollback:
        if forward:
            raise Refused(
                f"{_short(candidate)} is newer than {_short(deployed)}: that is no rollback"
            )
        return "a rollback"
    if forward:
        return "newer"
    if back:
        raise Refused(
            f"{_short(candidate)} is an ancestor of {_short(deployed)}, which is deployed: a newer "
            "pipeline was faster. To go back on purpose, say --rollback"
        )
    raise Refused(
        f"{_short(candidate)} does not contain {_short(deployed)}, which is deployed: they are on "
        "different branches"
    )


def _commit(repository, name, what):
    # A name that begins with a dash is no option.
    try:
        said = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options",
                    f"{name}^{{commit}}")
    except programs.Failed as error:
        raise Unusable(
            f"{what}, `{name}`, is no commit that is known here: fetch the whole history"
        ) from error
    return said.strip()


def _is_ancestor(repository, older, newer):
    # The exit code of `merge-base --is-ancestor` says the same for "no" and for some errors.
    try:
        return _git(repository, "merge-base", older, newer).strip() == older
    except programs.Failed:
        return False


def _git(repository, *arguments):
    return programs.output("git", "-C", repository, *arguments)


def _short(commit):
    return commit[:12]
