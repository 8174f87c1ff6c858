// Submits work to the background, and comes back for the answer.

import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.CHAPPE_URL ?? 'http://127.0.0.1:8790/v1',
  apiKey: process.env.CHAPPE_API_KEY ?? 'unused',
});
const model = process.env.CHAPPE_MODEL ?? (await client.models.list()).data[0].id;
const question = process.argv.slice(2).join(' ') || 'Why is the sky blue?';

let response = await client.responses.create({ model, input: question, background: true });
console.error(`${response.id} is ${response.status}`);

// The id is all that is needed: this may as well be another program, tomorrow.
while (['queued', 'in_progress'].includes(response.status)) {
  await sleep(500);
  response = await client.responses.retrieve(response.id);
}

if (response.status !== 'completed') {
  console.error(response.status, response.error ?? response.incomplete_details);
  process.exit(1);
}
console.log(response.output_text);
