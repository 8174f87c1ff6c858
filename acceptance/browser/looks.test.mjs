// The chat page on a phone, in the dark, and without a word from elsewhere.

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { promptLine, webUrl } from '../support/chappe.mjs';
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

for (const [width, colorScheme] of [[320, 'light'], [390, 'light'], [390, 'dark']]) {
  test(`a phone of ${width} pixels needs no scrolling sideways, ${colorScheme}`, async () => {
    const visitor = await Visitor.arrive(browser, {
      viewport: { width, height: 700 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, colorScheme,
    });
    const name = `phone-${width}${colorScheme === 'dark' ? '-dark' : ''}`;
    assert.equal(await visitor.scrollsSideways(), false);
    await visitor.photograph(`${name}-empty`);

    await visitor.prompt.fill(`${promptLine({ script: 'text', text: wide, token_ms: 0 })}${'long'.repeat(100)}`);
    await visitor.goes(() => visitor.send.tap());
    await visitor.isAnswered();

    assert.equal(await visitor.scrollsSideways(), false);
    assert(await visitor.prompt.isVisible());
    for (const button of [visitor.send, visitor.tool('Try again'), visitor.tool('Rename')]) {
      const { height } = await button.boundingBox();
      assert(height >= 44, `${height} px are hard to hit`);
    }
    await visitor.photograph(name);
    const chat = new URL(visitor.page.url());
    const at = chat.searchParams.get('at');
    for (const path of ['/chats', '/settings', `${chat.pathname}/rename`, `${chat.pathname}/delete`, '/chats/delete', `${chat.pathname}?edit=${at}`, '/nowhere']) {
      await visitor.page.goto(new URL(path, visitor.origin).href);
      assert.equal(await visitor.scrollsSideways(), false, path);
      if (['/chats', '/settings'].includes(path)) await visitor.photograph(`${name}-${path.slice(1)}`);
    }
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

test('without the colours of the page everything is still there', async () => {
  const visitor = await Visitor.arrive(browser, { forcedColors: 'active' });
  await visitor.asks(promptLine({ script: 'markdown' }));

  const borders = (selector) => visitor.page.locator(selector).last().evaluate((one) => {
    const { borderTopStyle, borderTopWidth, outlineStyle } = getComputedStyle(one);
    return borderTopWidth !== '0px' && borderTopStyle !== 'none' || outlineStyle !== 'none';
  });
  for (const part of ['.box', '.code', '[data-author=user] .body', '#send', '.presets input:checked + span']) {
    assert(await borders(part), `${part} has no edge`);
  }
  await visitor.photograph('forced-colours');
  await visitor.leave();
});

test('nothing moves for whoever wants it so', async () => {
  const visitor = await Visitor.arrive(browser, { reducedMotion: 'reduce' });
  await visitor.says(`${promptLine({ script: 'count', tokens: 60_000, token_ms: 10 })}Count.`);
  await visitor.hears('t20 ');

  const moving = await visitor.page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  await visitor.leave();
});

test('the page is small, asks for little, and says what a browser may do with it', async () => {
  const { headers } = await fetch(webUrl);
  const policy = headers.get('content-security-policy');
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(policy, /unsafe-(inline|eval)/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');

  const visitor = await Visitor.arrive(browser);
  const { page } = visitor;
  const loaded = await page.evaluate(() => ['navigation', 'resource'].flatMap((kind) =>
    performance.getEntriesByType(kind).map((one) => [one.name, one.encodedBodySize, one.transferSize])));
  for (const [kind, limit] of [['.js', 8192], ['.css', 8192]]) {
    const bytes = loaded.filter(([name]) => name.includes(kind)).reduce((sum, [, size]) => sum + size, 0);
    assert(bytes > 0 && bytes <= limit, `${kind}: ${bytes} bytes compressed`);
  }
  // Itself, its style, its two scripts, and the icon, which comes when the browser pleases.
  assert(loaded.length <= 5, `requests: ${loaded.map(([name]) => name)}`);
  const cold = loaded.reduce((sum, [, , size]) => sum + size, 0);
  assert(cold <= 25_600, `${cold} bytes for the first page`);
  const inline = await page.evaluate(() => [...document.querySelectorAll('script:not([src]), style, [style], [onclick], [onload]')]
    // What a tool of the tests adds to fields is none of the page.
    .filter((one) => one.getAttribute('style') !== '').map((one) => one.outerHTML));
  assert.deepEqual(inline, []);
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
