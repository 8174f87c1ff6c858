// What an answer looks like, whatever the model says.

import assert from 'node:assert/strict';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import { promptLine } from '../support/chappe.mjs';
import { launch, Visitor } from './chat.mjs';

const text = (said) => promptLine({ script: 'text', text: said, token_ms: 0 });

let browser;
let visitor;
before(async () => { browser = await launch(); });
after(() => browser.close());
beforeEach(async () => { visitor = await Visitor.arrive(browser); });
afterEach(() => visitor.leave());

const hostile = [
  '<script>window.hacked = 1</script><img src="x" onerror="window.hacked = 1">',
  '<b onmouseover="window.hacked = 1">bold</b> [link](javascript:window.hacked=1)',
  '[data](data:text/html,<script>1</script>) ![pixel](http://127.0.0.1:9/pixel.png)',
  '<iframe src="http://127.0.0.1:9/"></iframe></div></article></ol></main><form action="http://127.0.0.1:9/">',
  '[entity](&#106;avascript:window.hacked=1) <a href="vbscript:1">x</a> <svg onload="window.hacked=1">',
  `${'> '.repeat(400)}deep\n\n${'- '.repeat(200)}deep`,
  `|${' a |'.repeat(200)}\n|${'---|'.repeat(200)}\n${`|${' b |'.repeat(200)}\n`.repeat(20)}`,
  'turned round: \u202Etxt.exe\u202C, and with no width: a\u200Bb\u2066c\u2069',
  '```html\n<script>window.hacked = 1</script>\n</code></pre><script>window.hacked = 1</script>',
].join('\n\n');

test('markdown is rendered', async () => {
  const answer = await visitor.asks(promptLine({ script: 'markdown' }));

  for (const part of [':is(h1, h2, h3)', 'ol > li', 'ul > li', 'blockquote', 'strong', 'em', 'code', 'pre code', 'table th', 'table td', 'hr']) {
    assert(await answer.locator('.body').locator(part).count() > 0, `no ${part}`);
  }
  const link = answer.locator('a[href="https://example.com"]');
  const rel = (await link.getAttribute('rel')).split(' ');
  for (const word of ['noopener', 'noreferrer', 'nofollow']) assert(rel.includes(word), `rel ${rel}`);
  await visitor.photograph('markdown', { fullPage: true });
});

test('what the model says is never HTML, never a script, never a picture from elsewhere', async () => {
  const answer = await visitor.asks(text(hostile));
  const shown = await visitor.body();

  assert.equal(await answer.locator('> .body').locator('script, img, iframe, form, svg:not(.waterfall, .swatch), [onmouseover], [onload], [style]').count(), 0);
  const links = await answer.locator('a').evaluateAll((all) => all.map((link) => link.href));
  assert(links.every((href) => /^(https?|mailto):/.test(href)), `${links}`);
  assert.equal(await visitor.page.evaluate(() => window.hacked), undefined);
  assert.match(await answer.textContent(), /<script>window\.hacked = 1<\/script>/);
  assert.equal(await visitor.scrollsSideways(), false);
  await visitor.page.reload();
  assert.equal(await visitor.body(), shown, 'what came bit by bit is what is loaded at once');
  await visitor.photograph('hostile');
});

test('what the user says is text, in questions and in titles', async () => {
  const said = '</title><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> **not bold**';
  await visitor.asks(said);

  assert.equal(await visitor.questions.locator('img, strong').count(), 0);
  assert.match(await visitor.title.textContent(), /<script>/);
  assert.match(await visitor.page.title(), /<script>/);
  assert.match(await visitor.page.locator('.side .chats').textContent(), /<script>/);
  const renamed = `"><img src=x onerror="window.hacked = 1">'&lt;\u202Ex`;
  await visitor.goes(() => visitor.tool('Rename').click());
  await visitor.page.locator('#title').fill(renamed);
  await visitor.goes(() => visitor.page.locator('#title').press('Enter'));
  assert.equal(await visitor.title.textContent(), renamed.replace('\u202E', ''), 'nothing turns a title around');
  await visitor.goes(() => visitor.page.goto(new URL('/chats', visitor.origin).href));
  assert.equal(await visitor.page.locator('main img').count(), 0);
  assert.match(await visitor.page.locator('.chats.long').textContent(), /onerror=/);
  assert.equal(await visitor.page.evaluate(() => window.hacked), undefined);
});

