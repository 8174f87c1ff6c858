"""What we ask of the pipeline beyond GitLab's schema. Each rule has a name."""

import os
import re
from dataclasses import dataclass

STAGES = ["commit", "build", "package-test", "acceptance", "staging", "production", "verify"]
# Those that change what runs somewhere.
DEPLOYING = ["staging", "production"]
# From here on every commit of main has to come through, by itself.
FROM_STAGING = STAGES[STAGES.index("staging") :]

ONE_CALL = re.compile(r"(?P<program>ci/[a-z0-9][a-z0-9-]*)(?P<arguments>( +[^\s;&|<>`()\\]+)*)")
# Wherever it stands: another program may be told to run it.
DEPLOY = re.compile(r"\bci/(deploy|rollback)(?=\s|$)")
# With these a stage does without what it is for, or another program than ours is run. They are for
# trying the pipeline elsewhere.
SWITCHES = ["CHAPPE_SCAN", "CHAPPE_SBOM", "CHAPPE_WITHOUT", "CHAPPE_TEST_ONLY", "CHAPPE_PROGRAMS"]
SWITCHES += ["BASH_ENV", "ENV", "PATH", "LD_PRELOAD", "COSIGN_PUBLIC_KEY"]
ROLLBACK = re.compile(r"ci/deploy +[a-z0-9-]+ +--rollback|ci/rollback +[a-z0-9-]+")
EXACT_IMAGE = re.compile(r".+(:(?P<tag>[\w][\w.\-]*)|@sha256:[0-9a-f]{64})")
ON_MAIN = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
HIDDEN_SCRIPTS = ["before_script", "after_script", "hooks"]


@dataclass(frozen=True, order=True)
class Finding:
    """A rule that is broken, where, and how."""

    rule: str
    where: str
    what: str

    def __str__(self):
        return f"{self.rule}: {self.where}: {self.what}"


def findings(pipeline, repository):
    """Everything that breaks a rule. `repository` is where the scripts are."""
    found = [*_of_the_whole(pipeline)]
    for job in pipeline.jobs.values():
        for rule in JOB_RULES:
            found += [Finding(rule.__name__.replace("_", "-"), job.name, what)
                      for what in rule(job, repository)]
        if not is_rollback(job):
            found += [Finding("no-shortcut", job.name, what) for what in _shortcuts(pipeline, job)]
    return sorted(set(found))


def is_rollback(job):
    """The one job that somebody may start by hand."""
    return job.name == "rollback" or job.name.startswith(("rollback-", "rollback:"))


def deploys(job):
    """Whether it changes what runs somewhere."""
    script = " ".join(_lines(job.keys.get("script")))
    return job.stage in DEPLOYING or is_rollback(job) or DEPLOY.search(script) is not None


def _of_the_whole(pipeline):
    if pipeline.stages != STAGES:
        yield Finding("stages-in-order", "stages", f"not {' → '.join(STAGES)}")
    for stage in STAGES:
        if not any(job.stage == stage for job in pipeline.jobs.values()):
            yield Finding("stages-in-order", stage, "no job is in it")
    if "include" in pipeline.document:
        yield Finding("nothing-from-elsewhere", "include", "what is there is not looked at")
    if any("!reference" in str(value) for value in pipeline.document.values()):
        yield Finding("nothing-from-elsewhere", "!reference", "use `extends`, which is looked at")
    for name in SWITCHES:
        if name in (pipeline.document.get("variables") or {}):
            yield Finding("no-switches", "variables", f"sets {name}")
    groups = {}
    for job in pipeline.jobs.values():
        if deploys(job) and job.environment and job.keys.get("resource_group"):
            groups.setdefault(job.environment, set()).add(job.keys["resource_group"])
    for environment, names in groups.items():
        if len(names) > 1:
            yield Finding("resource-group", environment, f"its jobs have several: {sorted(names)}")


def stages_in_order(job, _repository):
    """A job is in one of the stages."""
    if job.stage not in STAGES:
        yield f"is in the stage `{job.stage}`"


def one_script(job, repository):
    """What a job does is one program of `ci/`, which does the same on a laptop."""
    for key in HIDDEN_SCRIPTS:
        if job.keys.get(key):
            yield f"has a {key}"
    for key in ("trigger", "run"):
        if key in job.keys:
            yield f"has `{key}` where a script belongs"
    lines = _lines(job.keys.get("script"))
    match = ONE_CALL.fullmatch(lines[0].strip()) if len(lines) == 1 else None
    if match is None:
        yield f"its script is not one call of a program in ci/: {lines}"
        return
    path = os.path.join(repository, match["program"])
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        yield f"there is no program {match['program']}"


def deploys_where_it_may(job, _repository):
    """What runs somewhere changes in a stage behind acceptance, or not at all."""
    if deploys(job) and job.stage not in FROM_STAGING:
        yield f"deploys in the stage {job.stage}"


def rollback_only_rolls_back(job, _repository):
    """The one job that is excused from waiting brings nothing new, and only main has it."""
    if not is_rollback(job):
        return
    lines = _lines(job.keys.get("script"))
    if len(lines) != 1 or not ROLLBACK.fullmatch(lines[0].strip()):
        yield f"does something else than `ci/deploy ENVIRONMENT --rollback`: {lines}"
    # Without rules GitLab leaves a job out of the pipelines of merge requests.
    if any(rule.get("if") != ON_MAIN for rule in job.rules):
        yield f"has another rule than `if: {ON_MAIN}`"


