// The examples do what they say.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { apiKey, gatewayUrl } from '../support/chappe.mjs';

const examples = join(import.meta.dirname, '../../examples/node');
const modules = join(import.meta.dirname, '../node_modules');

for (const example of (await readdir(examples)).filter((name) => name.endsWith('.mjs'))) {
  test(`${example} prints the answer`, async (t) => {
    // Where its packages are, as if they had been installed beside it.
    const folder = await mkdtemp(join(tmpdir(), 'chappe-example-'));
    t.after(() => rm(folder, { recursive: true }));
    await cp(join(examples, example), join(folder, example));
    await symlink(modules, join(folder, 'node_modules'));

    const env = { ...process.env, CHAPPE_URL: `${gatewayUrl}/v1`, CHAPPE_API_KEY: apiKey };
    const ended = await promisify(execFile)(process.execPath, [join(folder, example), 'Hello'], { env, timeout: 50_000 });

    assert.ok(ended.stdout.trim(), 'an answer');
  });
}
