// Chats are found, named, kept elsewhere and deleted, with JavaScript and without.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test, { after, before } from 'node:test';
import { promptLine } from '../support/chappe.mjs';
import { launch, Visitor } from './chat.mjs';

const short = promptLine({ script: 'text', text: 'An answer, **bold**.', token_ms: 0 });

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  const arrive = () =>
    Visitor.arrive(browser, { javaScriptEnabled, viewport: { width: 1280, height: 800 } });

  /** The titles on the page of all chats. */
  const titles = (visitor) => visitor.page.locator('.chats.long a:not(.tool)').allTextContents();

  test(`chats are listed, named and found ${how} JavaScript`, async () => {
    const visitor = await arrive();
    const { page } = visitor;
    await visitor.asks('Of telegraphs and towers');
    await visitor.goes(() => page.locator('#new-chat').click());
    await visitor.asks('Of arms and beams');

    const beside = page.locator('.side .chats a');
    assert.deepEqual(await beside.allTextContents(), ['Of arms and beams', 'Of telegraphs and towers']);
    assert.equal(await page.locator('.side [aria-current=page]').textContent(), 'Of arms and beams');
    await visitor.photograph(`history-${how}-javascript`);
    await visitor.goes(() => visitor.tool('Rename').click());
    const name = page.getByLabel('Its name');
    assert.equal(await name.inputValue(), 'Of arms and beams');
    await visitor.photograph('rename');
    await name.fill('Semaphores');
    await visitor.goes(() => name.press('Enter'));
    assert.equal(await visitor.title.textContent(), 'Semaphores');

    await page.locator('#find').fill('telegraphs');
    await visitor.goes(() => page.locator('#find').press('Enter'));
    assert.deepEqual(await titles(visitor), ['Of telegraphs and towers']);
    await visitor.photograph(`found-${how}-javascript`);
    await page.locator('#find').fill('nothing of that kind');
    await visitor.goes(() => page.locator('#find').press('Enter'));
    await page.getByText('Nothing was found').waitFor();
    await page.locator('#find').fill('');
    await visitor.goes(() => page.locator('#find').press('Enter'));
    assert.deepEqual(await titles(visitor), ['Semaphores', 'Of telegraphs and towers']);
    await visitor.photograph('chats');
    await visitor.goes(() => page.getByRole('link', { name: 'Of telegraphs and towers', exact: true }).click());
    assert.match(await visitor.lastQuestion.textContent(), /Of telegraphs and towers/);
    await visitor.leave();
  });

  test(`one chat is deleted, and then all, ${how} JavaScript`, async () => {
    const visitor = await arrive();
    const { page } = visitor;
    for (const question of ['one', 'two', 'three']) {
      await visitor.goes(() => page.locator('#new-chat').click());
      await visitor.asks(question);
    }
    const third = page.url();

    await visitor.goes(() => visitor.tool('Delete').click());
    await visitor.photograph('delete');
    await visitor.goes(() => page.getByRole('link', { name: 'Cancel' }).click());
    assert.match(await visitor.lastQuestion.textContent(), /three/);
    await visitor.goes(() => visitor.tool('Delete').click());
    await visitor.goes(() => page.getByRole('button', { name: 'Delete it' }).click());
    assert.deepEqual(await titles(visitor), ['two', 'one']);
    const gone = await page.goto(third);
    assert.equal(gone.status(), 404);
    await page.getByText('There is no such chat.').waitFor();

    await visitor.goes(() => page.locator('#all-chats').click());
    await visitor.goes(() => page.getByRole('link', { name: 'Delete all chats' }).click());
    await visitor.goes(() => page.getByRole('link', { name: 'Keep them' }).click());
    assert.equal((await titles(visitor)).length, 2);
    await visitor.goes(() => page.getByRole('link', { name: 'Delete all chats' }).click());
    await visitor.photograph('delete-all');
    await visitor.goes(() => page.getByRole('button', { name: 'Delete all' }).click());
    await page.getByText('Chats will be listed here.').waitFor();
    await visitor.leave();
  });

  test(`a chat is taken along as a file ${how} JavaScript`, async () => {
    const visitor = await arrive();
    await visitor.asks(`${short}What was it?`);
    await visitor.goes(() => visitor.tool('Rename').click());
    await visitor.page.getByLabel('Its name').fill('Bees and eyes');
    await visitor.goes(() => visitor.page.getByLabel('Its name').press('Enter'));
    const saved = async (name, calledAs) => {
      const [file] = await Promise.all([visitor.page.waitForEvent('download'), visitor.tool(name).click()]);
      assert.equal(file.suggestedFilename(), calledAs);
      return readFile(await file.path(), 'utf8');
    };

    const markdown = await saved('Markdown', 'bees-and-eyes.md');
    assert.match(markdown, /^# Bees and eyes\n\n## You\n\n[^]*What was it\?\n\n## simulator\n\nAn answer, \*\*bold\*\*\.\n$/);
    const { turns } = JSON.parse(await saved('JSON', 'bees-and-eyes.json'));
    assert.equal(turns.length, 1);
    assert.equal(turns[0].answer, 'An answer, **bold**.');
    assert.match(turns[0].question, /What was it\?$/);
    await visitor.leave();
  });

  test(`colours are picked and kept ${how} JavaScript`, async () => {
    const visitor = await arrive();
    const { page } = visitor;
    const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    await visitor.goes(() => page.getByRole('link', { name: 'Settings' }).click());
    assert.equal(new URL(page.url()).pathname, '/settings');
    await visitor.photograph('settings');

    await visitor.goes(() => page.getByRole('button', { name: 'Dark' }).click());
    assert.equal(await page.getByRole('button', { name: 'Dark' }).getAttribute('aria-pressed'), 'true');
    assert.equal(await paper(), 'dark');
    await visitor.goes(() => page.locator('#new-chat').click());
    assert.equal(await paper(), 'dark', 'from the first byte of each page on');
    await visitor.asks('What was it?');
    assert.equal(await paper(), 'dark');
    await page.goto(new URL('/c/conv_of_nobody', visitor.origin).href);
    assert.equal(await paper(), 'dark', 'of pages that say what is wrong as well');
    await visitor.leave();
  });
}

