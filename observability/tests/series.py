"""What queries speak of: names of series, and labels."""

import re

# Words of the language that may stand where a name does.
WORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool",
    "offset", "inf", "nan",
}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHERS = re.compile(r"\{([^}]*)\}")
NAME = re.compile(r"(?<![\w:$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")


def _without_strings(query):
    return STRING.sub('""', query)


def labels(query):
    """Of selectors and of `by`, `on` and the like."""
    query = _without_strings(query)
    found = {name.strip() for inside in LABELS.findall(query) for name in inside.split(",")}
    for inside in MATCHERS.findall(query):
        found |= set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
    return found - {""}


def names(query):
    """Of series."""
    query = MATCHERS.sub(" ", LABELS.sub(" ", _without_strings(query)))
    query = re.sub(r"\[[^\]]*\]", " ", query)
    query = re.sub(r"\boffset\s+\w+", " ", query)
    return {name for name in NAME.findall(query) if name.lower() not in WORDS}
