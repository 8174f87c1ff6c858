// What a machine can find of what keeps people out: axe's rules of WCAG 2.2 AA, and no exception.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const source = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with everything that is found in the page as it stands, or in a part of it. */
export async function isAccessible(page, what, within = 'html') {
  // What its style sheets do counts.
  await page.waitForLoadState('load');
  // Where a page is scrolled, its head and foot hide half of whatever happens to be there.
  const view = page.viewportSize();
  const height = await page.evaluate(() => document.scrollingElement.scrollHeight);
  await page.setViewportSize({ ...view, height: Math.max(view.height, Math.min(height, 8000)) });
  // Through the debugger, which a page's policy does not bind; in a page without scripts, too.
  await page.evaluate(source);
  const { violations, passes } = await page.evaluate(([part, values]) =>
    globalThis.axe.run(part, { runOnly: { type: 'tag', values }, resultTypes: ['violations', 'passes'] }), [within, tags]);
  await page.setViewportSize(view);
  assert(passes.length > 10, `${what}: axe has looked at nothing`);
  const found = violations.map(({ id, help, nodes }) =>
    `${id}: ${help}\n${nodes.slice(0, 3).map((node) => `    ${node.html.slice(0, 200)} ${node.failureSummary}`).join('\n')}`);
  assert.deepEqual(found, [], `${what}:\n${found.join('\n')}`);
}