for (const javaScriptEnabled of [true, false]) {
  test(`a thumb is given and taken back, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async () => {
    const visitor = await Visitor.arrive(browser, { javaScriptEnabled });
    await visitor.asks(promptLine({ script: 'count', tokens: 5, token_ms: 0 }));
    const thumb = (name) => visitor.page.getByRole('button', { name, exact: true });
    const presses = async (name) => {
      // Nothing that was written is lost where a script runs: the page stays.
      if (javaScriptEnabled) await thumb(name).click();
      else await visitor.goes(() => thumb(name).click());
    };
    const stands = (name, pressed) => visitor.page.getByRole('button', { name, exact: true, pressed }).waitFor();

    await presses('Good answer');
    await stands('Good answer', true);
    await presses('Bad answer');
    await stands('Bad answer', true);
    await stands('Good answer', false);
    await visitor.goes(() => visitor.page.reload());
    await stands('Bad answer', true);
    await presses('Bad answer');
    await stands('Bad answer', false);
    await visitor.goes(() => visitor.page.reload());
    await stands('Bad answer', false);
    await visitor.leave();
  });
}

test('whoever reads an answer is told that its chat was deleted in another tab', async () => {
  const visitor = await Visitor.arrive(browser);
  await visitor.says(`${promptLine({ script: 'count', tokens: 60_000, token_ms: 10 })}Count.`);
  await visitor.hears('t20 ');
  const other = await Visitor.in(visitor.context);
  const { origin, pathname } = new URL(visitor.page.url());
  await other.page.goto(`${origin}${pathname}/delete`);
  await other.goes(() => other.page.getByRole('button', { name: 'Delete it' }).click());

  await visitor.isAnswered();

  await visitor.hears('this chat was deleted.');
  assert.match(await visitor.lastAnswer.textContent(), /t20 /, 'what was said can be read');
  assert.doesNotMatch(await visitor.lastAnswer.textContent(), /Stopped/);
  assert.equal(await visitor.lastAnswer.locator('.tools').count(), 0);
  await visitor.prompt.fill('another question');
  await visitor.goes(() => visitor.send.click());
  await visitor.alert.filter({ hasText: 'not there any more' }).waitFor();
  assert.equal(await visitor.prompt.inputValue(), 'another question');
  await visitor.leave();
});
