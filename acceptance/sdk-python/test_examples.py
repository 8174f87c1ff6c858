"""The examples do what they say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_prints_the_answer(example, gateway_url, api_key):
    settings = {"CHAPPE_URL": f"{gateway_url}/v1", "CHAPPE_API_KEY": api_key}
    question = "What do you say to this?"

    ended = subprocess.run(
        [sys.executable, EXAMPLES / example, question],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip(), "an answer"
