// Functions, schemas, pictures, embeddings and models through the official SDK.

import assert from 'node:assert/strict';
import test from 'node:test';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { ordered } from '../support/chappe.mjs';
import { client } from './client.mjs';

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const question = { role: 'user', content: 'What is the weather in Lille?' };
const call = ordered({ script: 'tool_call' });

test('a streamed call is put together from its fragments', async () => {
  const stream = await client.chat.completions.create({
    model: 'simulator', messages: [question], tools: [weather], stream: true, ...call,
  });
  const fragments = [];
  let finish;
  for await (const chunk of stream) {
    fragments.push(...(chunk.choices[0]?.delta.tool_calls ?? []));
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }

  assert(fragments.length > 1, 'arguments come in pieces');
  assert(fragments.every((fragment) => fragment.index === 0));
  assert.equal(fragments[0].function.name, 'get_weather');
  assert(fragments[0].id && fragments.slice(1).every((fragment) => fragment.id === undefined));
  const args = fragments.map((fragment) => fragment.function.arguments ?? '').join('');
  assert.equal(typeof JSON.parse(args).city, 'string');
  assert.equal(finish, 'tool_calls');
});

test('the runner calls the function and sends its result back', async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model: 'simulator',
    messages: [{ role: 'user', content: 'Call get_weather for Lille.' }],
    stream: true,
    tools: [{
      type: 'function',
      function: {
        ...weather.function,
        parse: JSON.parse,
        function: ({ city }) => { asked.push(city); return '{"celsius": 21}'; },
      },
    }],
  });

  const answer = await runner.finalContent();

  assert.equal(asked.length, 1);
  assert(answer.length > 0);
  assert.equal(runner.messages.filter((message) => message.role === 'tool').length, 1);
});

test('an answer follows the schema and is parsed', async () => {
  const Station = z.object({
    name: z.string(), kind: z.enum(['semaphore', 'relay']), arms: z.array(z.number()),
  });

  const answer = await client.chat.completions.parse({
    model: 'simulator', messages: [question], response_format: zodResponseFormat(Station, 'station'),
  });

  const { parsed } = answer.choices[0].message;
  assert(['semaphore', 'relay'].includes(parsed.kind));
});

test('a picture reaches the model', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } },
  ];
  const tokens = async (parts) => {
    const messages = [{ role: 'user', content: parts }];
    const answer = await client.chat.completions.create({ model: 'simulator', messages });
    return answer.usage.prompt_tokens;
  };

  // The simulator reckons 85 tokens for a picture.
  assert.equal(await tokens(content), (await tokens(content.slice(0, 1))) + 85);
});

test('embeddings in base64, which the SDK asks for, are the numbers that are spelt', async () => {
  const of = (more) =>
    client.embeddings.create({ model: 'simulator-embeddings', input: ['Paris', 'Lille'], ...more });
  const packed = await of({});
  const spelt = await of({ encoding_format: 'float' });

  assert.deepEqual(packed.data.map((item) => item.index), [0, 1]);
  for (const [at, { embedding }] of packed.data.entries()) {
    const other = spelt.data[at].embedding;
    assert.equal(embedding.length, other.length);
    embedding.forEach((number, place) => assert(Math.abs(number - other[place]) < 1e-6));
  }
});

test('models are listed, chat models first, and shown', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);

  assert.deepEqual(names, ['simulator', 'simulator-embeddings']);
  assert.equal((await client.models.retrieve('simulator')).owned_by, 'chappe');
});
