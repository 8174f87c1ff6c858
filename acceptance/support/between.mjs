// A chat page of its own before the real gateway, and a way between the two that can be closed and held up.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gatewayUrl } from './chappe.mjs';

const program = process.env.CHAPPE_BIN_DIR && join(process.env.CHAPPE_BIN_DIR, 'web');

/** For the `skip` of tests that start a program; its page has no key. */
export const withoutPrograms = [
  [!program || !existsSync(program), 'there is no web in CHAPPE_BIN_DIR'],
  [!gatewayUrl.startsWith('http:'), 'the gateway speaks https'],
  [process.env.ACCEPTANCE_API_KEY, 'the gateway asks for keys'],
].find(([is]) => is)?.[1] ?? false;

/** The two of them; `stop` ends both. */
export class Between {
  /**
   * Whether answers are held up: their events do not come, but for those that say that they wait; and
   * nobody says why.
   */
  held = false;
  /** What is said of why an answer waits, instead of what the gateway says: by how often it was asked. */
  tellsWaiting = null;
  /** How often it was. */
  asked = 0;
  /** What the next question is refused with: status, seconds to come again behind, code. */
  refusal = null;
  #waiting = [];
  #server;
  #web;

  /** `settings` are the page's own, besides. */
  static async start(settings = {}) {
    const between = new Between();
    await between.open();
    const web = spawn(program, [], {
      env: {
        PATH: process.env.PATH, WEB_LISTEN: '127.0.0.1:0', WEB_HEALTH_LISTEN: '127.0.0.1:0',
        WEB_GATEWAY_URL: `http://127.0.0.1:${between.port}`, ...settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    between.#web = web;
    const log = [];
    between.url = await new Promise((resolve, reject) => {
      createInterface({ input: web.stderr }).on('line', (line) => {
        log.push(line);
        const address = line.match(/web listening on (https?:[^"\s]+)/)?.[1];
        if (address) resolve(address);
      });
      web.on('error', reject);
      web.on('exit', () => reject(new Error(`web ended: ${log.join('\n')}`)));
    });
    return between;
  }

  get isOpen() { return this.#server.listening; }

  /** The gateway can be reached, at the same port as before. */
  async open() {
    this.#server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
    this.#server.listen(this.port ?? 0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }

  /** From now on nobody answers there, and what was being said ends. */
  async close() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** What was held up comes, and what the gateway says counts again. */
  release() {
    [this.held, this.tellsWaiting, this.asked] = [false, null, 0];
    for (const go of this.#waiting.splice(0)) go();
  }

  async stop() {
    const ended = once(this.#web, 'exit');
    this.#web.kill('SIGTERM');
    this.release();
    if (this.isOpen) await this.close();
    await ended;
  }

  #pass(incoming, outgoing) {
    const { method, url, headers } = incoming;
    const says = (status, more, body) => {
      incoming.resume();
      outgoing.writeHead(status, { 'content-type': 'application/json', ...more });
      outgoing.end(JSON.stringify(body));
    };
    if ((this.tellsWaiting || this.held) && url.endsWith('/waiting')) {
      says(200, {}, { waiting: true, ...this.tellsWaiting?.(this.asked++) });
      return;
    }
    if (this.refusal && method === 'POST' && url === '/v1/responses') {
      const { status, seconds, code } = this.refusal;
      this.refusal = null;
      says(status, { 'retry-after': seconds }, { error: { message: 'No.', type: 'rate_limit_error', code } });
      return;
    }
    const go = () => {
      const onward = ask(new URL(url, gatewayUrl), { method, headers: { ...headers, host: new URL(gatewayUrl).host } });
      onward.on('response', (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        if (this.held && method === 'POST' && answer.headers['content-type']?.startsWith('text/event-stream')) {
          this.#holdUp(answer, outgoing);
        } else answer.pipe(outgoing);
        // A stream that broke may not end as if it were whole.
        answer.on('aborted', () => outgoing.destroy());
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    };
    if (this.held && url.includes('stream=true')) this.#waiting.push(go);
    else go();
  }

  /** What comes before a worker has it comes at once. */
  #holdUp(answer, outgoing) {
    let said = '';
    const begins = (chunk) => {
      said += chunk;
      const at = said.indexOf('event: response.in_progress');
      if (at < 0) return;
      answer.off('data', begins);
      answer.pause();
      outgoing.write(said.slice(0, at));
      const rest = said.slice(at);
      this.#waiting.push(() => {
        outgoing.write(rest);
        answer.pipe(outgoing);
      });
    };
    answer.setEncoding('utf8');
    answer.on('data', begins);
  }
}
