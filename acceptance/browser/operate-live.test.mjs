// The operators' page follows what happens, with JavaScript and without.

import assert from 'node:assert/strict';
import test from 'node:test';
import { broken, busy, letters, well } from '../support/overviews.mjs';
import { isAccessible } from './accessible.mjs';
import { arrive, headline, operated, skip } from './operators.mjs';

test('it is live, and what is unfolded, focused and scrolled stays', { skip }, async () => {
  operated.overview = busy;
  const visitor = await arrive();
  const { page } = visitor;
  await page.locator('#history-table summary').click();
  const link = page.getByRole('link', { name: 'Hold them still' });
  await link.focus();
  await page.locator('.table').first().evaluate((box) => { box.scrollTop = 40; });
  const top = () => page.locator('#queues').evaluate((heading) => heading.getBoundingClientRect().top);
  await page.evaluate(() => { scrollTo(0, 480); document.querySelector('#queues').mine = true; });
  const before = await top();

  operated.overview = broken;
  await headline(visitor, 'No worker is heard for queue large.');

  assert.match(await page.title(), /^Trouble/);
  assert.equal(await page.locator('#history-table').evaluate((table) => table.open), true);
  assert.equal(await link.evaluate((one) => one === document.activeElement), true);
  assert(await page.locator('#queues').evaluate((heading) => heading.mine), 'elements stay the same');
  assert.equal(Math.round(await top()), Math.round(before), 'what is read stands still');
  assert.equal(await page.locator('#history-table .table').evaluate((box) => box.scrollTop), 40);
  operated.overview = well;
  await headline(visitor, 'All answers arrive.');
  assert.equal(await page.locator('#status').textContent(), 'All answers arrive.', 'a change is spoken');
  await visitor.leave();
});

test('rows that come above move nobody from theirs', { skip }, async () => {
  operated.overview = { ...broken, dead_letters: { kept: 2, recent: letters.slice(1, 2) } };
  const visitor = await arrive();
  const link = visitor.page.locator('a[href$="/2998/redrive"]');
  await link.focus();

  operated.overview = broken;
  await visitor.page.locator('a[href$="/2999/redrive"]').waitFor();

  assert.equal(await link.evaluate((one) => one === document.activeElement), true);
  await visitor.leave();
});

test('it says when its figures are old, and goes on by itself', { skip }, async () => {
  const visitor = await arrive();
  await visitor.page.locator('#age', { hasText: 'Live' }).waitFor();
  await visitor.page.route('**/operate', (route) => route.abort());

  await visitor.page.locator('#age', { hasText: /These figures are \d+ s old/ }).waitFor();
  assert.match(await visitor.page.locator('#status').textContent(), /old/);
  await visitor.page.unroute('**/operate');
  await visitor.page.locator('#age', { hasText: 'Live' }).waitFor();
  await visitor.leave();
});

test('a gateway that does not answer is said, and so is its return', { skip }, async () => {
  const visitor = await arrive();

  await operated.close();
  await headline(visitor, 'The gateway does not answer.');
  await isAccessible(visitor.page, 'silent');
  await visitor.photograph('operate-silent');
  await operated.open();
  await headline(visitor, 'All answers arrive.');
  await visitor.leave();
});

test('held still, nothing is fetched and nothing moves', { skip }, async () => {
  const visitor = await arrive();
  await visitor.page.getByRole('link', { name: 'Hold them still' }).click();
  await visitor.page.getByRole('link', { name: 'Follow them live' }).waitFor();

  assert.equal(await visitor.page.locator('script, noscript').count(), 0);
  await visitor.leave();
});

test('without JavaScript it reloads itself, and everything is there', { skip }, async () => {
  const visitor = await arrive({ javaScriptEnabled: false });
  await headline(visitor, 'All answers arrive.');

  operated.overview = broken;
  await headline(visitor, 'No worker is heard for queue large.');

  await visitor.page.locator('noscript .age', { hasText: 'Reloads every 5 s' }).waitFor();
  await visitor.photograph('operate-without-javascript', { fullPage: true });
  await visitor.leave();
});
