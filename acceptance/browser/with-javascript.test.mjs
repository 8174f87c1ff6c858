// The chat page with JavaScript.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, heal, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, received, Visitor } from './chat.mjs';

const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });
const echo = promptLine({ script: 'echo', token_ms: 0 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser);
});
afterEach(() => visitor.leave());

test('three turns, of which each knows the ones before', async () => {
  await visitor.asks('What was the first line?');
  await visitor.asks('And the second?');
  const third = await visitor.asks(`${echo}And the third?`);

  assert.deepEqual((await received(third)).roles, ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.equal(await visitor.questions.count(), 3);
  assert.equal(await visitor.answers.count(), 3);
});

test('the answer is shown while it is being written', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);

  await visitor.hears('t20 ');
  assert.equal((await journal({ started: 1 })).running, 1);
  assert(await visitor.stop.isVisible());
});

test('markdown is rendered', async () => {
  const answer = await visitor.asks(promptLine({ script: 'markdown' }));

  for (const part of ['h1', 'h2', 'ol > li', 'ul > li', 'blockquote', 'strong', 'em', 'code', 'pre code', 'table th', 'table td', 'hr']) {
    assert(await answer.locator(part).count() > 0, `no ${part}`);
  }
  const link = answer.locator('a[href="https://example.com"]');
  const rel = (await link.getAttribute('rel')).split(' ');
  for (const word of ['noopener', 'noreferrer', 'nofollow']) assert(rel.includes(word), `rel ${rel}`);
  await visitor.photograph('markdown', { fullPage: true });
});

test('what the model says is never HTML, never a script, never a picture from elsewhere', async () => {
  const text = [
    '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">',
    '<b onmouseover="window.hacked = 1">bold</b> [link](javascript:window.hacked=1)',
    '[data](data:text/html,<script>1</script>) ![pixel](http://127.0.0.1:9/pixel.png)',
    '<iframe src="http://127.0.0.1:9/"></iframe>',
    '```html\n<script>window.hacked = 1</script>\n```',
  ].join('\n\n');

  const answer = await visitor.asks(promptLine({ script: 'text', text }));

  assert.equal(await answer.locator('script, img, iframe, b, [onmouseover], [style]').count(), 0);
  const links = await answer.locator('a').evaluateAll((all) => all.map((link) => link.href));
  assert(links.every((href) => /^(https?|mailto):/.test(href)), `${links}`);
  assert.equal(await visitor.page.evaluate(() => window.hacked), undefined);
  assert.match(await answer.textContent(), /<script>window\.hacked = 1<\/script>/);
});

test('what the user says is text', async () => {
  await visitor.asks('<img src=x onerror="window.hacked = 1"> **not bold**');

  assert.equal(await visitor.questions.locator('img, strong').count(), 0);
  assert.equal(await visitor.page.evaluate(() => window.hacked), undefined);
});

test('stop stops the model and keeps the text', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');

  await visitor.stop.click();
  await visitor.isAnswered();

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  assert.match(await visitor.lastAnswer.textContent(), /t0 t1 t2 /);
  const next = await visitor.asks('Are you still there?');
  assert((await next.textContent()).length > 0);
});

test('leaving the page stops the model', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');

  await visitor.page.goto('about:blank').catch(() => {});

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  visitor.complaints.length = 0;
});

test('a reload keeps the conversation, and it goes on', async () => {
  await visitor.asks('What was the first line?');
  const second = await visitor.asks(promptLine({ script: 'table' }));
  const said = await second.textContent();

  await visitor.page.reload();

  assert.equal(await visitor.questions.count(), 2);
  assert.equal(await visitor.answers.count(), 2);
  assert.equal(await visitor.lastAnswer.textContent(), said);
  const third = await visitor.asks(`${echo}And?`);
  assert.equal((await received(third)).roles.length, 5);
});

test('a reload in the middle keeps what was said', { skip: withoutJournal }, async () => {
  await visitor.asks('What was the first line?');
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');

  await visitor.page.reload();

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  assert(await visitor.questions.count() >= 1);
  await visitor.asks('Are you still there?');
});

test('a preset is a temperature', async () => {
  for (const [preset, temperature] of [['accurate', 0], ['balanced', 0.7], ['creative', 1]]) {
    await visitor.page.locator(`input[name=preset][value=${preset}]`).check({ force: true });
    const answer = await visitor.asks(echo);
    assert.equal((await received(answer)).temperature, temperature, preset);
  }
});

test('models that chat can be picked, others cannot', async () => {
  const names = await visitor.page.locator('#model option').evaluateAll((all) => all.map((one) => one.value));

  assert.deepEqual(names, ['simulator']);
  assert.equal((await received(await visitor.asks(echo))).model, '"simulator"');
});

