// The operators' page of the system as it runs, fed by its gateway.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { webUrl } from '../support/chappe.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('an answer that was given is on it, and the page knows all that the gateway tells', async (t) => {
  const visitor = await Visitor.arrive(browser, { viewport: { width: 1100, height: 960 } });
  const { page } = visitor;
  const model = await page.locator('#model').inputValue();
  await visitor.asks('What is Chappe?');

  await page.goto(`${webUrl}/operate`);
  if (await page.getByLabel('API key with the scope operator').isVisible()) {
    await visitor.leave();
    t.skip('the gateway asks for an operator\'s key');
    return;
  }
  const row = page.locator('section:has(#models) tr', { has: page.locator(`th:has-text("${model}")`) }).first();
  await row.waitFor();
  const asked = Number((await row.locator('td').nth(1).textContent()).replaceAll(',', ''));
  assert(asked >= 1, `asked ${asked} times`);
  for (const part of ['workers', 'gateways', 'queues']) {
    assert(await page.locator(`section:has(#${part}) tbody tr`).count() > 0, `no ${part}`);
  }
  assert.equal(await page.getByText(/is older than|is newer than/).count(), 0);
  await isAccessible(page, 'the real one');
  await visitor.photograph('operate-whole', { fullPage: true });
  await visitor.leave();
});
