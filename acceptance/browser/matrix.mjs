// Every page of the chat, and every state of an answer, for whoever wants to look at all of them.

import { promptLine } from '../support/chappe.mjs';

const short = promptLine({ script: 'count', tokens: 5, token_ms: 0 });
/** It is still waited for when its page is there. */
const slow = promptLine({ script: 'count', tokens: 5, ttft_ms: 3000 });
const endless = promptLine({ script: 'count', tokens: 60_000, token_ms: 20 });
const everything = 'Some *words* and `code`.\n\n```rust\nfn main() { let x = 1; } // so\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\n> said\n\n[a link](https://example.com)';

/** What an answer can be in the middle of; `between` is the way to the gateway. */
export const states = {
  async idle() {},
  async queued(visitor, between) {
    between.held = true;
    await visitor.says(`${slow}What was it?`);
    await visitor.page.getByText('Waiting for a free worker.').waitFor();
  },
  async streaming(visitor) {
    await visitor.says(`${endless}Count.`);
    await visitor.hears('t20 ');
  },
  async done(visitor) {
    await visitor.asks(`${short}What was it?`);
    await visitor.goes(() => visitor.tool('Try again').click());
    await visitor.isAnswered();
    await visitor.asks(promptLine({ script: 'text', text: everything, token_ms: 0 }));
    await visitor.lastAnswer.locator('.receipt > summary').click();
  },
  async error(visitor, between) {
    await visitor.asks(promptLine({ script: 'count', tokens: 20, fault: { error_chunk_after: 5 } }));
    await visitor.prompt.fill('and this?');
    await between.close();
    await visitor.goes(() => visitor.send.click());
    await between.open();
  },
  async dialog(visitor) {
    await visitor.page.keyboard.press('Control+/');
    await visitor.page.locator('#help').waitFor();
  },
};

/** Every other page, from one on which a question was answered. */
export const pages = (visitor) => {
  const chat = new URL(visitor.page.url());
  const at = chat.searchParams.get('at');
  return {
    edit: `${chat.pathname}?at=${at}&edit=${at}`,
    rename: `${chat.pathname}/rename`,
    delete: `${chat.pathname}/delete`,
    chats: '/chats',
    settings: '/settings',
    found: '/chats?find=what',
    'nothing found': '/chats?find=nothing-of-that-kind',
    'delete all': '/chats/delete',
    'no such chat': '/c/conv_of_nobody',
    'no such page': '/nowhere',
  };
};
