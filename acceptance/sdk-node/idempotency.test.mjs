// Idempotency keys through the official SDK: what is asked twice under one key is done once.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import test, { beforeEach } from 'node:test';
import OpenAI from 'openai';
import { forget, journal, ordered, withoutJournal } from '../support/chappe.mjs';
import { client, hello } from './client.mjs';

const counted = Array.from({ length: 20 }, (_, at) => `t${at} `).join('');
const count = ordered({ script: 'count', tokens: 20, token_ms: 5 });
const keyed = (key) => ({ headers: { 'Idempotency-Key': key } });
const chat = (key, more) =>
  client.chat.completions.create({ model: 'simulator', messages: hello, ...count, ...more }, keyed(key));
const respond = (key, more) =>
  client.responses.create({ model: 'simulator', input: 'Hello', ...count, ...more }, keyed(key));

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function wasAskedOnce() {
  if (!withoutJournal) assert.equal((await journal({ started: 1 })).started, 1);
}

beforeEach(async () => { if (!withoutJournal) await forget(); });

test('a chat completion in one piece', async () => {
  const key = randomUUID();
  const { data: first, response } = await chat(key).withResponse();
  const { data: again, response: repeated } = await chat(key).withResponse();

  assert.equal(first.choices[0].message.content, counted);
  assert.deepEqual({ ...again, _request_id: null }, { ...first, _request_id: null });
  assert.equal(response.headers.get('idempotent-replayed'), null);
  assert.equal(repeated.headers.get('idempotent-replayed'), 'true');
  await wasAskedOnce();
});

test('a chat completion in pieces, of two who ask at once', async () => {
  const key = randomUUID();
  const [one, other] = await Promise.all(
    [0, 1].map(async () => all(await chat(key, { stream: true }))),
  );

  assert.equal(one.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), counted);
  assert.deepEqual(other, one);
  await wasAskedOnce();
});

test('the events of a response', async () => {
  const key = randomUUID();
  const events = await all(await respond(key, { stream: true }));
  const again = await all(await respond(key, { stream: true }));

  assert.equal(events.at(-1).type, 'response.completed');
  assert.deepEqual(again, events);
  await wasAskedOnce();
});

test('another request under the same key is a conflict', async () => {
  const key = randomUUID();
  await respond(key);

  const refused = respond(key, { input: 'Something else' });

  await assert.rejects(refused, (error) => {
    assert(error instanceof OpenAI.ConflictError);
    assert.equal(error.code, 'idempotency_key_reused');
    assert.equal(error.headers.get('x-should-retry'), 'false');
    return true;
  });
});
