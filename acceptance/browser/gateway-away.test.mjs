// The gateway is away, before a question, with it and behind it: words, and nothing that was typed is lost.

import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { Between, withoutPrograms as skip } from '../support/between.mjs';
import { promptLine } from '../support/chappe.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });

let browser;
let between;
before(async () => {
  if (skip) return;
  browser = await launch();
  between = await Between.start();
});
after(async () => {
  await browser?.close();
  await between?.stop();
});

beforeEach(async () => {
  if (skip) return;
  between.release();
  if (!between.isOpen) await between.open();
});

const arrive = (options) => Visitor.arrive(browser, options, between.url);
const inWords = async (visitor, words) => {
  const said = await visitor.alert.filter({ hasText: words }).textContent();
  assert.doesNotMatch(said, /[{}]|undefined|null|127\.0\.0\.1|panic|error trying/i);
};

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`pages say that it is away, and what is written stays, ${how} JavaScript`, { skip }, async () => {
    const visitor = await arrive({ javaScriptEnabled });
    const { page } = visitor;
    await visitor.asks(`${short}What was it?`);
    const chat = page.url();
    await visitor.prompt.fill('a long thought\nof two lines');
    await between.close();

    await visitor.goes(() => visitor.send.click());
    await inWords(visitor, 'The gateway cannot be reached');
    assert.equal(await visitor.prompt.inputValue(), 'a long thought\nof two lines');
    await visitor.photograph(`gateway-away-${how}-javascript`);
    if (javaScriptEnabled) await isAccessible(page, 'the gateway is away');
    await visitor.goes(() => visitor.send.click());
    assert.equal(await visitor.prompt.inputValue(), 'a long thought\nof two lines');
    for (const path of ['/chats', new URL(chat).pathname]) {
      const opened = await page.goto(new URL(path, visitor.origin).href);
      assert(opened.status() >= 500, `${path} ${opened.status()}`);
      await inWords(visitor, 'The gateway cannot be reached');
    }
    await page.goto(visitor.origin);
    await visitor.says('begun without it');
    assert.equal(await visitor.prompt.inputValue(), 'begun without it');

    await between.open();
    await visitor.goes(() => visitor.send.click());
    await visitor.isAnswered();
    assert.match(await visitor.lastQuestion.textContent(), /begun without it/);
    await page.goto(chat);
    assert.equal(await visitor.questions.count(), 1, 'what was refused was not asked');
    await visitor.leave();
  });
}

test('a question that was given back still belongs to its chat', { skip }, async () => {
  const visitor = await arrive();
  await visitor.asks(`${short}What was it?`);
  const chat = new URL(visitor.page.url()).pathname;
  await between.close();
  await visitor.says(`${short}And then?`);
  await inWords(visitor, 'The gateway cannot be reached');
  await between.open();

  await visitor.goes(() => visitor.send.click());
  await visitor.isAnswered();
  assert.equal(new URL(visitor.page.url()).pathname, chat);
  assert.equal(await visitor.questions.count(), 2);
  await visitor.leave();
});

test('an answer goes on when it is back, and nothing is lost or doubled', { skip }, async () => {
  const visitor = await arrive();
  const { page } = visitor;
  await visitor.says(`${promptLine({ script: 'count', tokens: 200, token_ms: 10 })}Count.`);
  await visitor.hears('t20 ');
  await visitor.prompt.fill('the next thought');

  await between.close();
  await between.open();
  await visitor.isAnswered();

  const live = await visitor.body();
  const counted = (await visitor.lastAnswer.textContent()).match(/t\d+/g).slice(0, 200);
  assert.deepEqual(counted, Array.from({ length: 200 }, (_, index) => `t${index}`));
  assert.equal(await visitor.prompt.inputValue(), 'the next thought');
  await visitor.goes(() => page.reload());
  assert.equal(await visitor.body(), live);
  assert.equal(await visitor.prompt.inputValue(), 'the next thought');
  await visitor.leave();
});

test('an answer that cannot be stopped says so, and is stopped when it can', { skip }, async () => {
  const visitor = await arrive();
  await visitor.says(`${promptLine({ script: 'count', tokens: 60_000, token_ms: 10 })}Count.`);
  await visitor.hears('t20 ');
  await between.close();

  await visitor.stop.click();
  await inWords(visitor, 'the answer was not stopped');
  assert(await visitor.stop.isVisible());
  await between.open();
  await visitor.stop.click();
  await visitor.isAnswered();

  await visitor.hears('Stopped.');
  assert.equal((await visitor.alert.textContent()).trim(), '', 'what was wrong is said no longer');
  await visitor.leave();
});

test('that it was not stopped is said no longer once it has ended', { skip }, async () => {
  const visitor = await arrive();
  await visitor.says(`${promptLine({ script: 'count', tokens: 1_000, token_ms: 10 })}Count.`);
  await visitor.hears('t20 ');
  await between.close();
  await visitor.stop.click();
  await inWords(visitor, 'the answer was not stopped');

  await between.open();
  await visitor.isAnswered();

  await visitor.hears('t999');
  assert.equal((await visitor.alert.textContent()).trim(), '');
  await visitor.leave();
});

for (const javaScriptEnabled of [true, false]) {
  test(`an answer that waits says what for, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, { skip }, async () => {
    const visitor = await arrive({ javaScriptEnabled });
    between.held = true;
    await visitor.prompt.fill(`${promptLine({ script: 'count', tokens: 5, ttft_ms: 2000 })}What was it?`);
    // A page without a script loads for as long as the answer is waited for.
    if (javaScriptEnabled) await visitor.goes(() => visitor.send.click());
    else await visitor.send.click({ noWaitAfter: true });

    await visitor.page.getByText('Waiting for a free worker.').waitFor();
    await visitor.photograph(javaScriptEnabled ? 'waiting' : 'waiting-without-javascript');
    between.release();
    await visitor.hears('t4');
    await visitor.isAnswered();
    assert.equal(await visitor.page.getByText('Waiting for a free worker.').filter({ visible: true }).count(), 0);
    await visitor.leave();
  });
}
