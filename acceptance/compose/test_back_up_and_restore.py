"""What NATS stores is copied, lost, and put back: responses, conversations and keys are there."""

import os

import pytest

from support.callers import client
from support.compose import Stack
from support.operations import commands
from support.readers import asked

pytestmark = [pytest.mark.anyio, pytest.mark.long]
HERE = "acceptance/compose/test_back_up_and_restore.py"


@pytest.mark.timeout(400)
async def test_what_was_there_is_there_again(tmp_path):
    stack = Stack(f"chappe-test-restore-{os.getpid()}")
    file = tmp_path / "copy.tar"
    try:
        stack.up()
        key = stack.key()
        async with client() as http:
            http.headers["authorization"] = f"Bearer {key}"
            conversation = (await http.post(f"{stack.url}/v1/conversations", json={})).json()["id"]
            body = asked(20, conversation=conversation)
            response = (await http.post(f"{stack.url}/v1/responses", json=body)).json()
            assert response["status"] == "completed", response
            items = f"{stack.url}/v1/conversations/{conversation}/items"
            before = (await http.get(items)).json()
            backup, restore = commands(f"{HERE}::test_what_was_there_is_there_again")
            stack.command(backup.replace("FILE.tar", str(file)))
            stack.down()
            stack.up()
            gone = await http.get(f"{stack.url}/v1/responses/{response['id']}")
            assert gone.status_code == 401, "another installation knows nothing of this one's keys"

            stack.command(restore.replace("FILE.tar", str(file)))

            assert file.stat().st_mode & 0o077 == 0, "nobody else may read what people have said"
            after = await http.get(f"{stack.url}/v1/responses/{response['id']}")
            assert after.json() == response
            assert (await http.get(items)).json() == before
            answer = await http.post(f"{stack.url}/v1/responses", json=asked(5))
            assert answer.json()["status"] == "completed"
    finally:
        stack.down()
