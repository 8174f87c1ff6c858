"""Loses its connection in the middle of an answer, and reads on where it was."""

import os
import sys

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("CHAPPE_URL", "http://127.0.0.1:8790/v1"),
    api_key=os.environ.get("CHAPPE_API_KEY", "unused"),
)
model = os.environ.get("CHAPPE_MODEL") or client.models.list().data[0].id
question = " ".join(sys.argv[1:]) or "Why is the sky blue?"


def show(event):
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)


# In the background, so that the answer goes on while nobody reads it.
with client.responses.create(model=model, input=question, background=True, stream=True) as events:
    for event in events:
        if event.type == "response.created":
            response_id = event.response.id
        show(event)
        cursor = event.sequence_number
        if event.type == "response.output_text.delta":
            break  # The train enters a tunnel.

for event in client.responses.retrieve(response_id, stream=True, starting_after=cursor):
    show(event)
    last = event
print()
if last.type != "response.completed":
    sys.exit(f"the answer ended with {last.type}")
