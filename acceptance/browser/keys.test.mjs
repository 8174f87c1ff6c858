// The keyboard is enough, the focus is never lost, and whoever listens hears as much as they need.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, Visitor } from './chat.mjs';

const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });
const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser);
});
afterEach(() => visitor.leave());

/** From now on every page notes what its live regions say. */
async function listen() {
  await visitor.context.addInitScript(() => {
    globalThis.heard = [];
    document.addEventListener('DOMContentLoaded', () => {
      for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
        if (region.ariaLive === 'off') continue;
        new MutationObserver(() => heard.push(region.textContent))
          .observe(region, { childList: true, characterData: true, subtree: true });
      }
    });
  });
}

const heard = () => visitor.page.evaluate(() => heard);

/** Presses Tab until `locator` has the focus. */
async function tabTo(locator, key = 'Tab') {
  for (let presses = 0; presses < 60; presses += 1) {
    if (await locator.evaluate((one) => one === document.activeElement)) return;
    await visitor.page.keyboard.press(key);
  }
  assert.fail(`${key} does not reach ${locator}`);
}

test('Enter sends, and Shift and Enter begin a line', async () => {
  assert.equal(await visitor.focused(), 'prompt', 'one can write at once');
  await visitor.page.keyboard.type('one');
  await visitor.page.keyboard.press('Shift+Enter');
  await visitor.page.keyboard.type('two');
  assert.equal(await visitor.prompt.inputValue(), 'one\ntwo');
  await visitor.goes(() => visitor.page.keyboard.press('Enter'));
  await visitor.isAnswered();

  assert.equal(await visitor.prompt.inputValue(), '');
  assert.equal(await visitor.lastQuestion.locator('.body').textContent(), 'one\ntwo');
});

test('Enter begins a line where that is wished, and Ctrl and Enter send', async () => {
  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  await page.goto(new URL('/settings', visitor.origin).href);
  await visitor.goes(() => page.getByRole('button', { name: 'Makes a new line' }).click());
  assert(await page.getByRole('button', { name: 'Makes a new line', pressed: true }).isVisible());
  await visitor.goes(() => page.locator('#new-chat').click());

  await visitor.prompt.fill(`${short}One`);
  await visitor.prompt.press('Enter');
  await page.keyboard.type('two');
  assert.equal(await visitor.prompt.inputValue(), `${short}One\ntwo`);
  await visitor.goes(() => page.keyboard.press('Control+Enter'));
  await visitor.isAnswered();

  assert.match(await visitor.lastQuestion.innerText(), /One\s+two/);
  await visitor.leave();
});

test('an answer is read out at its end where that is wished', async () => {
  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  await page.goto(new URL('/settings', visitor.origin).href);
  await visitor.goes(() => page.getByRole('button', { name: 'When they are complete' }).click());
  await visitor.goes(() => page.locator('#new-chat').click());
  const text = 'Bees have **five** eyes.';

  await visitor.asks(promptLine({ script: 'text', text, ttft_ms: 300, token_ms: 20 }));

  const log = page.getByRole('log', { name: 'Answers, read aloud' });
  await log.getByText('Bees have five eyes.').waitFor({ state: 'attached' });
  assert.equal(await log.locator('p').count(), 1, 'once, and not word by word');
  await visitor.leave();
});

test('Enter that ends a word of an input method sends nothing', async () => {
  const keyboard = await visitor.context.newCDPSession(visitor.page);
  let sent = false;
  visitor.page.on('request', (request) => { sent ||= request.method() === 'POST'; });
  const enter = (code) => keyboard.send('Input.dispatchKeyEvent', {
    type: 'rawKeyDown', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: code,
  });

  await keyboard.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await enter(13);
  await keyboard.send('Input.insertText', { text: '日本' });
  // Safari ends the composition first, and tells only by this number.
  await enter(229);
  assert.equal(await visitor.prompt.inputValue(), '日本');
  assert.equal(sent, false);

  await visitor.goes(() => visitor.page.keyboard.press('Enter'));
  assert(sent);
  assert.equal(await visitor.lastQuestion.locator('.body').textContent(), '日本');
});

test('the focus is never lost', { skip: withoutJournal }, async () => {
  const { page } = visitor;
  await visitor.prompt.fill(`${endless}Count.`);
  await visitor.goes(() => visitor.prompt.press('Enter'));
  assert.equal(await visitor.focused(), 'prompt', 'after sending');
  await visitor.hears('t20 ');
  await tabTo(visitor.stop);
  await page.keyboard.press('Enter');
  await visitor.isAnswered();
  assert.equal(await visitor.focused(), 'prompt', 'after stopping, as the button is gone');

  await visitor.prompt.fill(`${endless}Count.`);
  await visitor.goes(() => visitor.prompt.press('Enter'));
  await visitor.hears('t5 ');
  await page.keyboard.press('Escape');
  await visitor.isAnswered();
  assert.equal(await visitor.focused(), 'prompt', 'after stopping with Escape');

  await visitor.prompt.fill(`${endless}Count.`);
  await visitor.goes(() => visitor.prompt.press('Enter'));
  await tabTo(visitor.stop);
  // Somebody stops it elsewhere.
  await visitor.context.request.post(await visitor.stop.evaluate((stop) => stop.formAction), {
    form: { answer: await visitor.stop.getAttribute('value') }, maxRedirects: 0,
  });
  await visitor.isAnswered();
  assert.equal(await visitor.focused(), 'prompt', 'when the answer ends while its button has the focus');

  await tabTo(visitor.questions.last().getByText('Edit'), 'Shift+Tab');
  await visitor.goes(() => page.keyboard.press('Enter'));
  assert.equal(await visitor.focused(), 'edited', 'where a question is written anew');
  await tabTo(page.getByRole('link', { name: 'Cancel' }));
  await visitor.goes(() => page.keyboard.press('Enter'));
  assert.equal(await visitor.focused(), 'prompt', 'after cancelling');
});

