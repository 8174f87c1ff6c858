// Chat completions through the official SDK, in one piece and in pieces.

import assert from 'node:assert/strict';
import test from 'node:test';
import { ordered } from '../support/chappe.mjs';
import { client, hello } from './client.mjs';

const ask = (orders, more = {}) =>
  client.chat.completions.create({
    model: 'simulator', messages: hello, ...ordered(orders), ...more,
  });

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) =>
  chunks.flatMap((chunk) => chunk.choices).map((choice) => choice.delta.content ?? '').join('');

test('an answer has text, a reason to finish and usage', async () => {
  const answer = await ask({ script: 'text', text: 'Good day.' });

  assert.equal(answer.choices[0].message.content, 'Good day.');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.model, 'simulator');
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert(prompt_tokens > 0 && completion_tokens > 0);
  assert.equal(total_tokens, prompt_tokens + completion_tokens);
  assert(answer._request_id, 'an id for support');
});

test('the pieces are the answer, in order and under one name', async () => {
  const chunks = await all(await ask({ script: 'count', tokens: 200, token_ms: 0 }, { stream: true }));

  assert.equal(textOf(chunks), Array.from({ length: 200 }, (_, at) => `t${at} `).join(''));
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert(chunks.every((chunk) => chunk.usage == null), 'usage that nobody asked for');
});

test('usage comes last when it is wanted', async () => {
  const stream = await ask(
    { script: 'count', tokens: 5 },
    { stream: true, stream_options: { include_usage: true } },
  );
  const chunks = await all(stream);

  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 5);
  assert(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test('the stream helper puts the same answer together', async () => {
  const text = 'Grüße, 你好, שלום, 👩‍👩‍👧‍👦 and \u2028 "quoted"';
  const stream = client.chat.completions.stream({
    model: 'simulator', messages: hello, ...ordered({ script: 'text', text }),
  });
  let heard = '';
  stream.on('content', (delta) => { heard += delta; });

  assert.equal(await stream.finalContent(), text);
  assert.equal(heard, text);
});

test('members that the SDK does not know arrive', async () => {
  const extra = {
    top: { vendor_top: { a: [1, null, 'é'] } },
    choice: { vendor_choice: true },
    delta: { vendor_delta: [{}] },
  };
  const whole = await ask({ script: 'count', tokens: 2, extra });
  const chunks = await all(await ask({ script: 'count', tokens: 2, extra }, { stream: true }));

  for (const part of [whole, ...chunks]) {
    assert.deepEqual(part.vendor_top, extra.top.vendor_top);
    assert.equal(part.choices[0].vendor_choice, true);
  }
  assert.deepEqual(whole.choices[0].message.vendor_delta, [{}]);
});

test('every member of a request reaches the model', async () => {
  const body = {
    model: 'simulator',
    messages: [
      { role: 'developer', content: 'Be brief.', name: 'dev' },
      { role: 'user', content: [{ type: 'text', text: 'Hello', vendor: { deep: [[{}]] } }] },
    ],
    temperature: 0.7,
    top_p: 1e-7,
    logit_bias: { 50256: -100 },
    max_completion_tokens: 100_000,
    metadata: { order: '4711' },
    reasoning_effort: 'low',
    stream_options: { include_usage: true },
    vendor: { big: 9007199254740991, nothing: null, text: '\u2028 é 👋 \\ "' },
    ...ordered({ script: 'echo', token_ms: 0 }),
    stream: true,
  };

  const said = textOf(await all(await client.chat.completions.create(body)));

  assert.deepEqual(JSON.parse(said).body, body);
});
