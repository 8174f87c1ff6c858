// Every piece of the pages in every state, from the gallery: axe finds nothing, in either colour, on a small phone and on a desk.
// ACCEPTANCE_WHOLE=1 looks at each page in all four ways, and takes its pictures; else each is looked at in two of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Between, withoutPrograms as skip } from '../support/between.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

const whole = process.env.ACCEPTANCE_WHOLE === '1';
/** Pages that are not whole yet: what the ways past their content lead to is still to come. */
const unfinished = ['/gallery/streamed', '/gallery/anew'];

let browser;
let between;
before(async () => {
  if (skip) return;
  browser = await launch();
  between = await Between.start({ WEB_GALLERY: 'on' });
});
after(async () => {
  await browser?.close();
  await between?.stop();
});

for (const [width, height] of [[320, 640], [1280, 800]]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`every state, ${width} pixels, ${colorScheme}`, { skip }, async () => {
      const options = { viewport: { width, height }, colorScheme, reducedMotion: 'reduce' };
      const visitor = await Visitor.arrive(browser, options, `${between.url}/gallery`);
      const { page } = visitor;
      const scenes = await page.locator('main a[href^="/gallery/"]').evaluateAll((links) => links.map(({ pathname }) => pathname));
      assert(scenes.length > 15, scenes.join());

      for (const [index, path] of ['/gallery', ...scenes].entries()) {
        const turn = (width === 320) === (colorScheme === 'light') ? 0 : 1;
        if (!whole && index % 2 !== turn) continue;
        await page.goto(new URL(path, between.url).href);
        await page.locator('details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));
        assert.equal(await visitor.scrollsSideways(), false, path);
        // High enough for all of it, or what axe finds depends on what the composer happens to cover.
        await page.setViewportSize({ width, height: await page.evaluate(() => document.scrollingElement.scrollHeight) });
        await isAccessible(page, path, unfinished.includes(path) ? 'main' : undefined);
        const name = path.split('/').slice(1).join('-');
        if (whole || path === '/gallery/ended') await visitor.photograph(`${name}-${width}-${colorScheme}`, { fullPage: true });
        await page.setViewportSize({ width, height });
      }
      await visitor.leave();
    });
  }
}
