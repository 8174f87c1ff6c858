// What an answer took, below it.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { isAccessible } from './accessible.mjs';
import { arrive, operated, skip } from './operators.mjs';

const receipt = {
  model: 'llama3.2', upstream: 'rack-2', attempt: 1, trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  queue_wait_ms: 182, model_first_token_ms: 240, time_to_first_token_ms: 431, duration_ms: 1234,
  input_tokens: 312, output_tokens: 40, tokens_per_second: 48.2,
};

const line = (visitor) => visitor.lastAnswer.getByText('1.2 s · 48 tokens/s');

for (const colorScheme of ['light', 'dark']) {
  test(`it unfolds, and stays with the conversation, in ${colorScheme} mode`, { skip }, async () => {
    operated.receipt = receipt;
    const visitor = await arrive({ colorScheme, viewport: { width: 900, height: 760 } }, '/');
    await visitor.asks('What is Chappe?');

    await line(visitor).click();
    await visitor.lastAnswer.getByText('rack-2').waitFor();
    await visitor.lastAnswer.getByText(receipt.trace_id).waitFor();
    await isAccessible(visitor.page, 'a receipt');
    await visitor.photograph(`receipt-${colorScheme}`);
    if (process.env.UPDATE_SCREENSHOT && colorScheme === 'light') {
      await copyFile(join(process.env.ACCEPTANCE_SCREENSHOTS, 'receipt-light.png'), '../docs/receipt.png');
    }
    await visitor.page.reload();
    await line(visitor).waitFor();
    await visitor.asks('And why?');
    const carried = JSON.parse(await visitor.page.locator('[name=conversation]').inputValue());
    assert.equal(carried[1].receipt.upstream, 'rack-2');
    await visitor.leave();
  });
}

test('without JavaScript it is there as well, and below each answer', { skip }, async () => {
  operated.receipt = receipt;
  const visitor = await arrive({ javaScriptEnabled: false }, '/');
  for (const turn of [1, 2]) {
    await visitor.prompt.fill('What is Chappe?');
    await Promise.all([visitor.page.waitForEvent('load'), visitor.send.click()]);
    assert.equal(await visitor.answers.getByText('1.2 s · 48 tokens/s').count(), turn);
  }
  await line(visitor).click();
  await visitor.lastAnswer.getByText('rack-2').waitFor();
  await visitor.photograph('receipt-without-javascript');
  await visitor.leave();
});

test('where nobody says what it took, nothing is shown', { skip }, async () => {
  const visitor = await arrive({}, '/');
  const answer = await visitor.asks('What is Chappe?');
  assert.equal(await answer.locator('details').count(), 0);
  await visitor.leave();
});
