"""Starts the HTTP gateway (Rust) inside TensorZero's Python package and writes down its address.

The package offers it to a patched OpenAI client; Python itself only waits.
"""

import signal
import sys
from pathlib import Path

import openai
import tensorzero

config, url_file = sys.argv[1:]
client = openai.OpenAI(api_key="unused", base_url="http://127.0.0.1:1/")
client = tensorzero.patch_openai_client(client, config_file=config, async_setup=False)
Path(url_file).write_text(f"{str(client.base_url).rstrip('/')}/\n")
signal.pause()
