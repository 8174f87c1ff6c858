// Why nothing is said yet, when to send again, and what went wrong: calm lines, and few words for those who hear the page.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { Between, withoutPrograms as skip } from '../support/between.mjs';
import { promptLine } from '../support/chappe.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

const short = `${promptLine({ script: 'count', tokens: 5, token_ms: 0 })}What was it?`;
/** It is still waited for when its page is there. */
const slow = `${promptLine({ script: 'count', tokens: 5, ttft_ms: 3000 })}What was it?`;
const busy = (ahead) => ({ reason: 'busy', ahead });
const BEHIND_THREE = 'Waiting: 3 questions before yours.';
const NO_WORKER = 'Waiting: no worker serves this model at the moment. Your question is kept.';
const RETRYING = 'A worker was lost; another one takes over.';

let browser;
let between;
let visitor;
before(async () => {
  if (skip) return;
  browser = await launch();
  between = await Between.start();
});
after(async () => {
  await browser?.close();
  await between?.stop();
});
beforeEach(() => between?.release());
afterEach(() => visitor?.leave());

const arrive = async (options) => { visitor = await Visitor.arrive(browser, options, between.url); };
const lines = () => visitor.page.locator('.waiting').filter({ visible: true });
const shows = (words) => lines().filter({ hasText: words }).waitFor();

/** Notes what `region` tells from now on; text that is hidden from those who hear the page is none. */
const listen = (region) => visitor.page.evaluate((id) => {
  const told = globalThis[`told_${id}`] = [];
  const node = document.getElementById(id);
  const heard = () => [...node.querySelectorAll('p, a')].filter((one) => !one.closest('[aria-hidden]'))
    .map((one) => one.textContent).join(' ') || (node.children.length ? '' : node.textContent);
  let last = heard();
  new MutationObserver(() => {
    if (heard() !== last) told.push(last = heard());
  }).observe(node, { childList: true, subtree: true, characterData: true });
}, region);
const told = (region) => visitor.page.evaluate((id) => globalThis[`told_${id}`], region);

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`an answer that waits says why, ${how} JavaScript`, { skip }, async () => {
    await arrive({ javaScriptEnabled });
    between.held = true;
    between.tellsWaiting = () => busy(3);
    await visitor.prompt.fill(slow);
    // A page without a script loads for as long as the answer is waited for.
    if (javaScriptEnabled) await visitor.goes(() => visitor.send.click());
    else await visitor.send.click({ noWaitAfter: true });
    if (javaScriptEnabled) await listen('status');

    await shows(BEHIND_THREE);
    assert.equal(await lines().count(), 1, 'one line is shown');
    if (javaScriptEnabled) {
      assert.match(await visitor.page.title(), /^\(waiting\) .* · Chappe$/);
      await visitor.page.waitForFunction((words) => document.querySelector('#status').textContent === words, BEHIND_THREE);
      for (const colorScheme of ['light', 'dark']) {
        await visitor.page.emulateMedia({ colorScheme });
        await isAccessible(visitor.page, `an answer that waits, ${colorScheme}`);
      }
      await visitor.page.emulateMedia({ colorScheme: null });
    }
    await visitor.photograph(`waiting-behind-others-${how}-javascript`);
    between.tellsWaiting = () => ({ reason: 'no_worker' });
    await shows(NO_WORKER);
    assert.equal(await lines().count(), 1, 'one line is shown');
    await visitor.photograph(`waiting-no-worker-${how}-javascript`);
    between.tellsWaiting = () => ({ reason: 'retrying' });
    await shows(RETRYING);
    between.release();
    await visitor.hears('t4');
    await visitor.isAnswered();

    assert.equal(await lines().count(), 0);
    assert.doesNotMatch(await visitor.page.title(), /waiting/);
    if (javaScriptEnabled) {
      const said = await told('status');
      assert(said.length <= 6, `${said.length} announcements: ${said}`);
      assert.deepEqual(said.filter((words) => words === BEHIND_THREE).length, 1);
      assert.match(said.at(-1), /^Answer complete/);
    }
  });
}

