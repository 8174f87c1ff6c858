// The operators' page in a browser, before a gateway that tells what a test has it tell.

import { after, before, beforeEach } from 'node:test';
import { Operated, withoutPrograms } from '../support/operated.mjs';
import { letters, well } from '../support/overviews.mjs';
import { launch, Visitor } from './chat.mjs';

export const skip = withoutPrograms;
export const wide = { width: 1100, height: 960 };

/** The chat page and its gateway, which the tests of a file share; each begins on a good day. */
export let operated;
let browser;
before(async () => {
  if (skip) return;
  browser = await launch();
  operated = await Operated.start();
});
after(async () => {
  await browser?.close();
  await operated?.stop();
});
beforeEach(() => {
  if (operated) Object.assign(operated, { overview: well, letters, key: null, calls: [] });
});

/** Opens it, or another page of the same server. */
export const arrive = (options = {}, path = '/operate') =>
  Visitor.arrive(browser, { viewport: wide, ...options }, new URL(path, operated.url).href);

/** Waits until the page has taken over what the gateway tells now. */
export const headline = (visitor, text) => visitor.page.locator('#verdict', { hasText: text }).waitFor();
