// What an operator does on the page: signs in and out, sends dead letters again, deletes them.

import assert from 'node:assert/strict';
import test from 'node:test';
import { broken } from '../support/overviews.mjs';
import { isAccessible } from './accessible.mjs';
import { arrive, headline, operated, skip } from './operators.mjs';

const KEY = 'chappe_sk_of-an-operator';

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`a key is asked for, kept and forgotten, ${how} JavaScript`, { skip }, async () => {
    operated.key = KEY;
    const visitor = await arrive({ javaScriptEnabled });
    const { page } = visitor;
    const field = page.getByLabel('API key with the scope operator');
    if (javaScriptEnabled) await isAccessible(page, 'sign in');

    await field.fill('chappe_sk_of-somebody');
    await field.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'does not know this key' }).waitFor();
    await visitor.photograph(`operate-key-${how}-javascript`);
    await field.fill(KEY);
    await field.press('Enter');
    await headline(visitor, 'All answers arrive.');

    const cookie = (await visitor.context.cookies()).find(({ name }) => name === 'chappe_operator');
    assert(cookie.httpOnly && cookie.sameSite === 'Lax' && !cookie.value.includes(KEY));
    assert.doesNotMatch(await page.content(), new RegExp(KEY));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    assert.equal(operated.calls.filter(({ key }) => key === 'key-of-the-page').every(({ path }) => path === '/v1/models'), true);
    assert(operated.log.every((line) => !line.includes('of-an-operator')), 'no log has the key');
    await visitor.leave();
  });

  test(`a dead letter is sent again, and another deleted, ${how} JavaScript`, { skip }, async () => {
    operated.overview = broken;
    const visitor = await arrive({ javaScriptEnabled });
    const { page } = visitor;

    await page.getByRole('link', { name: 'All 42 dead letters' }).click();
    await page.getByRole('link', { name: 'Send again… dead letter 2999' }).click();
    if (javaScriptEnabled) await isAccessible(page, 'confirm');
    await visitor.photograph(`operate-redrive-${how}-javascript`);
    await page.getByRole('button', { name: 'Send it again' }).click();
    await page.getByText('Dead letter 2999 was sent again, as the response resp_0193c7e25b1d.').waitFor();
    if (javaScriptEnabled) await isAccessible(page, 'dead letters');
    await page.getByRole('link', { name: 'Delete… dead letter 2990' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByText('Dead letter 2990 was deleted.').waitFor();

    const acts = operated.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(acts, ['POST /v1/admin/dead_letters/2999/redrive', 'DELETE /v1/admin/dead_letters/2990']);
    await visitor.leave();
  });
}