test('starting anew forgets the conversation', async () => {
  await visitor.asks('What was the first line?');

  await visitor.page.locator('#new-chat').click();

  await visitor.questions.first().waitFor({ state: 'detached' });
  assert.equal(await visitor.answers.count(), 0);
  const answer = await visitor.asks(echo);
  assert.deepEqual((await received(answer)).roles, ['user']);
});

for (const [what, fault, words] of [
  ['a conversation that is too long', { status: 400, code: 'context_length_exceeded' }, /too long|long/i],
  ['a model that is busy', { status: 429 }, /busy|many|again|later/i],
  ['a model that fails', { status: 500 }, /model|wrong|fail/i],
  ['a stream that breaks', { cut_after: 5 }, /broke|ended|interrupted|connection|complete/i],
]) {
  test(`${what} is said in words`, async () => {
    await visitor.says(promptLine({ script: 'count', tokens: 20, fault }));

    await visitor.alert.filter({ hasText: /\w/ }).waitFor();
    const said = await visitor.alert.textContent();
    assert.match(said, words);
    assert.doesNotMatch(said, /[{}]|undefined|null/);
    await visitor.isAnswered();
    await heal();
    const next = await visitor.asks('Are you well?');
    assert((await next.textContent()).length > 0);
  });
}

test('an answer that broke off says so for as long as it is there, and its question can be asked again', { skip: withoutJournal }, async () => {
  const { page } = visitor;
  const again = page.getByRole('button', { name: 'Try again' });
  await visitor.says(promptLine({ script: 'count', tokens: 20, fault: { cut_after: 5 } }));
  await visitor.hears('Interrupted: the connection');
  await visitor.isAnswered();
  await visitor.photograph('interrupted');
  await heal();
  await forget();

  await page.reload();
  await visitor.hears('Interrupted: the connection');
  // Enter on a field sends what is written, and nothing is; it does not press that button.
  await page.locator('input[name=preset]:checked').press('Enter');
  await visitor.prompt.fill('half a thought');
  assert.equal(await visitor.answers.count(), 1);
  await again.click();
  await journal({ started: 1 });
  await visitor.hears('Interrupted: the connection');
  await visitor.isAnswered();

  assert.equal(await visitor.questions.count(), 1);
  assert.equal(await visitor.answers.count(), 1);
  assert.equal(await visitor.prompt.inputValue(), 'half a thought');
  await heal();
  await visitor.asks('Are you well?');
  assert.match(await visitor.answers.first().textContent(), /t0 t1 .*Interrupted: the connection/s);
  assert.equal(await again.filter({ visible: true }).count(), 0);
});

test('a reload in the middle is an interruption', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');

  await visitor.page.reload();

  await visitor.hears('Interrupted: this page was left.');
  await journal({ client_gone: 1 });
});

test('the keyboard is enough', { skip: withoutJournal }, async () => {
  await visitor.prompt.focus();
  await visitor.prompt.pressSequentially('one');
  await visitor.prompt.press('Shift+Enter');
  await visitor.prompt.pressSequentially('two');
  assert.equal(await visitor.prompt.inputValue(), 'one\ntwo');
  await visitor.prompt.press('Enter');
  await visitor.questions.first().waitFor();
  await visitor.isAnswered();

  assert.equal(await visitor.prompt.inputValue(), '');
  const focused = await visitor.page.evaluate(() => document.activeElement?.name);
  assert.equal(focused, 'prompt');
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t5 ');
  await visitor.page.keyboard.press('Escape');
  await journal({ client_gone: 1 });
  await visitor.isAnswered();
});

test('nothing is sent when nothing is written', { skip: withoutJournal }, async () => {
  await visitor.prompt.fill('   ');
  await visitor.prompt.press('Enter');

  const answer = await visitor.asks('Something');
  assert((await answer.textContent()).length > 0);
  assert.equal(await visitor.questions.count(), 1);
});

test('screen readers have names, a status and an alert', async () => {
  await visitor.asks('What was the first line?');

  assert.equal(await visitor.page.locator('#status').getAttribute('role'), 'status');
  assert.equal(await visitor.alert.getAttribute('role'), 'alert');
  const nameless = await visitor.page.evaluate(() =>
    [...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea')]
      .filter((one) => one.checkVisibility())
      .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.title))
      .map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
});

test('a picture for the documentation', async () => {
  await visitor.page.setViewportSize({ width: 1100, height: 900 });
  await visitor.asks('What is Chappe? Answer with a table.');
  await visitor.asks('And some code in Rust?');
  await visitor.photograph('chat');
  if (process.env.UPDATE_SCREENSHOT) {
    await copyFile(join(process.env.ACCEPTANCE_SCREENSHOTS, 'chat.png'), '../docs/chat.png');
  }
});
