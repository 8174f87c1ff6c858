// Talking, with JavaScript: a page for each question, and an answer that comes into it.

import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { forget, heal, journal, promptLine, withoutJournal } from '../support/chappe.mjs';
import { launch, received, Visitor } from './chat.mjs';

const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 10 });
const echo = promptLine({ script: 'echo', token_ms: 0 });
const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => {
  if (!withoutJournal) await forget();
  visitor = await Visitor.arrive(browser);
});
afterEach(() => visitor.leave());

test('three turns, of which each knows the ones before', async () => {
  await visitor.asks('What was the first line?');
  await visitor.asks('And the second?');
  const third = await visitor.asks(`${echo}And the third?`);

  assert.deepEqual((await received(third)).roles, ['user', 'assistant', 'user', 'assistant', 'user']);
  assert.equal(await visitor.questions.count(), 3);
  assert.equal(await visitor.answers.count(), 3);
  assert.match(visitor.page.url(), /\/c\/conv_\w+\?at=resp_\w+#latest$/);
});

test('the answer is shown while it is being written', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);

  await visitor.hears('t20 ');
  assert.equal((await journal({ started: 1 })).running, 1);
  assert(await visitor.stop.isVisible());
  assert.equal(await visitor.send.isVisible(), false);
  await visitor.photograph('streaming');
});

test('stop stops the model, keeps the text and says so', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');

  await visitor.stop.click();
  await visitor.isAnswered();

  assert.equal((await journal({ client_gone: 1 })).running, 0);
  await visitor.hears('Stopped.');
  assert.match(await visitor.status.textContent(), /^Stopped, \d+ words/);
  const kept = await visitor.body();
  assert.match(kept, /t0 t1 t2 /);
  await visitor.photograph('stopped');
  await visitor.page.reload();
  assert.equal(await visitor.body(), kept);
  const next = await visitor.asks(echo);
  assert.equal((await received(next)).roles.at(-1), 'user');
});

test('an answer goes on without its reader', { skip: withoutJournal }, async () => {
  await visitor.says(`${promptLine({ script: 'count', tokens: 150, token_ms: 10 })}Count.`);
  await visitor.hears('t5 ');
  const address = visitor.page.url();

  await visitor.page.goto('about:blank');
  const { client_gone: gone } = await journal({ complete: 1 });
  await visitor.page.goto(address);

  assert.equal(gone, 0);
  assert.match(await visitor.lastAnswer.textContent(), /t149/);
});

test('a question is asked again, and both answers stay', async () => {
  await visitor.asks(`${short}first`);
  const first = visitor.page.url();
  await visitor.prompt.fill('half a thought');

  await visitor.goes(() => visitor.tool('Try again').click());
  await visitor.isAnswered();

  assert.equal(await visitor.questions.count(), 1);
  assert.equal(await visitor.answers.count(), 1);
  assert.notEqual(visitor.page.url(), first);
  assert.equal(await visitor.prompt.inputValue(), 'half a thought');
  await visitor.page.getByText('2 / 2').waitFor();
  await visitor.goes(() => visitor.page.getByLabel('Version before').click());
  await visitor.page.getByText('1 / 2').waitFor();
  assert.equal(new URL(visitor.page.url()).search, new URL(first).search);
  await visitor.goes(() => visitor.page.getByLabel('Next version').click());
  await visitor.page.getByText('2 / 2').waitFor();
});

test('a question is written anew, and what followed the old one stays with it', async () => {
  await visitor.asks(`${short}first`);
  await visitor.asks(`${short}second`);

  await visitor.goes(() => visitor.questions.first().getByText('Edit').click());
  assert.equal(await visitor.focused(), 'edited');
  assert.match(await visitor.editor.inputValue(), /first$/);
  await visitor.photograph('edit');
  await visitor.editor.fill(`${echo}changed`);
  await visitor.goes(() => visitor.editor.press('Enter'));
  await visitor.isAnswered();

  assert.equal(await visitor.questions.count(), 1);
  assert.deepEqual((await received(visitor.lastAnswer)).roles, ['user']);
  assert.equal(await visitor.focused(), 'prompt');
  await visitor.photograph('versions');
  await visitor.goes(() => visitor.page.getByLabel('Version before').click());
  assert.equal(await visitor.questions.count(), 2);
  assert.match(await visitor.lastQuestion.textContent(), /second/);
});

test('the arrow key writes the last question anew, and cancelling changes nothing', async () => {
  await visitor.asks(`${short}first`);
  await visitor.asks(`${short}second`);

  await visitor.goes(() => visitor.prompt.press('ArrowUp'));
  assert.equal(await visitor.focused(), 'edited');
  assert.match(await visitor.editor.inputValue(), /second$/);
  await visitor.goes(() => visitor.page.getByRole('link', { name: 'Cancel' }).click());

  assert.equal(await visitor.questions.count(), 2);
  assert.equal(await visitor.focused(), 'prompt');
  await visitor.prompt.fill('a\nb');
  await visitor.prompt.press('ArrowUp');
  assert.equal(await visitor.questions.count(), 2);
  assert.equal(await visitor.editor.count(), 0, 'in a box with words the key moves the caret');
});

