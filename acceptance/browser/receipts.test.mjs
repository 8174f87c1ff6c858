// What an answer took, below it.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { promptLine } from '../support/chappe.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

const question = `${promptLine({ script: 'text', text: 'An optical telegraph, of towers with two arms each.' })}What is Chappe?`;
const line = (answer) => answer.locator('.receipt > summary', { hasText: /\d m?s · [\d,.]+ tokens\/s$/ });

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

for (const colorScheme of ['light', 'dark']) {
  test(`it unfolds, and stays with the conversation, in ${colorScheme} mode`, async () => {
    const visitor = await Visitor.arrive(browser, { colorScheme, viewport: { width: 900, height: 760 } });
    await visitor.asks(question);
    const said = await line(visitor.lastAnswer).textContent();

    await line(visitor.lastAnswer).click();
    await visitor.lastAnswer.getByText('In the queue').waitFor();
    await visitor.lastAnswer.getByText('Upstream').waitFor();
    await isAccessible(visitor.page, 'a receipt');
    await visitor.photograph(`receipt-${colorScheme}`);
    if (process.env.UPDATE_SCREENSHOT && colorScheme === 'light') {
      await copyFile(join(process.env.ACCEPTANCE_SCREENSHOTS, 'receipt-light.png'), '../docs/receipt.png');
    }
    await visitor.goes(() => visitor.page.reload());
    assert.equal(await line(visitor.lastAnswer).textContent(), said);
    await visitor.asks('And why?');
    assert.equal(await line(visitor.answers.first()).textContent(), said);
    await visitor.leave();
  });
}

test('without JavaScript it is there as well, and below each answer', async () => {
  const visitor = await Visitor.arrive(browser, { javaScriptEnabled: false });
  for (const turn of [1, 2]) {
    await visitor.asks(question);
    assert.equal(await line(visitor.answers).count(), turn);
  }
  await line(visitor.lastAnswer).click();
  await visitor.lastAnswer.getByText('Upstream').waitFor();
  await visitor.photograph('receipt-without-javascript');
  await visitor.leave();
});
