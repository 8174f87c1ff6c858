// The page is a view of an answer that is kept elsewhere: whoever comes back finds all of it, and nobody else does.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, Visitor } from './chat.mjs';

const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });
const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });
/** Two seconds of all that can be formatted. */
const markdown = promptLine({ script: 'markdown', token_ms: 10 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser);
});
afterEach(() => visitor.leave());

for (const [what, order] of [
  ['words', promptLine({ script: 'count', tokens: 250, token_ms: 10 })],
  ['markdown', markdown],
]) {
  test(`reloads in the middle of ${what} have the text so far, and the same end`, async () => {
    const { page } = visitor;
    await visitor.says(`${order}Say it.`);
    for (let reloads = 0; reloads < 4 && await page.locator('[aria-busy=true]').count(); reloads += 1) {
      const words = () => page.locator('[data-author=assistant] .body').last().evaluate((one) => one.textContent.length);
      await page.waitForFunction(() => document.querySelector('[data-author=assistant] .body')?.textContent.length > 20);
      const before = await words();
      const html = await (await visitor.context.request.get(page.url())).text();
      const text = html.split('data-author="assistant"').at(-1).replace(/<[^>]*>/g, '');
      assert(text.length >= before / 2, 'the first bytes have what was said');
      await visitor.goes(() => page.reload());
      assert(await words() >= before, 'nothing of it is gone');
    }
    await visitor.isAnswered();
    const live = await visitor.body();

    await visitor.goes(() => page.reload());
    assert.equal(await visitor.body(), live);
    if (what === 'words') {
      const counted = (await visitor.lastAnswer.textContent()).match(/t\d+/g);
      assert.deepEqual(counted.slice(0, 250), Array.from({ length: 250 }, (_, index) => `t${index}`));
    }
  });
}

test('two tabs show one answer, and either stops it', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');
  const other = await Visitor.in(visitor.context, {}, visitor.page.url());
  await other.hears('t50 ');
  // A tab that is not looked at keeps no connection.
  await visitor.page.bringToFront();
  await visitor.hears('t60 ');

  await other.stop.click();
  await Promise.all([other.isAnswered(), visitor.isAnswered()]);

  await visitor.hears('Stopped.');
  assert.equal(await visitor.body(), await other.body());
  assert.equal((await journal({ client_gone: 1 })).started, 1, 'it was asked once');
  assert.deepEqual(other.complaints, []);
});

test('nobody else can read, change or stop it', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');
  const address = new URL(visitor.page.url());
  const response = address.searchParams.get('at');
  const other = await Visitor.arrive(browser);

  for (const path of ['', address.search, '/rename', '/delete', '/export/markdown', '/export/json']) {
    const opened = await other.page.request.get(`${address.origin}${address.pathname}${path}`);
    assert.equal(opened.status(), 404, path);
    assert.doesNotMatch(await opened.text(), /t20|Count/, path);
  }
  const live = await other.page.request.get(`${address.origin}${address.pathname}/live/${response}`);
  assert.doesNotMatch(await live.text(), /t20/);
  for (const [path, form] of [['/stop', { answer: response }], ['/rename', { title: 'mine' }], ['/delete', {}]]) {
    const done = await other.page.request.post(`${address.origin}${address.pathname}${path}`, { form });
    // What is not there for them need not be deleted: the list of their own chats follows.
    assert.equal(done.status(), path === '/delete' ? 200 : 404, path);
  }
  const conversation = address.pathname.split('/').at(-1);
  const said = await other.page.request.post(`${address.origin}/chat`, { form: { prompt: 'and me?', conversation, model: 'simulator' } });
  assert.equal(said.status(), 404);
  assert.match(await said.text(), /and me\?<\/textarea>/, 'what was written is given back');
  await other.page.goto(address.href);
  await other.page.getByText('There is no such chat.').waitFor();
  assert.deepEqual(await other.page.locator('.side .chats a').allTextContents(), []);
  await other.photograph('no-such-chat');
  await other.leave();
  assert.equal((await journal({ started: 1 })).running, 1);
  const kept = await visitor.context.request.get(address.href);
  assert.equal(kept.status(), 200, 'it is still there for its owner');
  assert.doesNotMatch(await kept.text(), />mine</);
  await visitor.hears('t60 ');
});

