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
export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM_BIN,
    // As root in a container there is no sandbox; nothing foreign is opened here.
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });

/** A visitor with a page of their own. */
export class Visitor {
  /** Opens the chat, or another page of ours. `options` are Playwright's for a context. */
  static async arrive(browser, options = {}, address = webUrl) {
    const context = await browser.newContext(options);
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
    page.on('pageerror', (error) => complaints.push(`script: ${error}`));
    page.on('console', (message) => {
      // What the content security policy refuses is an error on the console. A status of 400 or
      // more is one as well, and tests order such.
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
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }

  get prompt() { return this.page.locator('#composer textarea[name=prompt]'); }
  get send() { return this.page.locator('#send'); }
  get stop() { return this.page.locator('#stop'); }
  get alert() { return this.page.locator('#alert'); }
  get answers() { return this.page.locator('[data-author=assistant]'); }
  get questions() { return this.page.locator('[data-author=user]'); }
  get lastAnswer() { return this.answers.last(); }

  /** Writes and sends. */
  async says(text) {
    await this.prompt.fill(text);
    await this.prompt.press('Enter');
  }

  /** Writes, sends, and waits for the whole answer. */
  async asks(text) {
    const before = await this.answers.count();
    await this.says(text);
    await this.answers.nth(before).waitFor();
    await this.isAnswered();
    return this.answers.nth(before);
  }

  /** Waits until no answer is being written. */
  async isAnswered() {
    await this.page.waitForFunction(() => {
      const stop = document.querySelector('#stop');
      return (!stop || stop.hidden || !stop.checkVisibility())
        && !document.querySelector('[aria-busy=true]');
    });
  }

  /** Waits until the last answer contains `text`. */
  async hears(text) {
    await this.lastAnswer.filter({ hasText: text }).waitFor();
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
