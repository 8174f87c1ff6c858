"""Submits work to the background, and comes back for the answer."""

import os
import sys
import time

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("CHAPPE_URL", "http://127.0.0.1:8790/v1"),
    api_key=os.environ.get("CHAPPE_API_KEY", "unused"),
)
model = os.environ.get("CHAPPE_MODEL") or client.models.list().data[0].id
question = " ".join(sys.argv[1:]) or "Why is the sky blue?"

response = client.responses.create(model=model, input=question, background=True)
print(f"{response.id} is {response.status}", file=sys.stderr)

# The id is all that is needed: this may as well be another program, tomorrow.
while response.status in ("queued", "in_progress"):
    time.sleep(0.5)
    response = client.responses.retrieve(response.id)

if response.status != "completed":
    sys.exit(f"{response.status}: {response.error or response.incomplete_details}")
print(response.output_text)