test('what is written and not sent survives a reload, for each chat its own', async () => {
  const { page } = visitor;
  await visitor.prompt.fill('a first thought');
  await visitor.goes(() => page.reload());
  assert.equal(await visitor.prompt.inputValue(), 'a first thought');
  await visitor.asks(`${short}sent`);
  assert.equal(await visitor.prompt.inputValue(), '');
  await visitor.prompt.fill('half a thought');
  await visitor.goes(() => page.reload());
  assert.equal(await visitor.prompt.inputValue(), 'half a thought');

  await visitor.goes(() => page.locator('#new-chat').click());
  assert.equal(await visitor.prompt.inputValue(), '', 'what was sent is no draft any more');
  await visitor.goes(() => page.goBack());
  assert.equal(await visitor.prompt.inputValue(), 'half a thought');
});

test('a question that is sent twice is asked once', { skip: withoutJournal }, async () => {
  await visitor.prompt.fill(`${short}once`);
  const form = await visitor.page.locator('#composer').evaluate((one) => Object.fromEntries(new FormData(one)));
  const send = () => visitor.context.request.post(new URL('/chat', visitor.origin).href, { form, maxRedirects: 0 });

  const [first, second] = await Promise.all([send(), send()]);

  assert.deepEqual([first.status(), second.status()], [303, 303]);
  assert.equal(first.headers().location, second.headers().location);
  assert.equal((await journal({ complete: 1 })).started, 1);
});

test('a form of another site is refused, and nothing is asked', { skip: withoutJournal }, async () => {
  const { page } = visitor;
  await visitor.context.route('http://elsewhere.test/**', (route) => route.fulfill({
    contentType: 'text/html',
    body: `<form method="post" action="${visitor.origin}/chat"><input name="prompt" value="forged"><button>Win</button></form>`,
  }));
  await page.goto('http://elsewhere.test/');
  await visitor.goes(() => page.getByRole('button', { name: 'Win' }).click());

  await page.getByText('This message came from another site, so it was not sent.').waitFor();
  for (const path of ['/chats/delete', '/look', '/c/conv_1/stop', '/c/conv_1/rename']) {
    const refused = await visitor.context.request.post(`${visitor.origin}${path}`, {
      headers: { origin: 'http://elsewhere.test', 'sec-fetch-site': 'cross-site' }, form: { theme: 'dark' }, maxRedirects: 0,
    });
    assert.equal(refused.status(), 403, path);
  }
  visitor.complaints = visitor.complaints.filter((one) => !one.startsWith('foreign request: http://elsewhere.test/'));
  await page.goto(visitor.origin);
  await visitor.asks(`${short}mine`);
  assert.equal((await journal({ complete: 1 })).started, 1);
});

test('a question of a million letters is asked and shown', async () => {
  const { page } = visitor;
  const long = `${short}${'word '.repeat(200_000)}`;
  await visitor.prompt.evaluate((box, text) => { box.value = text; }, long);
  await visitor.goes(() => page.locator('#composer').evaluate((form) => { form.requestSubmit(document.querySelector('#send')); }));
  await visitor.isAnswered();

  await visitor.hears('t4');
  assert.equal((await visitor.lastQuestion.locator('.body').textContent()).length, long.length);
  assert.equal(await visitor.scrollsSideways(), false);
  const next = await visitor.asks(`${short}Are you still there?`);
  assert.match(await next.textContent(), /t4/);
});

test('a conversation of more than a hundred messages opens at its end, page by page', async () => {
  const { page, context } = visitor;
  await visitor.asks(`${short}question 0`);
  const [conversation] = page.url().match(/conv_\w+/);
  const fill = await browser.newContext({ storageState: await context.storageState() });
  // Without this cookie a page ends with its answer.
  await fill.clearCookies({ name: 'chappe_script' });
  for (let turn = 1; turn < 52; turn += 1) {
    const form = { prompt: `${short}question ${turn}`, conversation, model: 'simulator' };
    const answered = await fill.request.post(new URL('/chat', visitor.origin).href, { form });
    assert.equal(answered.status(), 200);
  }
  await fill.close();

  await visitor.goes(() => page.goto(new URL(`/c/${conversation}`, visitor.origin).href));
  const seen = [];
  const note = async () => seen.unshift(...await visitor.questions.locator('.body').allTextContents());
  await note();
  assert.match(seen.at(-1), /question 51$/);
  assert(await visitor.lastQuestion.isVisible());
  const earlier = page.getByRole('link', { name: 'Earlier messages' });
  while (await earlier.count()) {
    await visitor.goes(() => earlier.click());
    await note();
  }
  const numbers = seen.map((text) => Number(text.match(/question (\d+)$/)[1]));
  assert.deepEqual(numbers, Array.from({ length: 52 }, (_, turn) => turn));
});
