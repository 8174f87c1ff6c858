// Conversations through the official SDK: what was said is kept, and responses are its turns.

import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';
import { ordered } from '../support/chappe.mjs';
import { client } from './client.mjs';

const count = ordered({ script: 'count', tokens: 2, token_ms: 0 });
// Long enough that nobody waits for its end: ten minutes.
const endless = ordered({ script: 'count', tokens: 60_000, token_ms: 10 });
const user = (text) => ({ type: 'message', role: 'user', content: text });

/** A conversation that is gone when the test is over. */
async function begun(t, asked = {}) {
  const conversation = await client.conversations.create(asked);
  t.after(() => client.conversations.delete(conversation.id));
  return conversation;
}

const turn = (conversation, input, more = count) =>
  client.responses.create({ model: 'simulator', input, conversation, ...more });

/** Who said what, the oldest first, page by page. */
async function saidIn({ id }) {
  const said = [];
  for await (const item of client.conversations.items.list(id, { order: 'asc', limit: 2 })) {
    said.push(`${item.role}: ${item.content[0].text}`);
  }
  return said;
}

test('one is made, shown, changed and deleted', async () => {
  const made = await client.conversations.create({ metadata: { topic: 'bees' }, items: [user('Hello')] });

  assert.match(made.id, /^conv_/);
  assert.deepEqual(made.metadata, { topic: 'bees' });
  assert.equal((await client.conversations.retrieve(made.id)).created_at, made.created_at);
  const changed = await client.conversations.update(made.id, { metadata: { topic: 'wasps' } });
  assert.deepEqual(changed.metadata, { topic: 'wasps' });
  const gone = await client.conversations.delete(made.id);
  assert.deepEqual([gone.id, gone.object, gone.deleted], [made.id, 'conversation.deleted', true]);
  await assert.rejects(client.conversations.retrieve(made.id), OpenAI.NotFoundError);
});

test('two turns are asked and answered in one conversation', async (t) => {
  const conversation = await begun(t, { items: [user('Let us count.')] });

  const first = await turn(conversation.id, 'one');
  const stream = await turn({ id: conversation.id }, 'two', { ...count, stream: true });
  let second;
  for await (const event of stream) second = event.response ?? second;

  assert.deepEqual(
    [first.conversation.id, second.conversation.id],
    [conversation.id, conversation.id],
  );
  assert.equal(second.status, 'completed');
  assert(second.usage.input_tokens > first.usage.input_tokens, 'with what was said before');
  assert.deepEqual(await saidIn(conversation), [
    'user: Let us count.',
    'user: one',
    'assistant: t0 t1 ',
    'user: two',
    'assistant: t0 t1 ',
  ]);
});

test('items are added, shown and taken out', async (t) => {
  const conversation = await begun(t);
  const { items } = client.conversations;

  const added = await items.create(conversation.id, { items: [user('one'), user('two')] });
  const [{ id }] = added.data;
  const here = { conversation_id: conversation.id };

  assert.equal((await items.retrieve(id, here)).content[0].text, 'one');
  assert.equal((await items.delete(id, here)).id, conversation.id);
  assert.deepEqual(await saidIn(conversation), ['user: two']);
  await assert.rejects(items.retrieve(id, here), OpenAI.NotFoundError);
});

test('one turn at a time', async (t) => {
  const conversation = await begun(t);
  const running = await turn(conversation.id, 'one', { ...endless, background: true });

  await assert.rejects(turn(conversation.id, 'two'), (error) => {
    assert(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param], ['conversation_locked', 'conversation']);
    return true;
  });
  await client.responses.cancel(running.id);
  await turn(conversation.id, 'three');

  assert.deepEqual(await saidIn(conversation), ['user: one', 'user: three', 'assistant: t0 t1 ']);
});
