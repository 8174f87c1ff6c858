// Images and text files of a question, with JavaScript and without.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const image = { name: 'cat.png', mimeType: 'image/png', buffer: PNG };
const text = { name: 'data.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n<i>1</i>,2\n') };
const svg = { name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') };

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const place = (visitor) => visitor.page.locator('#composer .choose');
const input = (visitor) => place(visitor).locator('[type=file]');
const chosen = (visitor) => place(visitor).locator('.chosen bdi').allTextContents();
const pictures = (visitor) => visitor.lastQuestion.locator('.picture img');
/** Opened as a keyboard does it. */
const open = (visitor) => place(visitor).locator('summary').press('Enter');
/** What is wrong with what was chosen, in the browser's own bubble. */
const complaint = (visitor) => input(visitor).evaluate((one) => one.validationMessage);

/** Waits until a picture was really loaded; what is none has no width. */
async function isLoaded(picture) {
  await picture.scrollIntoViewIfNeeded();
  // In a page without scripts nothing in it can wait.
  while (!await picture.evaluate((one) => one.complete)) await setTimeout(50);
  return picture.evaluate((one) => one.naturalWidth > 0);
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  const arrive = (more = {}) => Visitor.arrive(browser, { javaScriptEnabled, ...more });

  test(`files are chosen, asked, shown and kept ${how} JavaScript`, async () => {
    const visitor = await arrive();
    const { page } = visitor;
    await open(visitor);
    if (javaScriptEnabled) await isAccessible(page, 'the place of files');
    await page.getByLabel('Images and text files').setInputFiles([image, text]);
    await visitor.says('What is this?');
    await visitor.isAnswered();
    await visitor.hears('1 image');

    const picture = pictures(visitor);
    assert.equal(await picture.getAttribute('alt'), 'cat.png');
    assert.match(await picture.getAttribute('src'), /^\/c\/conv_\w+\/file\/resp_\w+\/0$/);
    assert(await isLoaded(picture));
    const file = visitor.lastQuestion.locator('.text-file');
    assert.equal(await file.locator('pre').isVisible(), false);
    await file.locator('summary').press('Enter');
    assert.match(await file.locator('pre').innerText(), /<i>1<\/i>,2/);
    if (javaScriptEnabled) await isAccessible(page, 'a question with files');
    await visitor.photograph(`files-${how}-javascript`);

    // All of it is there after a reload, and goes with the question when it is asked again.
    await visitor.goes(() => page.reload());
    assert(await isLoaded(pictures(visitor)));
    await visitor.goes(() => visitor.tool('Try again').click());
    await visitor.isAnswered();
    await visitor.hears('1 image');
    assert.match(await visitor.lastQuestion.textContent(), /2 \/ 2/);
    assert(await isLoaded(pictures(visitor)));

    // The picture alone is a page, on which nothing runs.
    await visitor.goes(() => visitor.lastQuestion.locator('.picture').click());
    assert.match(page.url(), /\/file\//);
    await visitor.goes(() => page.goBack());

    // Written anew, with one file less.
    await visitor.goes(() => visitor.tool('Edit').click());
    if (javaScriptEnabled) await isAccessible(page, 'an editor with files');
    await page.locator('#edit').getByLabel('cat.png').uncheck();
    await visitor.editor.fill('And this?');
    await visitor.goes(() => page.locator('#edit [type=submit]').click());
    await visitor.isAnswered();
    assert.equal(await pictures(visitor).count(), 0);
    assert.equal(await visitor.lastQuestion.locator('.text-file').count(), 1);
    await visitor.leave();
  });

  test(`a file alone is a question, and names its chat ${how} JavaScript`, async () => {
    const visitor = await arrive();
    await open(visitor);
    await input(visitor).setInputFiles(image);
    await visitor.goes(() => visitor.send.click());
    await visitor.isAnswered();

    assert.equal(await visitor.title.textContent(), 'cat.png');
    assert.equal(await pictures(visitor).count(), 1);
    assert.equal(await visitor.lastQuestion.locator('.body').count(), 0);
    await visitor.leave();
  });

  test(`files reflow on a narrow page ${how} JavaScript`, async () => {
    const visitor = await arrive({ viewport: { width: 320, height: 1400 }, colorScheme: 'dark' });
    const long = { ...text, name: `${'long'.repeat(30)}.txt` };
    await open(visitor);
    await input(visitor).setInputFiles([image, long]);
    assert.equal(await visitor.scrollsSideways(), false, 'while they are chosen');
    await visitor.says('Look.');
    await visitor.isAnswered();
    assert.equal(await visitor.scrollsSideways(), false, 'once they were sent');
    if (javaScriptEnabled) await isAccessible(visitor.page, 'files on a narrow page');
    await visitor.leave();
  });
}

test('what cannot be sent is said by the server, and what was written is still there', async () => {
  const visitor = await Visitor.arrive(browser, { javaScriptEnabled: false });
  await open(visitor);
  await input(visitor).setInputFiles([image, svg]);
  await visitor.says('What is this?');

  assert.match(await visitor.alert.textContent(), /logo\.svg.* is no image .*Choose your files again: .*cat\.png/);
  assert.equal(await visitor.prompt.inputValue(), 'What is this?');
  assert.equal(await visitor.questions.count(), 0);
  await visitor.leave();
});

test('what was chosen is listed, said aloud and taken out again, by keyboard', async () => {
  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  await input(visitor).setInputFiles([image, text]);

  assert.deepEqual(await chosen(visitor), ['cat.png', 'data.csv']);
  await isAccessible(page, 'chosen files');
  await visitor.photograph('files-chosen');
  assert.equal(await visitor.status.textContent(), 'Files: 2');
  await page.getByRole('button', { name: 'Remove cat.png' }).press('Enter');
  assert.deepEqual(await chosen(visitor), ['data.csv']);
  assert.equal(await visitor.status.textContent(), 'Files: 1');
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), 'Remove data.csv');
  await page.getByRole('button', { name: 'Remove data.csv' }).press('Enter');
  assert.equal(await visitor.focused(), 'prompt');
  assert.equal(await input(visitor).evaluate((one) => one.files.length), 0);

  // Nothing at all is not sent, neither by the button nor by Enter.
  await visitor.send.click();
  await visitor.prompt.press('Enter');
  assert.equal(new URL(page.url()).pathname, '/');
  await visitor.leave();
});

