// Loses its connection in the middle of an answer, and reads on where it was.

import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: process.env.CHAPPE_URL ?? 'http://127.0.0.1:8790/v1',
  apiKey: process.env.CHAPPE_API_KEY ?? 'unused',
});
const model = process.env.CHAPPE_MODEL ?? (await client.models.list()).data[0].id;
const question = process.argv.slice(2).join(' ') || 'Why is the sky blue?';

let id, cursor, last;
const show = (event) => {
  last = event.type;
  if (event.type === 'response.output_text.delta') process.stdout.write(event.delta);
};

// In the background, so that the answer goes on while nobody reads it.
const events = await client.responses.create({ model, input: question, background: true, stream: true });
for await (const event of events) {
  if (event.type === 'response.created') id = event.response.id;
  show(event);
  cursor = event.sequence_number;
  if (last === 'response.output_text.delta') break; // The train enters a tunnel.
}

for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: cursor })) {
  show(event);
}
console.log();
if (last !== 'response.completed') {
  console.error(`the answer ended with ${last}`);
  process.exit(1);
}