test('every action is reached by keys', async () => {
  const { page } = visitor;
  await visitor.asks(`${short}What was it?`);
  await visitor.goes(() => visitor.tool('Try again').click());
  await visitor.isAnswered();
  await page.evaluate(() => document.activeElement.blur());

  const reached = new Set();
  for (let presses = 0; presses < 50; presses += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => {
      const { ariaLabel, labels, textContent, id, name } = document.activeElement;
      return (ariaLabel || labels?.[0]?.textContent || textContent || id || name).trim();
    }));
  }

  for (const action of [
    'Skip to the latest answer', 'Skip to the message box', 'New chat', 'Shortcuts', 'Settings', 'Find in chats', 'All chats',
    'Rename', 'Markdown', 'JSON', 'Delete', 'Version before', 'Edit', 'Copy', 'Try again', 'Your message', 'Model',
    'Balanced', 'Instructions', 'Send',
  ]) {
    assert(reached.has(action), `${action} is not among ${[...reached].join(', ')}`);
  }
});

test('keys do what the list of keys says', async () => {
  const { page } = visitor;
  const help = page.locator('#help');
  await page.keyboard.press('Control+/');
  assert(await help.isVisible());
  await visitor.photograph('keys');
  await page.keyboard.press('Escape');
  assert.equal(await help.isVisible(), false);
  assert.equal(await visitor.focused(), 'prompt');
  await page.getByRole('button', { name: 'Shortcuts' }).click();
  await help.getByRole('button', { name: 'Close' }).click();
  assert.equal(await help.isVisible(), false);

  await visitor.asks(`${short}What was it?`);
  await page.keyboard.press('Control+k');
  assert.equal(await visitor.focused(), 'find');
  await visitor.goes(() => page.keyboard.press('Control+Shift+S'));
  assert.equal(new URL(page.url()).pathname, '/chats');
  await visitor.goes(() => page.keyboard.press('Control+Shift+O'));
  assert.equal(new URL(page.url()).pathname, '/');
  await page.setViewportSize({ width: 700, height: 700 });
  await visitor.goes(() => page.keyboard.press('Control+k'));
  assert.equal(new URL(page.url()).pathname, '/chats', 'where the list is not beside the chat');
});

test('Escape closes the list of keys first, and stops then', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t5 ');
  await visitor.page.keyboard.press('Control+/');

  await visitor.page.keyboard.press('Escape');
  await visitor.hears('t50 ');
  assert.equal((await journal({ started: 1 })).running, 1);
  await visitor.page.keyboard.press('Escape');
  await journal({ client_gone: 1 });
  await visitor.isAnswered();
});

test('an answer is announced, and not each of its words', async () => {
  await listen();
  const { page } = visitor;
  await visitor.asks(`${promptLine({ script: 'count', tokens: 100, token_ms: 10 })}Count.`);

  const said = await heard();
  assert(said.length <= 6, `${said.length} announcements: ${said.join(' | ')}`);
  assert.match(said.at(-1), /^Answer complete, 100 words, \d+ seconds$/);
  assert(said.every((words) => !/t\d/.test(words)), said.join(' | '));
  const article = visitor.lastAnswer;
  assert.equal(await article.getAttribute('aria-busy'), null);
  assert.equal(await article.locator('h2').textContent(), 'The assistant said, simulator');
  assert.equal(await visitor.status.getAttribute('role'), 'status');
  assert.equal(await visitor.alert.getAttribute('role'), 'alert');
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll('button, a, input:not([type=hidden]), select, textarea, summary')]
      .filter((one) => one.checkVisibility())
      .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.title))
      .map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
});

test('an answer of five minutes is not announced more often', async () => {
  await listen();
  await visitor.page.clock.install();
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');
  const article = visitor.lastAnswer;
  assert.equal(await article.getAttribute('aria-busy'), 'true');
  assert.equal(await article.getAttribute('aria-live'), 'off');

  await visitor.page.clock.runFor('05:00');
  await visitor.stop.click();
  await visitor.isAnswered();

  const said = await heard();
  assert(said.includes('Still answering'), said.join(' | '));
  assert(said.length <= 6, `${said.length} announcements: ${said.join(' | ')}`);
});

test('a reader who has gone up stays there, and is offered the way down', { skip: withoutJournal }, async () => {
  const { page } = visitor;
  await page.setViewportSize({ width: 900, height: 500 });
  await visitor.says(`${promptLine({ script: 'count', tokens: 60_000, token_ms: 2 })}Count.`);
  await visitor.hears('t900 ');
  assert(await page.evaluate(() => scrollY > 0), 'the end is followed');

  await page.mouse.move(400, 200);
  await page.mouse.wheel(0, -3000);
  await page.getByRole('button', { name: 'To the end' }).waitFor();
  const { top, words } = await page.evaluate(() => ({ top: scrollY, words: document.querySelector('#transcript').textContent.length }));
  await page.waitForFunction((before) => document.querySelector('#transcript').textContent.length > before + 500, words);
  assert.equal(await page.evaluate(() => scrollY), top);
  await page.getByRole('button', { name: 'To the end' }).click();
  await page.waitForFunction(() => document.scrollingElement.scrollHeight - scrollY - innerHeight < 120);
});
