// A chat page of its own, and a gateway before it that tells operators what a test has it tell.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const program = process.env.CHAPPE_BIN_DIR && join(process.env.CHAPPE_BIN_DIR, 'web');

/** For the `skip` of tests that start a program. */
export const withoutPrograms = program && existsSync(program) ? false : 'there is no web in CHAPPE_BIN_DIR';

/** The two of them; `stop` ends both. */
export class Operated {
  /** What `GET /v1/admin/overview` tells, and the dead letters. */
  overview = {};
  letters = [];
  /** The one key that may see it; without one everybody may. */
  key = null;
  /** What it was asked: method, path, and key. */
  calls = [];
  #server;
  #web;

  static async start(environment = {}) {
    const operated = new Operated();
    await operated.open();
    const { port } = operated.#server.address();
    const web = spawn(program, [], {
      env: {
        WEB_LISTEN: '127.0.0.1:0', WEB_HEALTH_LISTEN: '127.0.0.1:0', WEB_API_KEY: 'key-of-the-page',
        WEB_GATEWAY_URL: `http://127.0.0.1:${port}`, ...environment,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    operated.#web = web;
    operated.log = [];
    const listening = new Promise((resolve, reject) => {
      createInterface({ input: web.stderr }).on('line', (line) => {
        operated.log.push(line);
        const address = line.match(/web listening on (http:[^"\s]+)/)?.[1];
        if (address) resolve(address);
      });
      web.on('error', reject);
      web.on('exit', () => reject(new Error(`web ended: ${operated.log.join('\n')}`)));
    });
    operated.url = await listening;
    return operated;
  }

  /** Listens, at the same port as before if there was one. */
  async open() {
    const port = this.port ?? 0;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }

  /** From now on nobody answers there. */
  async close() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async stop() {
    const ended = once(this.#web, 'exit');
    this.#web.kill('SIGTERM');
    await ended;
    if (this.#server.listening) await this.close();
  }

  #answer(request, response) {
    const { method } = request;
    const { pathname } = new URL(request.url, 'http://gateway');
    const key = request.headers.authorization?.replace('Bearer ', '') ?? null;
    this.calls.push({ method, path: pathname, key });
    const say = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const refuse = (status, code, message) =>
      say(status, { error: { message, type: 'invalid_request_error', param: null, code } });
    const asked = pathname.match(/^\/v1\/admin\/(overview|dead_letters)(?:\/(\d+))?(\/redrive)?$/);
    if (!asked) return say(200, { object: 'list', data: [{ id: 'llama3.2', object: 'model', capabilities: ['chat'] }] });
    if (this.key && !key) return refuse(401, 'missing_api_key', 'There is no API key.');
    if (this.key && key !== this.key) return refuse(401, 'invalid_api_key', 'The API key is not known here.');
    const [, what, id, redrive] = asked;
    if (what === 'overview') return say(200, this.overview);
    if (!id) return say(200, { object: 'list', data: this.letters, has_more: false });
    const letter = this.letters.find((one) => one.id === id);
    if (!letter) return refuse(404, 'dead_letter_not_found', 'There is no such dead letter.');
    if (redrive && !letter.can_redrive) return refuse(409, 'not_redrivable', letter.why_not);
    assert(redrive ? method === 'POST' : method === 'DELETE');
    this.letters = this.letters.filter((one) => one.id !== id);
    const object = redrive ? 'dead_letter.redriven' : 'dead_letter.deleted';
    return say(200, { object, id, response_id: redrive ? 'resp_0193c7e25b1d' : undefined, deleted: !redrive });
  }
}