test('a queue that moves is shown at once, and spoken of now and then', { skip }, async () => {
  await arrive();
  between.held = true;
  between.tellsWaiting = (asked) => busy(Math.max(9 - asked, 1));
  await visitor.says(slow);
  await listen('status');

  await shows('Waiting: 9 questions before yours.');
  await shows('Waiting: 2 questions before yours.');
  between.release();
  await visitor.isAnswered();

  const said = await told('status');
  const numbers = said.filter((words) => words.startsWith('Waiting: '));
  assert(numbers.length >= 1 && numbers.length <= 2, `seven numbers in some 15 s: ${said}`);
  assert(said.length <= 6, `${said}`);
});

test('while it is not looked at, the title does not go on to say that it waits', { skip }, async () => {
  await arrive();
  between.held = true;
  await visitor.says(slow);
  assert.match(await visitor.page.title(), /^\(waiting\) /);

  await visitor.page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.doesNotMatch(await visitor.page.title(), /waiting/);
  await visitor.page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.match(await visitor.page.title(), /^\(waiting\) /);
  between.release();
  await visitor.isAnswered();
  assert.doesNotMatch(await visitor.page.title(), /waiting/);
});

test('when to send again is counted down for the eye, and said once when it is time', { skip }, async () => {
  await arrive();
  between.refusal = { status: 429, seconds: 4, code: 'rate_limit_exceeded' };
  await visitor.says(short);
  await listen('alert');
  const count = visitor.alert.locator('.count');

  assert.match(await count.textContent(), /^0:0[1-4]$/);
  assert.equal(await count.getAttribute('aria-hidden'), 'true');
  await count.filter({ hasText: '0:02' }).waitFor();
  assert.match(await visitor.alert.textContent(), /Send it again in 4 seconds\./, 'its words stay');
  assert(await visitor.send.isEnabled(), 'nobody has to wait');
  await isAccessible(visitor.page, 'an alert that counts down');
  await visitor.photograph('alert-counts-down');
  await visitor.alert.filter({ hasText: 'You can send it again now.' }).waitFor();

  assert.equal(await count.count(), 0);
  assert.equal((await told('alert')).length, 1, 'once');
  await visitor.goes(() => visitor.send.click());
  await visitor.hears('t4');
});

test('without JavaScript it is said when to send again', { skip }, async () => {
  await arrive({ javaScriptEnabled: false });
  between.refusal = { status: 429, seconds: 4, code: 'rate_limit_exceeded' };
  await visitor.says(short);

  assert.match(await visitor.alert.textContent(), /Send it again in 4 seconds\./);
  await visitor.asks(short);
});

test('an answer that failed looks like none that did not, and is tried again where it stands', { skip }, async () => {
  await arrive();
  await visitor.asks(promptLine({ script: 'count', tokens: 20, fault: { error_chunk_after: 5 } }));

  const note = visitor.lastAnswer.locator('.wrong');
  assert.match(await note.textContent(), /^Interrupted: /);
  const looks = (locator) => locator.evaluate((one) => {
    const { color, backgroundColor, borderInlineStartWidth } = getComputedStyle(one);
    return { color, backgroundColor, borderInlineStartWidth };
  });
  const receipt = visitor.page.locator('.receipt, .note:not(.wrong)');
  const wrong = await looks(note);
  assert.equal(wrong.borderInlineStartWidth, '4px', 'not by its colour alone');
  if (await receipt.count()) assert.notEqual((await looks(receipt.first())).color, wrong.color);
  for (const colorScheme of ['light', 'dark']) {
    await visitor.page.emulateMedia({ colorScheme });
    await isAccessible(visitor.page, `an answer that failed, ${colorScheme}`);
    await visitor.photograph(`answer-failed-${colorScheme}`);
  }
  const actions = visitor.lastAnswer.locator('.tools .first');
  assert.equal(await actions.count(), 1, 'one thing to do stands out');
  await visitor.goes(() => actions.click());
  await visitor.page.getByText('2 / 2').waitFor();
});