def no_switches(job, _repository):
    """Nothing in the file takes away what a stage is for."""
    for keys in [job.keys, *job.rules]:
        for name in SWITCHES:
            if name in (keys.get("variables") or {}):
                yield f"sets {name}"


def no_rule_of_its_own(job, _repository):
    """What a rule changes about a job is not looked at, so no rule does."""
    for rule in job.rules:
        for key in sorted(rule.keys() & {"needs", "interruptible"}):
            yield f"has `{key}` in a rule"


def no_manual_gate(job, _repository):
    """Between a merge and production stands no person."""
    if job.is_manual and not is_rollback(job):
        yield "waits for a person"
    if any(when == "delayed" for when in _whens(job)):
        yield "waits for a clock, which a person may stop"


def rollback_blocks_nothing(job, _repository):
    """A button that nobody has pressed holds nothing up."""
    in_rules = [rule for rule in job.rules if rule.get("when") == "manual"]
    # Of a manual job GitLab assumes it, of a manual rule it does not.
    assumed = job.keys.get("when") == "manual" and "allow_failure" not in job.keys
    allowed = assumed or job.keys.get("allow_failure") is True
    for rule in in_rules:
        allowed = rule.get("allow_failure", job.keys.get("allow_failure")) is True
        if not allowed:
            break
    if job.is_manual and is_rollback(job) and not allowed:
        yield "is manual and without `allow_failure: true`: the pipeline would wait for it"


def red_stops(job, _repository):
    """A job that fails ends the pipeline."""
    if job.is_manual and is_rollback(job):
        return
    allowing = [job.keys, *job.rules]
    if any(keys.get("allow_failure") for keys in allowing):
        yield "may fail without consequence"
    if job.stage in FROM_STAGING and not is_rollback(job) and "always" in _whens(job):
        yield "runs whether or not the stages before are green"


def exact_images(job, _repository):
    """An image is the same one tomorrow."""
    images = [job.keys.get("image"), *(job.keys.get("services") or [])]
    names = [image.get("name", "") if isinstance(image, dict) else image for image in images]
    for name in names:
        if name is None:
            continue
        match = EXACT_IMAGE.fullmatch(name)
        if match is None:
            yield f"the image `{name}` has neither a tag nor a digest that is written here"
        elif match["tag"] and not re.search(r"[0-9]", match["tag"]):
            yield f"the tag of `{name}` is another one's tomorrow"


def image_or_inherited(job, _repository):
    """What a job runs in is not left to the runner."""
    if not job.keys.get("image"):
        yield "says no image, and neither does `default`"


def environment(job, _repository):
    """Who deploys says where, and its environment is not the other one's."""
    if not deploys(job):
        return
    if not job.environment:
        yield "deploys without an environment"
    elif job.stage in DEPLOYING and job.environment != job.stage:
        yield f"is in {job.stage} and deploys to {job.environment}"


def resource_group(job, _repository):
    """One deployment of an environment at a time."""
    if deploys(job) and not job.keys.get("resource_group"):
        yield "deploys without a resource_group"


def not_interruptible(job, _repository):
    """A newer commit does not break off a deployment."""
    interruptible = job.keys.get("interruptible", False)
    if (deploys(job) or job.stage in FROM_STAGING) and interruptible is not False:
        yield "a newer commit may break it off: `interruptible: false`"


def reaches_main(job, _repository):
    """What every commit of main has to come through is not left out for some."""
    if job.stage not in FROM_STAGING or is_rollback(job):
        return
    for key in ("only", "except"):
        if key in job.keys:
            yield f"has `{key}`; use rules"
    if "on_failure" in _whens(job):
        yield "runs only when something has failed"
    first = job.rules[0] if job.rules else None
    if first is None:
        return
    is_for_all = first.get("if") == ON_MAIN and not first.keys() & {"changes", "exists"}
    if not is_for_all or first.get("when") == "never":
        yield f"its first rule is not `if: {ON_MAIN}` and nothing else"


JOB_RULES = [
    stages_in_order, one_script, deploys_where_it_may, rollback_only_rolls_back, no_manual_gate,
    no_switches, no_rule_of_its_own, rollback_blocks_nothing, red_stops, exact_images, image_or_inherited, environment,
    resource_group, not_interruptible, reaches_main,
]


def _shortcuts(pipeline, job):
    """With `needs` a job begins when those are done, whatever else is red."""
    if job.stage not in FROM_STAGING or job.stage not in pipeline.stages:
        return
    before = set(_jobs_before(pipeline, job))
    missing = sorted(before - _waited_for(pipeline, job, set()))
    if missing:
        yield f"does not wait for {', '.join(missing)}"


def _waited_for(pipeline, job, seen):
    direct = _jobs_before(pipeline, job) if job.needs is None else job.needs
    for name in direct:
        if name in pipeline.jobs and name not in seen:
            seen.add(name)
            _waited_for(pipeline, pipeline.jobs[name], seen)
    return seen


def _jobs_before(pipeline, job):
    if job.stage not in pipeline.stages:
        return []
    place = pipeline.stages.index(job.stage)
    earlier = pipeline.stages[:place]
    return [
        other.name
        for other in pipeline.jobs.values()
        if other.stage in earlier and not is_rollback(other)
    ]


def _whens(job):
    return [keys.get("when") for keys in [job.keys, *job.rules] if keys.get("when")]


def _lines(script):
    if script is None:
        return []
    script = [script] if isinstance(script, str) else script
    return [line for part in script for line in str(part).strip().splitlines()]
