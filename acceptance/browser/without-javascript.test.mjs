// The chat page without JavaScript: forms, and a page that is sent while its answer is written.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, heal, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, received, Visitor } from './chat.mjs';

const echo = promptLine({ script: 'echo', token_ms: 0 });
const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });
const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser, { javaScriptEnabled: false });
});
afterEach(() => visitor.leave());

/** Begins an answer that does not end by itself; the page loads for as long as the model speaks. */
async function beginEndless() {
  await visitor.prompt.fill(`${endless}Count.`);
  await visitor.send.click({ noWaitAfter: true });
  await visitor.hears('t20 ');
}

test('three turns, of which each knows the ones before, and a reload keeps them', async () => {
  await visitor.asks('What was the first line?');
  await visitor.asks('And the second?');
  const third = await visitor.asks(`${echo}And the third?`);

  assert.deepEqual((await received(third)).roles, ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.equal(await visitor.answers.count(), 3);
  await visitor.photograph('without-javascript', { fullPage: true });
  await visitor.goes(() => visitor.page.reload());
  assert.equal(await visitor.questions.count(), 3);
  assert.equal(await visitor.answers.count(), 3);
});

test('markdown is rendered, HTML of the model is text, and what came bit by bit is what is loaded at once', async () => {
  const answer = await visitor.asks(promptLine({ script: 'markdown' }));
  for (const part of [':is(h1, h2, h3)', 'ol > li', 'pre code', 'table td', 'blockquote']) {
    assert(await answer.locator('.body').locator(part).count() > 0, `no ${part}`);
  }
  const shown = await answer.locator('.body').innerText();
  await visitor.goes(() => visitor.page.reload());
  assert.equal(await visitor.lastAnswer.locator('.body').innerText(), shown);

  const text = '<script>1</script><img src="x"> [x](javascript:1)\n\nsome </div></main> words';
  const harmless = await visitor.asks(promptLine({ script: 'text', text, token_ms: 1 }));
  assert.equal(await harmless.locator('script, img, a[href^=javascript]').count(), 0);
  assert.match(await harmless.textContent(), /<script>1<\/script>/);
  assert.match(await harmless.textContent(), /some <\/div><\/main> words/);
});

test('the answer is shown while it is being written, and stop keeps it', { skip: withoutJournal }, async () => {
  await beginEndless();
  assert.equal((await journal({ started: 1 })).running, 1);
  await visitor.photograph('streaming-without-javascript');

  await visitor.goes(() => visitor.stop.click({ noWaitAfter: true }));

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  await visitor.hears('t20 ');
  await visitor.hears('Stopped.');
  await visitor.goes(() => visitor.tool('Go on').click());
  assert.match(await visitor.lastQuestion.textContent(), /go on exactly where you stopped/);
  assert.equal(await visitor.answers.count(), 2);
});

test('a page that is loaded again in the middle has all of it', { skip: withoutJournal }, async () => {
  await beginEndless();
  const address = visitor.page.url();

  await visitor.page.goto(address, { waitUntil: 'commit' });
  await visitor.hears('t40 ');
  const text = await visitor.lastAnswer.textContent();
  const counted = text.match(/t\d+/g);
  assert.deepEqual(counted.slice(0, 40), Array.from({ length: 40 }, (_, index) => `t${index}`));
  assert.equal((await journal({ started: 1 })).started, 1);
});

test('a question is asked again and written anew, and all versions stay', async () => {
  const { page } = visitor;
  await visitor.asks(`${short}first`);
  await visitor.prompt.fill('half a thought');
  await visitor.goes(() => visitor.tool('Try again').click());
  assert.match(await visitor.lastQuestion.textContent(), /first/);
  assert.equal(await visitor.questions.count(), 1);
  await page.getByText('2 / 2').waitFor();

  await visitor.goes(() => visitor.questions.first().getByText('Edit').click());
  await visitor.photograph('edit-without-javascript');
  await visitor.goes(() => page.getByRole('link', { name: 'Cancel' }).click());
  await visitor.goes(() => visitor.questions.first().getByText('Edit').click());
  await visitor.editor.fill(`${echo}changed`);
  await visitor.goes(() => page.locator('#edit').getByRole('button', { name: 'Send' }).click());
  assert.deepEqual((await received(visitor.lastAnswer)).roles, ['user']);
  await page.getByText('3 / 3').waitFor();
  await visitor.goes(() => page.getByLabel('Version before').click());
  assert.match(await visitor.lastQuestion.textContent(), /first/);
});

test('presets, instructions and a new chat are forms and links', async () => {
  const { page } = visitor;
  await page.locator('input[name=preset][value=creative]').check({ force: true });
  await page.getByText('Instructions', { exact: true }).click();
  await page.locator('#instructions').fill('Speak like a telegraph.');
  const answer = await visitor.asks(echo);
  assert.equal((await received(answer)).temperature, 1);
  assert.match(await answer.textContent(), /Speak like a telegraph\./);

  await visitor.goes(() => page.locator('#new-chat').click());
  assert.equal(await visitor.answers.count(), 0);
});

test('the keyboard is enough', async () => {
  const { page } = visitor;
  const tabTo = async (locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await locator.evaluate((one) => one === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab does not reach ${locator}`);
  };
  await tabTo(visitor.prompt);
  await page.keyboard.type('one\ntwo');
  await tabTo(visitor.send);
  await visitor.goes(() => page.keyboard.press('Enter'));
  assert.equal(await visitor.lastQuestion.locator('.body').textContent(), 'one\ntwo');
  await tabTo(visitor.tool('Try again'));
  await visitor.goes(() => page.keyboard.press('Enter'));
  await tabTo(page.getByLabel('Version before'));
  await visitor.goes(() => page.keyboard.press('Enter'));
  await page.getByText('1 / 2').waitFor();
  await tabTo(visitor.tool('Edit'));
  await visitor.goes(() => page.keyboard.press('Enter'));
  await tabTo(visitor.editor);
});

test('an answer that broke off says so for as long as it is there, and its question can be asked again', { skip: withoutJournal }, async () => {
  const once = { cut_after: 5, times: 1, key: 'without' };
  await visitor.asks(promptLine({ script: 'count', tokens: 20, fault: once }));
  await visitor.hears('Interrupted: the connection');
  await visitor.photograph('interrupted-without-javascript');

  await visitor.goes(() => visitor.tool('Try again').click());
  assert.match(await visitor.lastAnswer.textContent(), /t0 t1 .*t19/);
  await visitor.goes(() => visitor.page.getByLabel('Version before').click());
  await visitor.hears('Interrupted: the connection');
  await heal();
});

test('a question while an answer is being written is given back, with words', { skip: withoutJournal }, async () => {
  await visitor.asks(`${short}first`);
  const other = await Visitor.in(visitor.context, { javaScriptEnabled: false }, visitor.page.url());
  await beginEndless();

  await other.says('and this?');

  await other.alert.filter({ hasText: 'is still being written' }).waitFor();
  assert.equal(await other.prompt.inputValue(), 'and this?');
});

test('nothing is sent when nothing is written', async () => {
  await visitor.asks('   ').catch(() => {});
  assert.equal(await visitor.answers.count(), 0);
});
