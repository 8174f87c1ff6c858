// What the suites in JavaScript share: where Chappe is, how to steer the simulator, what it saw.

import assert from 'node:assert/strict';

const setting = (name) => (process.env[name] ?? '').trim().replace(/\/+$/, '');

export const gatewayUrl = setting('ACCEPTANCE_GATEWAY_URL');
export const webUrl = setting('ACCEPTANCE_WEB_URL');
export const apiKey = setting('ACCEPTANCE_API_KEY') || 'unused';
const simulatorUrl = setting('ACCEPTANCE_SIMULATOR_URL');

assert(gatewayUrl, 'ACCEPTANCE_GATEWAY_URL is not set; `cargo xtask test` starts a system and sets it');

/** For the `skip` of tests that read the simulator's journal. */
export const withoutJournal = simulatorUrl ? false : 'ACCEPTANCE_SIMULATOR_URL is not set';

/** The body's member that orders a script, a pace or a fault. */
export const ordered = (orders) => ({ simulator: orders });

/** The same as the first line of a prompt. */
export const promptLine = (orders) => `simulator: ${JSON.stringify(orders)}\n`;

/** Empties the simulator's journal. */
export async function forget() {
  const answer = await fetch(`${simulatorUrl}/simulator/journal`, { method: 'DELETE' });
  assert(answer.ok, `the journal answers ${answer.status}`);
}

/** The journal, once it has counted `atLeast` so many of each: an event, and not a time. */
export async function journal(atLeast) {
  const wanted = new URLSearchParams({ ...atLeast, wait_ms: 20_000 });
  const answer = await fetch(`${simulatorUrl}/simulator/journal?${wanted}`);
  const counted = await answer.json();
  for (const [what, number] of Object.entries(atLeast)) {
    assert(counted[what] >= number, `${what} stays below ${number}: ${JSON.stringify(counted)}`);
  }
  return counted;
}

/**
 * Ends a row of failures: a worker leaves a model alone for a while after several, and the next
 * test should find it well.
 */
export async function heal() {
  const answer = await postChat({ messages: [{ role: 'user', content: 'Are you well?' }] });
  assert.equal(answer.status, 200, await answer.text());
}

/** One chat request without an SDK. */
export function postChat(body) {
  return fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model: 'simulator', ...body }),
  });
}
