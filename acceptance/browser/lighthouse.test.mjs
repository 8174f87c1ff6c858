// What Lighthouse says of the chat page on a phone.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import test, { after, before } from 'node:test';
import lighthouse from 'lighthouse';
import { launch, Visitor } from './chat.mjs';
import { states } from './matrix.mjs';

/** Performance is told and not asserted: a machine that does other things beside it is slow. */
const asserted = ['accessibility', 'best-practices'];

let browser;
let port;
before(async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  ({ port } = free.address());
  free.close();
  await once(free, 'close');
  browser = await launch(`--remote-debugging-port=${port}`);
});
after(() => browser.close());

/** The points of each category, and what cost some. */
async function judged(url, cookies) {
  // It opens a tab beside the visitor's context: with their cookies it is their page.
  const session = await browser.newBrowserCDPSession();
  await session.send('Storage.setCookies', { cookies });
  const { lhr } = await lighthouse(url, {
    port,
    logLevel: 'error',
    onlyCategories: [...asserted, 'performance'],
    disableStorageReset: true,
  });
  assert.equal(lhr.runtimeError, undefined);
  const lost = Object.values(lhr.categories).flatMap((category) => category.auditRefs
    .map(({ id, weight }) => ({ ...lhr.audits[id], weight }))
    .filter(({ weight, score }) => weight > 0 && score !== null && score < 1)
    .map(({ id, score }) => `${category.id} ${id} ${score}`));
  const points = Object.entries(lhr.categories).map(([name, { score }]) => [name, Math.round(score * 100)]);
  const times = ['first-contentful-paint', 'largest-contentful-paint', 'cumulative-layout-shift']
    .map((id) => `${id} ${lhr.audits[id].displayValue}`);
  return { points: Object.fromEntries(points), lost, times };
}

for (const [name, come] of Object.entries({ 'a new chat': states.idle, 'a chat with answers': states.done })) {
  test(`${name} is as accessible and as well made as Lighthouse can tell`, async (t) => {
    const visitor = await Visitor.arrive(browser);
    await come(visitor);

    const { points, lost, times } = await judged(visitor.page.url(), await visitor.context.cookies());

    t.diagnostic(`performance ${points.performance}: ${times.join(', ')}`);
    for (const category of asserted) assert.equal(points[category], 100, lost.join('\n'));
    await visitor.leave();
  });
}
