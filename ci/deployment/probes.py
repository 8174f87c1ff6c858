"""A deployment as its users see it: each model is asked, and then one of them again and again."""

import collections
import json
import time
import tomllib
import urllib.error
import urllib.request

# Over so many of the newest questions, so many that fail make a deployment bad.
NEWEST = 10
TOO_MANY = 3
# Longest wait for one answer.
ANSWER_S = 60


class Bad(Exception):
    """The deployment does not do what it is for."""


class Users:
    """Those who call the API of an environment."""

    def __init__(self, url, key):
        self.url = url.rstrip("/")
        self.key = key

    def ask(self, model, capabilities):
        """One question. Returns what is wrong with its answer, or nothing."""
        try:
            if "embeddings" in capabilities:
                question = {"model": model, "input": "one word"}
                said = self._post("/v1/embeddings", question)["data"][0]["embedding"]
            else:
                prompt = {"role": "user", "content": "Say one word."}
                question = {"model": model, "messages": [prompt], "max_tokens": 8}
                answer = self._post("/v1/chat/completions", question)
                said = answer["choices"][0]["message"]["content"]
            return None if said else "an empty answer"
        except urllib.error.HTTPError as error:
            return f"status {error.code}: {_message(error)}"
        except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {error}"

    def _post(self, path, body):
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            return json.load(answer)


def _message(error):
    try:
        return json.load(error)["error"]["message"]
    except (OSError, KeyError, TypeError, ValueError):
        return error.reason


def models(path):
    """Name and capabilities of each model of a catalogue."""
    with open(path, "rb") as file:
        catalogue = tomllib.load(file)
    return [(one["name"], one.get("capabilities", ["chat"])) for one in catalogue["models"]]


def ask_each(users, catalogue):
    """Each model answers once, or the deployment is bad."""
    for name, capabilities in catalogue:
        began = time.monotonic()
        wrong = users.ask(name, capabilities)
        if wrong:
            raise Bad(f"model {name}: {wrong}")
        print(f"model {name} answers ({time.monotonic() - began:.2f} s)")


def watch(users, catalogue, seconds, problems):
    """Asks for so long, each second. `problems` says what is wrong otherwise."""
    chat = [one for one in catalogue if "embeddings" not in one[1]]
    newest = collections.deque(maxlen=NEWEST)
    asked = failed = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        next_one = time.monotonic() + 1
        wrong = users.ask(*chat[asked % len(chat)]) if chat else None
        asked += 1
        newest.append(wrong)
        if wrong:
            failed += 1
            print(f"question {asked}: {wrong}")
        if sum(1 for one in newest if one) >= TOO_MANY:
            raise Bad(f"{TOO_MANY} of the newest {len(newest)} questions failed, last: {wrong}")
        for problem in problems():
            raise Bad(problem)
        time.sleep(max(0, min(next_one, end) - time.monotonic()))
    print(f"watched for {seconds} s: {asked} questions, {failed} failed")
