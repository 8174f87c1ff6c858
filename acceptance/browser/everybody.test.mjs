// Everybody can use it: axe finds nothing in any page or state, in either colour, on a phone and on a desk.
// ACCEPTANCE_WHOLE=1 looks at each state in each width and colour; else each is looked at once.

import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { Between, withoutPrograms as skip } from '../support/between.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';
import { pages, states } from './matrix.mjs';

const whole = process.env.ACCEPTANCE_WHOLE === '1';
const heights = { 320: 640, 390: 844, 1280: 800 };
const colours = ['light', 'dark'];

/** In the short form each state is seen twice: light and dark, on a phone and on a desk in turns. */
function combinations() {
  const widths = Object.keys(heights).map(Number);
  return Object.keys(states).flatMap((state, index) => {
    if (whole) return widths.flatMap((width) => colours.map((colour) => [state, width, colour]));
    const [one, other] = index % 2 ? [390, 1280] : [1280, 390];
    return [[state, one, 'light'], [state, other, 'dark']];
  });
}

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

const arrive = (width, colorScheme) => Visitor.arrive(browser, {
  viewport: { width, height: heights[width] }, colorScheme, reducedMotion: 'reduce',
}, between.url);

for (const [state, width, colour] of combinations()) {
  test(`${state}, ${width} pixels, ${colour}`, { skip }, async () => {
    const visitor = await arrive(width, colour);
    await states[state](visitor, between);

    await isAccessible(visitor.page, state);
    assert.equal(await visitor.scrollsSideways(), false);
    if (whole) await visitor.photograph(`matrix-${state}-${width}-${colour}`);
    between.release();
    await visitor.leave();
  });
}

for (const width of whole ? [320, 390, 1280] : [390, 1280]) {
  for (const colour of whole || width === 390 ? colours : ['light']) {
    test(`every page, ${width} pixels, ${colour}`, { skip }, async () => {
      const visitor = await arrive(width, colour);
      await visitor.asks('What was it?');
      for (const [name, path] of Object.entries(pages(visitor))) {
        await visitor.page.goto(new URL(path, visitor.origin).href);
        // What lies below the composer for the moment can be scrolled to.
        await visitor.page.evaluate(() => scrollTo(0, document.scrollingElement.scrollHeight));
        await isAccessible(visitor.page, name);
        assert.equal(await visitor.scrollsSideways(), false, name);
        if (whole) await visitor.photograph(`matrix-${name.replaceAll(' ', '-')}-${width}-${colour}`);
      }
      await visitor.leave();
    });
  }
}
