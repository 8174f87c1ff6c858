// The chat page on a phone, in the dark, and without a word from elsewhere.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { promptLine, webUrl } from '../support/chappe.mjs';
import { isAccessible } from './accessible.mjs';
import { launch, Visitor } from './chat.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const wide = [
  `A word of ${'very-'.repeat(60)}long length.`,
  '| a | b | c | d | e | f | g | h |\n|---|---|---|---|---|---|---|---|\n'
    + `| ${Array(8).fill('a cell with words').join(' | ')} |`,
  `\`\`\`\n${'x'.repeat(400)}\n\`\`\``,
  `https://example.com/${'path/'.repeat(60)}`,
].join('\n\n');

for (const width of [320, 390]) {
  test(`a phone of ${width} pixels needs no scrolling sideways`, async () => {
    const visitor = await Visitor.arrive(browser, {
      viewport: { width, height: 700 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2,
    });

    await visitor.prompt.fill(`${promptLine({ script: 'text', text: wide })}${'long'.repeat(100)}`);
    await visitor.send.tap();
    await visitor.lastAnswer.waitFor();
    await visitor.isAnswered();

    assert.equal(await visitor.scrollsSideways(), false);
    assert(await visitor.prompt.isVisible());
    const { height } = await visitor.send.boundingBox();
    assert(height >= 24, `${height} px are hard to hit`);
    await visitor.photograph(`phone-${width}`);
    await visitor.leave();
  });
}

for (const colorScheme of ['light', 'dark']) {
  test(`text can be read in ${colorScheme} mode`, async () => {
    const visitor = await Visitor.arrive(browser, { colorScheme });
    const answer = await visitor.asks(promptLine({ script: 'markdown' }));

    const { background, ratio } = await answer.locator('p').first().evaluate(contrast);

    assert(colorScheme === 'dark' ? background < 0.2 : background > 0.8, `background ${background}`);
    assert(ratio >= 4.5, `contrast ${ratio}`);
    await visitor.photograph(colorScheme, { fullPage: true });
    await visitor.leave();
  });
}

test('everybody can use it', async () => {
  const visitor = await Visitor.arrive(browser, { reducedMotion: 'reduce' });
  await isAccessible(visitor.page, 'an empty chat');
  await visitor.asks(promptLine({ script: 'markdown' }));
  await isAccessible(visitor.page, 'an answer');
  await visitor.leave();
});

test('the page is small and says what a browser may do with it', async () => {
  const { headers } = await fetch(webUrl);
  const policy = headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-(inline|eval)/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');

  const visitor = await Visitor.arrive(browser);
  const sizes = await visitor.page.evaluate(() =>
    performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize]));
  for (const [kind, limit] of [['.js', 8192], ['.css', 8192]]) {
    const bytes = sizes.filter(([name]) => name.includes(kind)).reduce((sum, [, size]) => sum + size, 0);
    assert(bytes > 0 && bytes <= limit, `${kind}: ${bytes} bytes compressed`);
  }
  await visitor.leave();
});

// Runs in the page: the contrast of an element's text with what is behind it, as WCAG reckons.
function contrast(element) {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color) => {
    const [r, g, b] = rgba(color).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const canvasColor = matchMedia('(prefers-color-scheme: dark)').matches ? '#000' : '#fff';
  const background = luminance(behind ? getComputedStyle(behind).backgroundColor : canvasColor);
  const text = luminance(getComputedStyle(element).color);
  const [light, dark] = [text, background].sort((a, b) => b - a);
  return { background, ratio: (light + 0.05) / (dark + 0.05) };
}
