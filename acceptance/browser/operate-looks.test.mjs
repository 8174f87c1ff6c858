// What the operators' page looks like, and whether everybody can read it.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { broken, busy, empty, well } from '../support/overviews.mjs';
import { isAccessible } from './accessible.mjs';
import { arrive, operated, skip } from './operators.mjs';

/** A picture of what a person sees first, for people to look at and for the documentation. */
async function photograph(visitor, name) {
  await visitor.photograph(`operate-${name}`);
  if (process.env.UPDATE_SCREENSHOT) {
    const taken = join(process.env.ACCEPTANCE_SCREENSHOTS, `operate-${name}.png`);
    await copyFile(taken, `../docs/operate-${name}.png`);
  }
}

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
/** One part of the page. */
async function photographPart(visitor, part) {
  const folder = process.env.ACCEPTANCE_SCREENSHOTS;
  if (!folder) return;
  const path = join(folder, `operate-${part}.png`);
  await visitor.page.locator(`section:has(#${part})`).screenshot({ path });
  if (process.env.UPDATE_SCREENSHOT) await copyFile(path, `../docs/operate-${part}.png`);
}

for (const [name, overview, options] of [
  ['light', well, { colorScheme: 'light' }],
  ['dark', well, { colorScheme: 'dark' }],
  ['phone', busy, { ...phone, colorScheme: 'light' }],
  ['phone-dark', broken, { ...phone, colorScheme: 'dark' }],
  ['empty', empty, {}],
  ['busy', busy, {}],
  ['broken', broken, {}],
]) {
  test(`it can be read by everybody: ${name}`, { skip }, async () => {
    operated.overview = overview;
    const visitor = await arrive({ reducedMotion: 'reduce', ...options });
    await visitor.page.locator('#age', { hasText: 'Live' }).waitFor();

    assert.equal(await visitor.scrollsSideways(), false);
    await photograph(visitor, name);
    if (name === 'busy') await photographPart(visitor, 'slow');
    if (name === 'broken') await photographPart(visitor, 'dead-letters');
    await visitor.page.locator('#history-table').evaluate((table) => { table.open = true; });
    await isAccessible(visitor.page, name);
    await visitor.photograph(`operate-${name}-whole`, { fullPage: true });
    await visitor.leave();
  });
}

test('the script and the style sheet are small', { skip }, async () => {
  const visitor = await arrive();
  const sizes = await visitor.page.evaluate(() =>
    performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize]));
  for (const [kind, limit] of [['.js', 3072], ['.css', 8192]]) {
    const bytes = sizes.filter(([name]) => name.includes(kind)).reduce((sum, [, size]) => sum + size, 0);
    assert(bytes > 0 && bytes <= limit, `${kind}: ${bytes} bytes compressed`);
  }
  await visitor.leave();
});

test('on paper there is nothing to press', { skip }, async () => {
  operated.overview = broken;
  const visitor = await arrive();
  await visitor.page.emulateMedia({ media: 'print' });
  assert.equal(await visitor.page.locator('.acts, header.top').filter({ visible: true }).count(), 0);
  assert(await visitor.page.locator('#verdict').isVisible());
  await visitor.leave();
});
