// The page over TLS in a real browser: its cookies are this host's, and whoever came over plain HTTP before keeps the chats.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Visitor, launch } from './chat.mjs';
import { Between, withoutPrograms } from '../support/between.mjs';

let browser, folder, plain, secure;

before(async () => {
  if (withoutPrograms) return;
  folder = mkdtempSync(join(tmpdir(), 'chappe-tls-'));
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert,
  ], { stdio: 'ignore' });
  browser = await launch();
  plain = await Between.start();
  secure = await Between.start({ WEB_TLS_CERT_FILE: cert, WEB_TLS_KEY_FILE: key });
});
after(async () => {
  await plain?.stop();
  await secure?.stop();
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

const cookies = async (visitor) => (await visitor.context.cookies()).map(({ name }) => name).sort();

test('a browser takes every cookie, script and look work, and chats of before are there', { skip: withoutPrograms }, async () => {
  const visitor = await Visitor.arrive(browser, { ignoreHTTPSErrors: true }, plain.url);
  await visitor.asks('Before the move');
  const { pathname, search } = new URL(visitor.page.url());
  assert.deepEqual(await cookies(visitor), ['chappe_script', 'chappe_session']);

  visitor.origin = secure.url;
  await visitor.page.goto(`${secure.url}${pathname}${search}`);
  assert.match(await visitor.page.locator('#transcript').textContent(), /Before the move/);
  const moved = await cookies(visitor);
  assert(moved.includes('__Host-chappe_session') && moved.includes('__Host-chappe_script'), moved.join());

  await visitor.page.goto(`${secure.url}/settings`);
  await visitor.page.getByRole('button', { name: 'Dark' }).click();
  await visitor.page.locator('html[data-theme=dark]').waitFor();
  await visitor.context.clearCookies({ name: /^chappe_/ });
  await visitor.page.goto(`${secure.url}${pathname}`);
  await visitor.asks('Behind the move');
  const now = await visitor.context.cookies();
  assert.deepEqual(now.map(({ name }) => name).sort(), ['__Host-chappe_script', '__Host-chappe_session', '__Host-chappe_theme']);
  assert(now.every(({ secure: tls, path }) => tls && path === '/'));
  await visitor.leave();
});
