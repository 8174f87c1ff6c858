"""`.gitlab-ci.yml` as GitLab reads it: defaults and `extends` applied, jobs told from the rest."""

import copy
from dataclasses import dataclass

from .ends import Unusable

# Keys of the file that are no jobs.
GLOBAL = {
    "after_script", "before_script", "cache", "default", "image", "include", "pages", "services",
    "spec", "stages", "variables", "workflow",
}
# What `default` says for each job that does not say otherwise.
INHERITED = [
    "after_script", "before_script", "hooks", "image", "interruptible", "retry", "services",
]


@dataclass(frozen=True)
class Job:
    """One job, with what it inherits."""

    name: str
    keys: dict

    @property
    def stage(self):
        return self.keys.get("stage", "test")

    @property
    def rules(self):
        rules = self.keys.get("rules") or []
        return [rule for rule in rules if isinstance(rule, dict)]

    @property
    def is_manual(self):
        return self.keys.get("when") == "manual" or any(
            rule.get("when") == "manual" for rule in self.rules
        )

    @property
    def environment(self):
        """The name of its environment."""
        environment = self.keys.get("environment")
        return environment.get("name") if isinstance(environment, dict) else environment

    @property
    def needs(self):
        """The jobs it waits for; `None`: all of the stages before."""
        needs = self.keys.get("needs")
        if needs is None:
            return None
        # Who may be absent is not waited for.
        return [
            need.get("job") if isinstance(need, dict) else need
            for need in needs
            if not (isinstance(need, dict) and need.get("optional"))
        ]


@dataclass(frozen=True)
class Pipeline:
    """The whole."""

    stages: list
    jobs: dict
    document: dict


def load(text):
    """Reads it. What cannot be seen through is refused."""
    try:
        import yaml
    except ImportError as error:
        raise Unusable("this needs PyYAML: pip install -r ci/requirements.txt") from error

    class Loader(yaml.SafeLoader):
        """Knows GitLab's tag for what stands elsewhere, and refuses a key that is there twice."""

    def reference(loader, node):
        return {"!reference": loader.construct_sequence(node)}

    def mapping(loader, node):
        # PyYAML would take the last and say nothing.
        keys = [key.value for key, _value in node.value if key.value != "<<"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise Unusable(f"the pipeline has {', '.join(map(str, sorted(twice)))} twice")
        loader.flatten_mapping(node)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor("!reference", reference)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    try:
        document = yaml.load(text, Loader)  # noqa: S506, it is a SafeLoader
    except yaml.YAMLError as error:
        raise Unusable(f"the pipeline is no YAML: {error}") from error
    if not isinstance(document, dict):
        raise Unusable("the pipeline is empty")
    return _resolved(document)


def _resolved(document):
    stages = document.get("stages") or []
    defaults = dict(document.get("default") or {})
    for key in INHERITED:
        # The old way to say it.
        if key in document:
            defaults.setdefault(key, document[key])
    jobs = {}
    for name, keys in document.items():
        if name in GLOBAL - {"pages"} or str(name).startswith("."):
            continue
        if not isinstance(keys, dict):
            raise Unusable(f"the job `{name}` is no map")
        keys = _extended(document, name, ())
        for key in INHERITED:
            if key in defaults and _inherits(keys, key):
                keys.setdefault(key, defaults[key])
        jobs[name] = Job(name, keys)
    return Pipeline(stages, jobs, document)


def _inherits(keys, key):
    inherit = (keys.get("inherit") or {}).get("default", True)
    return key in inherit if isinstance(inherit, list) else inherit


def _extended(document, name, seen):
    if name in seen:
        raise Unusable(f"`{name}` extends itself")
    keys = document.get(name)
    if not isinstance(keys, dict):
        raise Unusable(f"`{seen[-1]}` extends `{name}`, which is not there")
    parents = keys.get("extends") or []
    parents = [parents] if isinstance(parents, str) else parents
    merged = {}
    for parent in parents:
        merged = _merged(merged, _extended(document, parent, (*seen, name)))
    return _merged(merged, {key: value for key, value in keys.items() if key != "extends"})


def _merged(below, above):
    # As GitLab does: maps key by key, lists as a whole.
    merged = copy.deepcopy(below)
    for key, value in above.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _merged(merged[key], value) if both else copy.deepcopy(value)
    return merged