test('an answer that was cut can be gone on with', { skip: withoutJournal }, async () => {
  await visitor.says(`${endless}Count.`);
  await visitor.hears('t20 ');
  await visitor.stop.click();
  await visitor.isAnswered();

  await visitor.goes(() => visitor.tool('Go on').click());
  await visitor.isAnswered();

  assert.equal(await visitor.answers.count(), 2);
  assert.match(await visitor.answers.first().textContent(), /t0 t1 /);
  assert.match(await visitor.lastQuestion.textContent(), /go on exactly where you stopped/);
  await visitor.photograph('gone-on');
});

test('a preset is a temperature, and stays picked', async () => {
  for (const [preset, temperature] of [['accurate', 0], ['balanced', 0.7], ['creative', 1]]) {
    const radio = visitor.page.locator(`input[name=preset][value=${preset}]`);
    await radio.check({ force: true });
    const answer = await visitor.asks(echo);
    assert.equal((await received(answer)).temperature, temperature, preset);
    assert(await radio.isChecked());
  }
});

test('models that chat can be picked, others cannot', async () => {
  const names = await visitor.page.locator('#model option').evaluateAll((all) => all.map((one) => one.value));

  assert.deepEqual(names, ['simulator']);
  assert.equal((await received(await visitor.asks(echo))).model, '"simulator"');
});

test('instructions go before everything, and stay', async () => {
  await visitor.page.getByText('Instructions', { exact: true }).click();
  await visitor.page.locator('#instructions').fill('Speak like a telegraph.');

  const answer = await visitor.asks(echo);

  assert.match(await answer.textContent(), /Speak like a telegraph\./);
  assert.match((await received(answer)).roles[0], /system|developer/);
  assert.equal(await visitor.page.locator('#instructions').inputValue(), 'Speak like a telegraph.');
  assert(await visitor.page.locator('#instructions').isVisible());
  await visitor.photograph('instructions');
});

test('a new chat knows nothing of the others', async () => {
  await visitor.asks('What was the first line?');

  await visitor.goes(() => visitor.page.locator('#new-chat').click());

  assert.equal(await visitor.answers.count(), 0);
  const answer = await visitor.asks(echo);
  assert.deepEqual((await received(answer)).roles, ['user']);
});

for (const [what, fault, words] of [
  ['a conversation that is too long', { status: 400, code: 'context_length_exceeded' }, /too long/i],
  ['a model that is busy', { status: 429 }, /busy|many|again|later|limit/i],
  ['a model that fails', { status: 500 }, /model|wrong|fail/i],
  ['a stream that breaks', { cut_after: 5 }, /Interrupted: the connection/],
]) {
  test(`${what} is said in words, and stays said`, async () => {
    await visitor.asks(promptLine({ script: 'count', tokens: 20, fault }));

    const note = visitor.lastAnswer.locator('.note');
    const said = await note.textContent();
    assert.match(said, words);
    assert.doesNotMatch(said, /[{}]|undefined|null|127\.0\.0\.1/);
    await visitor.page.reload();
    assert.equal(await note.textContent(), said);
    await heal();
    const next = await visitor.asks('Are you well?');
    assert((await next.textContent()).length > 0);
  });
}

test('the question of an answer that broke off is asked again', { skip: withoutJournal }, async () => {
  const once = { cut_after: 5, times: 1, key: 'again' };
  await visitor.asks(promptLine({ script: 'count', tokens: 20, fault: once }));
  await visitor.hears('Interrupted: the connection');
  await visitor.photograph('error');

  await visitor.goes(() => visitor.tool('Try again').click());
  await visitor.isAnswered();

  assert.match(await visitor.lastAnswer.textContent(), /t0 t1 .*t19/);
  assert.equal(await visitor.page.getByText('Interrupted').count(), 0);
  await heal();
});

test('what a model thinks comes before what it says', async () => {
  const answer = await visitor.asks(promptLine({ script: 'reasoning', token_ms: 0 }));

  const thoughts = answer.locator('.thoughts');
  await thoughts.locator('summary').click();
  assert((await thoughts.locator('.thought').textContent()).length > 10);
  await visitor.photograph('thoughts');
});

test('nothing is sent when nothing is written', async () => {
  await visitor.prompt.fill('   ');
  await visitor.prompt.press('Enter');
  await visitor.prompt.press('Enter');

  const answer = await visitor.asks('Something');
  assert((await answer.textContent()).length > 0);
  assert.equal(await visitor.questions.count(), 1);
});

test('a picture for the documentation', async () => {
  await visitor.page.setViewportSize({ width: 1100, height: 900 });
  await visitor.asks('What is Chappe? Answer with a table.');
  await visitor.asks('And some code in Rust?');
  await visitor.photograph('chat');
  if (process.env.UPDATE_SCREENSHOT) {
    await copyFile(join(process.env.ACCEPTANCE_SCREENSHOTS, 'chat.png'), '../docs/chat.png');
  }
});