test('choosing again adds to what was chosen', async () => {
  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  const choose = async (act, files) => {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), act()]);
    await chooser.setFiles(files);
  };
  // One click on the closed place asks for files at once.
  await choose(() => place(visitor).locator('summary').click(), [image]);
  await choose(() => input(visitor).click(), [text]);
  assert.deepEqual(await chosen(visitor), ['cat.png', 'data.csv']);
  await visitor.leave();
});

test('what is too much or of no use is said before it is sent', async () => {
  const visitor = await Visitor.arrive(browser);
  const large = { ...image, name: 'large.png', buffer: Buffer.concat([PNG, Buffer.alloc(4 * 1024 * 1024)]) };
  const long = { ...text, name: 'long.txt', buffer: Buffer.alloc(1024 * 1024 + 1, 'x') };
  const half = { ...image, buffer: Buffer.concat([PNG, Buffer.alloc(3 * 1024 * 1024)]) };
  for (const [files, words] of [
    [[large], /^large\.png: Up to 10 files, 5 MiB together/],
    [[long], /^long\.txt: /],
    [[half, half], /^Up to 10 files, 5 MiB together/],
    [Array(11).fill(text), /^Up to 10 files/],
    [[svg], /^logo\.svg: /],
    [[{ ...text, name: 'none.txt', buffer: Buffer.alloc(0) }], /^none\.txt: /],
    [[{ name: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF') }], /^a\.pdf: /],
  ]) {
    await input(visitor).setInputFiles(files);
    assert.match(await complaint(visitor), words);
    await visitor.prompt.fill('What is this?');
    await visitor.prompt.press('Enter');
    assert.equal(await visitor.questions.count(), 0);
  }
  await input(visitor).setInputFiles([image]);
  assert.equal(await complaint(visitor), '');
  await visitor.leave();
});

test('files are pasted and dropped, and text is pasted as text', async () => {
  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  /** As a browser does it, with these files and this text; whether the page has taken it. */
  const happens = (kind, where, names, words) => page.evaluate(([kind, where, names, words]) => {
    const data = new DataTransfer();
    for (const name of names) data.items.add(new File(['some text'], name, { type: 'text/plain' }));
    if (words) data.setData('text/plain', words);
    const more = { bubbles: true, cancelable: true };
    const event = kind === 'paste'
      ? new ClipboardEvent(kind, { ...more, clipboardData: data })
      : new DragEvent(kind, { ...more, dataTransfer: data });
    return !document.querySelector(where).dispatchEvent(event);
  }, [kind, where, names, words]);

  assert(await happens('paste', '#prompt', ['pasted.txt']));
  assert(await happens('dragover', 'main', ['dropped.txt']));
  assert.equal(await page.locator('#composer.dropping').count(), 1);
  assert(await happens('drop', 'main', ['dropped.txt']));
  assert.equal(await page.locator('#composer.dropping').count(), 0);
  assert.deepEqual(await chosen(visitor), ['pasted.txt', 'dropped.txt']);
  assert.equal(await visitor.status.textContent(), 'Files: 2');
  // What is copied out of a document is text with a picture of itself.
  assert.equal(await happens('paste', '#prompt', ['picture.png'], 'words'), false);
  assert.equal(await happens('paste', '#prompt', [], 'words'), false);
  assert.equal((await chosen(visitor)).length, 2);

  await visitor.says('What are these?');
  await visitor.isAnswered();
  assert.equal(await visitor.lastQuestion.locator('.text-file').count(), 2);
  await visitor.leave();
});
