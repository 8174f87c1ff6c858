// The chat page without JavaScript: forms, and a page that is streamed.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, heal, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, received, Visitor } from './chat.mjs';

const echo = promptLine({ script: 'echo', token_ms: 0 });
const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser, { javaScriptEnabled: false });
});
afterEach(() => visitor.leave());

/** Writes, sends, and waits for the end of the page that comes. */
async function ask(text) {
  await visitor.prompt.fill(text);
  await Promise.all([visitor.page.waitForEvent('load'), visitor.send.click()]);
  return visitor.lastAnswer;
}

test('three turns, of which each knows the ones before', async () => {
  await ask('What was the first line?');
  await ask('And the second?');
  const third = await ask(`${echo}And the third?`);

  assert.deepEqual((await received(third)).roles, ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.equal(await visitor.answers.count(), 3);
  await visitor.photograph('without-javascript', { fullPage: true });
});

test('markdown is rendered, and HTML of the model is text', async () => {
  const answer = await ask(promptLine({ script: 'markdown' }));
  for (const part of ['h1', 'ol > li', 'pre code', 'table td', 'blockquote']) {
    assert(await answer.locator(part).count() > 0, `no ${part}`);
  }

  const text = '<script>1</script><img src="x"> [x](javascript:1)';
  const harmless = await ask(promptLine({ script: 'text', text }));
  assert.equal(await harmless.locator('script, img, a[href^=javascript]').count(), 0);
  assert.match(await harmless.textContent(), /<script>1<\/script>/);
});

test('the answer is shown while it is being written, and stop stops the model', { skip: withoutJournal }, async () => {
  await visitor.prompt.fill(`${endless}Count.`);
  // Not awaited: the page loads for as long as the model speaks.
  await visitor.send.click({ noWaitAfter: true });
  await visitor.hears('t20 ');
  assert.equal((await journal({ started: 1 })).running, 1);

  await Promise.all([journal({ client_gone: 1 }), visitor.stop.click({ noWaitAfter: true })]);

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  await visitor.hears('t20 ');
  const next = await ask('Are you still there?');
  assert((await next.textContent()).length > 0);
});

test('a reload keeps the conversation', async () => {
  await ask('What was the first line?');
  await ask('And the second?');

  await visitor.page.reload();

  assert.equal(await visitor.questions.count(), 2);
  assert.equal(await visitor.answers.count(), 2);
});

test('presets and starting anew are forms', async () => {
  await visitor.page.locator('input[name=preset][value=creative]').check({ force: true });
  const answer = await ask(echo);
  assert.equal((await received(answer)).temperature, 1);

  await Promise.all([visitor.page.waitForEvent('load'), visitor.page.locator('#new-chat').click()]);

  assert.equal(await visitor.answers.count(), 0);
});

test('an answer that broke off says so for as long as it is there, and its question can be asked again', { skip: withoutJournal }, async () => {
  const again = visitor.page.getByRole('button', { name: 'Try again' });
  await ask(promptLine({ script: 'count', tokens: 20, fault: { cut_after: 5 } }));
  await visitor.hears('Interrupted: the connection');
  await visitor.photograph('interrupted-without-javascript');
  await heal();
  await forget();

  await Promise.all([visitor.page.waitForEvent('load'), again.click()]);
  await journal({ started: 1 });
  await visitor.hears('Interrupted: the connection');

  assert.equal(await visitor.questions.count(), 1);
  assert.equal(await visitor.answers.count(), 1);
  await heal();
  await ask('Are you well?');
  assert.match(await visitor.answers.first().textContent(), /t0 t1 .*Interrupted: the connection/s);
  assert.equal(await again.filter({ visible: true }).count(), 0);
});

test('an error is said in words', async () => {
  const fault = { status: 400, code: 'context_length_exceeded' };
  await ask(promptLine({ fault })).catch(() => {});

  const said = await visitor.alert.textContent();
  assert.match(said, /long/i);
});
