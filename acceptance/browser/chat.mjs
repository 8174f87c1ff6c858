// The chat page in a real browser, as a person uses it.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { webUrl } from '../support/chappe.mjs';

assert(webUrl, 'ACCEPTANCE_WEB_URL is not set; `cargo xtask test` starts a system and sets it');

/** Ten times what anything takes on a busy machine. */
const PATIENCE_MS = 30_000;

/** Starts the browser; one for each file of tests. */
export const launch = (...more) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM_BIN,
    // As root in a container there is no sandbox; nothing foreign is opened here.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', ...more],
  });

/** A visitor with a page of their own. */
export class Visitor {
  /** Opens the chat, or another page of ours. `options` are Playwright's for a context. */
  static async arrive(browser, options = {}, address = webUrl) {
    const context = await browser.newContext(options);
    return Visitor.in(context, options, address);
  }

  /** The same with another tab of a browser that is open. */
  static async in(context, options = {}, address = webUrl) {
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor();
    visitor.context = context;
    visitor.page = await context.newPage();
    visitor.complaints = [];
    visitor.origin = new URL(address).origin;
    visitor.watch(options.javaScriptEnabled !== false);
    await visitor.page.goto(address);
    return visitor;
  }

  /** Notes what should never happen: errors, refused content, requests to anyone else. */
  watch(scripts) {
    const { page, complaints } = this;
    page.on('pageerror', (error) => complaints.push(`script: ${error.stack}`));
    page.on('console', (message) => {
      // What the content security policy refuses is an error on the console. A status of 400 or
      // more and a connection that breaks are ones as well, and tests order such.
      const expected = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !expected) complaints.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.origin)) complaints.push(`foreign request: ${request.url()}`);
    });
    if (scripts) page.on('dialog', (dialog) => { complaints.push('a dialog'); dialog.dismiss(); });
  }

  /** Leaves; nothing that should never happen may have happened. */
  async leave() {
    // An answer goes on when its reader leaves, and would take the next test's time.
    await this.context.request.post(new URL('/chats/delete', this.origin).href, { maxRedirects: 0 });
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }

  get prompt() { return this.page.locator('#prompt'); }
  get send() { return this.page.locator('#send'); }
  /** Where a script runs it stands in the composer; a page that is being streamed has none yet. */
  get stop() { return this.page.locator('#stop, .stop-form button'); }
  get alert() { return this.page.locator('#alert'); }
  get status() { return this.page.locator('#status'); }
  get editor() { return this.page.locator('#edited'); }
  get title() { return this.page.locator('main h1'); }
  get answers() { return this.page.locator('[data-author=assistant]'); }
  get questions() { return this.page.locator('[data-author=user]'); }
  get lastAnswer() { return this.answers.last(); }
  get lastQuestion() { return this.questions.last(); }

  /** A button or link below the last question or answer, or above all of them. */
  tool(name) { return this.page.locator('.tool', { hasText: name }).last(); }

  /** Does something that leads to another page, and waits for the whole of it. */
  async goes(act) {
    await Promise.all([this.page.waitForEvent('load'), act()]);
  }

  /** Writes and sends. With a script the page is there before the answer is. */
  async says(text) {
    await this.prompt.fill(text);
    await this.goes(() => this.send.click());
  }

  /** Writes, sends, and waits for the whole answer. */
  async asks(text) {
    await this.says(text);
    await this.isAnswered();
    return this.lastAnswer;
  }

  /** Waits until no answer is being written. */
  async isAnswered() {
    await this.page.waitForFunction(() => document.querySelector('#composer')
      && !document.querySelector('#stop, [aria-busy=true]'));
  }

  /** Waits until the last answer contains `text`. */
  async hears(text) {
    await this.lastAnswer.filter({ hasText: text }).waitFor();
  }

  /** The last answer's HTML, as far as it is the model's and what is said of it. */
  body() {
    return this.lastAnswer.locator('> .body').innerHTML();
  }

  /** The field or button that has the focus, by its id or its words. */
  focused() {
    return this.page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  }

  /** Whether something is cut off or has to be scrolled sideways. */
  scrollsSideways() {
    return this.page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.scrollingElement;
      return scrollWidth > clientWidth;
    });
  }

  /** Saves a picture for people to look at. */
  async photograph(name, options = {}) {
    const folder = process.env.ACCEPTANCE_SCREENSHOTS;
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    // A whole page in a window that is high enough: head and foot stay where they belong.
    const view = this.page.viewportSize();
    if (options.fullPage) {
      const height = await this.page.evaluate(() => document.scrollingElement.scrollHeight);
      await this.page.setViewportSize({ ...view, height });
    }
    await this.page.screenshot({ path: join(folder, `${name}.png`), ...options });
    await this.page.setViewportSize(view);
  }
}

/** What the model received, from an answer of the `echo` script. */
export async function received(answer) {
  const text = await answer.textContent();
  const member = (name) => text.match(new RegExp(`"${name}":\\s*("[^"]*"|[\\d.]+)`))?.[1];
  const roles = [...text.matchAll(/"role":\s*"(\w+)"/g)].map(([, role]) => role);
  return { model: member('model'), temperature: Number(member('temperature')), roles };
}
