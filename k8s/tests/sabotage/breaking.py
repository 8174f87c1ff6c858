"""What is reached for in a bundle to break it."""


def pod(bundle, name):
    return bundle.workload(name).pod


def container(bundle, name):
    return bundle.workload(name).containers[0]


def variable(bundle, name, wanted):
    return next(one for one in container(bundle, name)["env"] if one["name"] == wanted)


def without_variable(bundle, name, unwanted):
    one = container(bundle, name)
    one["env"] = [each for each in one["env"] if each["name"] != unwanted]


def without(bundle, kind, name):
    gone = bundle.find(kind, name)
    bundle.objects = [one for one in bundle.objects if one is not gone]


def edit(bundle, config, file, old, new):
    data = bundle.find("ConfigMap", config)["data"]
    assert old in data[file], f"there is no {old!r} to be replaced"
    data[file] = data[file].replace(old, new)


def environment(name, wanted, value):
    """Sets a variable of a container."""

    def how(bundle):
        one = variable(bundle, name, wanted)
        one.pop("valueFrom", None)
        one["value"] = value

    return how


def at(*path, value=None):
    """Sets what is at a path of an object, or removes it."""
    kind, name, *keys, last = path

    def how(bundle):
        here = bundle.find(kind, name)
        for key in keys:
            here = here[key]
        if value is None:
            del here[last]
        else:
            here[last] = value

    return how


POD = ("spec", "template", "spec")
FIRST = (*POD, "containers", 0)
SECURITY = (*FIRST, "securityContext")
