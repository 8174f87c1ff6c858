// A question that fails at once: it and what went wrong are to be seen, wherever they stand in the chat.

import test, { after, before } from 'node:test';
import { promptLine } from '../support/chappe.mjs';
import { launch, Visitor } from './chat.mjs';

const lines = '\nanother line'.repeat(20);
const counts = (orders) => promptLine({ script: 'count', token_ms: 0, ...orders });

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** Waits until the end of the last question and why there is no answer to it are covered by nothing. */
const areSeen = (visitor) => visitor.page.waitForFunction(() => {
  const isSeen = (element, y) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const at = document.elementFromPoint((left + right) / 2, y(top, bottom));
    return element.contains(at);
  };
  const question = [...document.querySelectorAll('[data-author=user] .body')].at(-1);
  const note = [...document.querySelectorAll('[data-author=assistant] .wrong')].at(-1);
  return isSeen(question, (top, bottom) => bottom - 4) && isSeen(note, (top, bottom) => (top + bottom) / 2);
}, null, { timeout: 10_000 });

for (const [javaScriptEnabled, width, height] of [[true, 1280, 800], [false, 1280, 800], [true, 390, 664]]) {
  const how = `${javaScriptEnabled ? 'with' : 'without'} JavaScript, at ${width}`;
  test(`a question that fails and why are seen ${how}`, async () => {
    const visitor = await Visitor.arrive(browser, { javaScriptEnabled, viewport: { width, height } });
    for (const tokens of [400, 5, 900, 50]) await visitor.asks(`${counts({ tokens })}Count.`);
    for (const fault of [{ status: 503 }, { status: 400, code: 'context_length_exceeded' }, { cut_after: 5 }]) {
      for (const more of ['', lines]) {
        await visitor.asks(`${counts({ tokens: 20, fault })}Fail.${more}`);
        await areSeen(visitor);
      }
    }
    await visitor.leave();
  });
}
