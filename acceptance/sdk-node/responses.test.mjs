// Responses through the official SDK: stored answers, and reading on after a cut.

import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { forget, journal, ordered, withoutJournal } from '../support/chappe.mjs';
import { client } from './client.mjs';

const counted = (tokens) => Array.from({ length: tokens }, (_, at) => `t${at} `).join('');
const count = (tokens, more) => ordered({ script: 'count', tokens, token_ms: 0, ...more });
// Long enough that nobody waits for its end: ten minutes.
const endless = ordered({ script: 'count', tokens: 60_000, token_ms: 10 });
const ask = (more) => client.responses.create({ model: 'simulator', input: 'Hello', ...more });

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

const textOf = (events) =>
  events.filter(({ type }) => type === 'response.output_text.delta').map(({ delta }) => delta).join('');
const areNumbered = (events) =>
  assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, at) => at));

async function untilDone(response) {
  const deadline = Date.now() + 30_000;
  while (['queued', 'in_progress'].includes(response.status)) {
    assert(Date.now() < deadline, `still ${response.status}`);
    await sleep(50);
    response = await client.responses.retrieve(response.id);
  }
  return response;
}

beforeEach(async () => { if (!withoutJournal) await forget(); });

test('a response in one piece can be retrieved and is the same', async () => {
  const response = await ask({ ...count(20), metadata: { order: '4711' } });

  assert.equal(response.status, 'completed');
  assert.equal(response.output_text, counted(20));
  assert.deepEqual(response.metadata, { order: '4711' });
  assert.equal(response.usage.output_tokens, 20);
  const { _request_id: _one, ...shown } = await client.responses.retrieve(response.id);
  const { _request_id: _other, ...answered } = response;
  assert.deepEqual(shown, answered);
});

test('the events of a stream are numbered and in order', async () => {
  const events = await all(await ask({ ...count(20), stream: true }));

  areNumbered(events);
  assert.equal(events[0].type, 'response.created');
  assert.equal(events.at(-1).type, 'response.completed');
  assert.equal(textOf(events), counted(20));
});

test('the stream helper puts the same response together', async () => {
  const stream = client.responses.stream({ model: 'simulator', input: 'Hello', ...count(20) });
  let heard = '';
  stream.on('response.output_text.delta', ({ snapshot }) => { heard = snapshot; });

  const response = await stream.finalResponse();

  assert.equal(heard, counted(20));
  assert.equal(response.output_text, counted(20));
});

test('a stream that was left is read on while it goes on', async () => {
  const orders = ordered({ script: 'count', tokens: 100, token_ms: 5 });
  const events = [];
  for await (const event of await ask({ ...orders, stream: true })) {
    events.push(event);
    if (events.length === 10) break;
  }
  const [{ response: { id } }] = events;
  const rest = { stream: true, starting_after: events.at(-1).sequence_number };

  events.push(...await all(await client.responses.retrieve(id, rest)));

  areNumbered(events);
  assert.equal(textOf(events), counted(100));
});

test('in the background it is polled until it is done', async () => {
  const queued = await ask({
    ...ordered({ script: 'count', tokens: 20, token_ms: 20 }), background: true,
  });

  assert.equal(queued.status, 'queued');
  assert.equal((await untilDone(queued)).output_text, counted(20));
});

test('cancelling stops the model and twice is the same as once', { skip: withoutJournal }, async () => {
  const { id } = await ask({ ...endless, background: true });
  await journal({ started: 1 });

  const cancelled = await client.responses.cancel(id);
  const again = await client.responses.cancel(id);

  assert.equal(cancelled.status, 'cancelled');
  assert.deepEqual(again.output, cancelled.output);
  assert.equal((await journal({ client_gone: 1 })).running, 0);
});

test('what is deleted is gone', async () => {
  const { id } = await ask(count(2));

  await client.responses.delete(id);

  await assert.rejects(client.responses.retrieve(id), OpenAI.NotFoundError);
});

test('a second turn goes on from the first', async () => {
  const first = await ask(ordered({ script: 'text', text: 'Paris and Lille.' }));
  const second = await ask({
    ...ordered({ script: 'echo', token_ms: 0 }), input: 'And then?', previous_response_id: first.id,
  });

  const { messages } = JSON.parse(second.output_text).body;
  assert.deepEqual(messages.map(({ role }) => role), ['user', 'assistant', 'user']);
  assert.match(JSON.stringify(messages[1].content), /Paris and Lille\./);

  const items = [];
  for await (const item of client.responses.inputItems.list(second.id, { order: 'asc', limit: 2 })) {
    items.push(item.content[0].text);
  }
  assert.deepEqual(items, ['Hello', 'Paris and Lille.', 'And then?']);
});

test('a function is called and its result answered', async () => {
  const tools = [{
    type: 'function',
    name: 'get_weather',
    strict: false,
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  }];
  const first = await ask({ ...ordered({ script: 'tool_call' }), tools });
  const call = first.output.find(({ type }) => type === 'function_call');

  const second = await ask({
    ...ordered({ script: 'text', text: 'It is 21 degrees.' }),
    tools,
    tool_choice: 'none',
    previous_response_id: first.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: '21 degrees' }],
  });

  assert.equal(call.name, 'get_weather');
  assert.equal(typeof JSON.parse(call.arguments).city, 'string');
  assert.equal(second.output_text, 'It is 21 degrees.');
});

test('an answer follows the schema and is parsed', async () => {
  const Station = z.object({ name: z.string(), arms: z.array(z.number()) });

  const response = await client.responses.parse({
    model: 'simulator', input: 'Hello', text: { format: zodTextFormat(Station, 'station') },
  });

  assert.equal(typeof response.output_parsed.name, 'string');
});

test('an unknown response is not found, and a wrong parameter is named', async () => {
  await assert.rejects(client.responses.retrieve('resp_1'), OpenAI.NotFoundError);
  await assert.rejects(ask({ input: 7 }), (error) => {
    assert(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'input');
    return true;
  });
});
