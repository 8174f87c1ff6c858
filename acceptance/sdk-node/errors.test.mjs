// Failures arrive as the SDK's own exceptions, and a caller who leaves stops the model.

import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import OpenAI from 'openai';
import { forget, heal, journal, ordered, withoutJournal } from '../support/chappe.mjs';
import { client, hello } from './client.mjs';

const ask = (more, options) =>
  client.chat.completions.create({ model: 'simulator', messages: hello, ...more }, options);
const fault = (how) => ordered({ script: 'count', tokens: 20, token_ms: 0, fault: how });
// Long enough that nobody waits for its end: ten minutes.
const endless = ordered({ script: 'count', tokens: 60_000, token_ms: 10 });

beforeEach(async () => { if (!withoutJournal) await forget(); });
afterEach(heal);

test('a wrong parameter is a bad request that names it', async () => {
  await assert.rejects(ask({ messages: 'Hello' }), (error) => {
    assert(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'messages');
    assert.equal(error.code, 'invalid_type');
    assert.equal(error.type, 'invalid_request_error');
    assert(error.requestID);
    return true;
  });
});

test('an unknown model is not found', async () => {
  await assert.rejects(ask({ model: 'nobody-knows-it', stream: true }), (error) => {
    assert(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
});

for (const [status, kind] of [
  [429, OpenAI.RateLimitError], [500, OpenAI.InternalServerError], [503, OpenAI.InternalServerError],
]) {
  test(`a ${status} of the model is the SDK's exception, also for a stream`, async () => {
    await assert.rejects(ask({ stream: true, ...fault({ status, message: 'Not today.' }) }), (error) => {
      assert(error instanceof kind, `${error}`);
      assert.equal(error.status, status);
      assert.match(error.message, /Not today\./);
      return true;
    });
  });
}

for (const how of ['error_chunk_after', 'cut_after', 'close_without_done_after']) {
  test(`a stream that breaks (${how}) is an error and no silent end`, async () => {
    let said = '';
    const read = async () => {
      for await (const chunk of await ask({ stream: true, ...fault({ [how]: 3 }) })) {
        said += chunk.choices[0]?.delta.content ?? '';
      }
    };

    await assert.rejects(read(), OpenAI.APIError);
    assert.equal(said, 't0 t1 t2 ');
  });
}

test('breaking out of the loop stops the model', { skip: withoutJournal }, async () => {
  for await (const chunk of await ask({ stream: true, ...endless })) {
    if (chunk.choices[0].delta.content) break;
  }

  assert.equal((await journal({ client_gone: 1 })).running, 0);
});

test('aborting a request in one piece stops the model', { skip: withoutJournal }, async () => {
  const abort = new AbortController();
  const asked = assert.rejects(ask(endless, { signal: abort.signal }), OpenAI.APIUserAbortError);
  await journal({ started: 1 });
  abort.abort();
  await asked;

  assert.equal((await journal({ client_gone: 1 })).client_gone_in.unary, 1);
});

test('a caller who waits no longer gets a timeout, and the model stops', { skip: withoutJournal }, async () => {
  const stalls = fault({ stall_before_headers: true });

  await assert.rejects(ask(stalls, { timeout: 1000 }), OpenAI.APIConnectionTimeoutError);

  assert.equal((await journal({ client_gone: 1 })).running, 0);
});