test('text that is read from right to left is shown so', async () => {
  await visitor.asks(`${text('مرحبا بالعالم. هذه إجابة.\n\n- أولا\n- ثانيا\n\nAnd English.')}`);
  await visitor.prompt.fill('مرحبا، كيف حالك؟');

  const direction = (locator) => locator.evaluate((one) => getComputedStyle(one).direction);
  assert.equal(await direction(visitor.lastAnswer.locator('.body p').first()), 'rtl');
  assert.equal(await direction(visitor.lastAnswer.locator('.body li').first()), 'rtl');
  assert.equal(await direction(visitor.lastAnswer.locator('.body p').last()), 'ltr', 'each paragraph has its own');
  assert.equal(await direction(visitor.prompt), 'rtl');
  await visitor.says('مرحبا، كيف حالك؟');
  assert.equal(await direction(visitor.lastQuestion.locator('.body')), 'rtl');
  await visitor.isAnswered();
  await visitor.photograph('right-to-left', { fullPage: true });
});

test('what turns text around turns neither links nor code around, nor what stands behind its paragraph', async () => {
  await visitor.asks(text('So \u202Esee https://example.com/abc and `let abc = 1;` here\n\nAnd this.'));

  const runsOn = (selector) => visitor.lastAnswer.locator(`.body ${selector}`).last().evaluate((one) => {
    const [words] = [...one.childNodes];
    const left = (at) => {
      const range = document.createRange();
      range.setStart(words, at);
      range.setEnd(words, at + 1);
      return range.getBoundingClientRect().left;
    };
    return left(0) < left(words.length - 1);
  });
  for (const selector of ['a', 'code', 'p']) assert(await runsOn(selector), `${selector} is turned around`);
});

test('code is copied as it was written, and an answer as it is read', async () => {
  await visitor.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: visitor.origin });
  const code = 'fn main() {\n    println!("<&>");\n}\n';
  await visitor.asks(text(`Some words.\n\n\`\`\`rust\n${code}\`\`\`\n\nMore words.`));
  const { page } = visitor;
  const copied = () => page.evaluate(() => navigator.clipboard.readText());

  await page.getByRole('button', { name: 'Copy code' }).click();
  await page.locator('.copy[data-done]').waitFor();
  assert.equal(await copied(), code);
  assert.equal(await visitor.status.textContent(), 'Copied');
  await visitor.tool('Copy').click();
  await page.locator('[data-copy][data-done]').waitFor();
  assert.match(await copied(), /^Some words\.[^]*println![^]*More words\./);
  assert.doesNotMatch(await copied(), /tokens\/s/, 'what it took is not part of it');
  await visitor.prompt.focus();
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await page.keyboard.press('Control+Shift+;');
  await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith('fn main'));
});

test('long code, wide tables and formulas keep to their place', async () => {
  const lines = Array.from({ length: 60 }, (_, line) =>
    `    let line_${line} = compute(&input[${line}..], "a string that is long", ${'x'.repeat(line * 2)}); // comment`);
  await visitor.asks(text(`Here it is:\n\n\`\`\`rust\nfn long(input: &[u8]) {\n${lines.join('\n')}\n}\n\`\`\``));
  const pre = visitor.lastAnswer.locator('pre');
  assert(await pre.evaluate((one) => one.scrollWidth > one.clientWidth), 'the code scrolls, not the page');
  assert.equal(await visitor.scrollsSideways(), false);
  await visitor.photograph('long-code');

  const cells = Array(14).fill('some words');
  const row = `| ${cells.join(' | ')} |`;
  await visitor.asks(text(`${row}\n|${'---|'.repeat(14)}\n${Array(6).fill(row).join('\n')}`));
  const table = visitor.lastAnswer.locator('.table');
  assert(await table.evaluate((one) => one.scrollWidth > one.clientWidth && one.tabIndex === 0), 'the table scrolls, by keys too');
  assert.equal(await visitor.scrollsSideways(), false);
  await visitor.photograph('table');

  const math = await visitor.asks(text('It costs $5 and $6. Euler: $e^{i\\pi} + 1 = 0$, and\n\n$$\\int_0^1 x^2 \\, dx = \\frac{1}{3}$$'));
  assert.match(await math.textContent(), /costs \$5 and \$6/);
  assert.equal(await math.locator('math').count(), 2);
  assert.equal(await visitor.scrollsSideways(), false);
  await visitor.photograph('math');
});
