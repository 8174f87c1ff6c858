// What a gateway tells operators, in states that a test can order: recorded shapes with made-up
// figures, always the same.

const AT = 1_795_874_592.4;
const percentiles = (p50, p95, p99) => ({ p50, p95, p99 });

const gateway = (id, requests, more = {}) =>
  ({ id, version: '0.1.0', draining: false, requests, seen_seconds_ago: 0.6, this: false, ...more });
const worker = (id, queues, slots, busy, more = {}) =>
  ({ id, version: '0.1.0', queues, slots, busy, draining: false, catalogue: '5d41402abc4b', seen_seconds_ago: 0.4, ...more });
const lane = (queue, name, waiting = 0, oldest = 0, more = {}) =>
  ({ queue, lane: name, waiting, oldest_wait_seconds: oldest, delivered: 0, redelivered: 0, ...more });
const lanes = (queue) => ['chat', 'live', 'background'].map((name) => lane(queue, name));
const model = (name, queue, requests, failed, input, output, first, token) => ({
  model: name, queue, requests, failed, input_tokens_per_second: input, output_tokens_per_second: output,
  time_to_first_token_seconds: first, time_per_output_token_seconds: token,
});
const slow = (index, model, queue, lane, times, more = {}) => ({
  at: AT - 20 * index - 7, request_id: `req_${index}`, job_id: `0193c7e2-5b1d-7a90-8f3e-0000000000${10 + index}`,
  trace_id: `${index}bf92f3577b34da6a3ce929d0e0e473${index}`, model, queue, lane, outcome: 'completed',
  duration_seconds: times[0], queue_wait_seconds: times[1], model_first_token_seconds: times[2],
  time_to_first_token_seconds: times[3], output_tokens: times[4], ...more,
});
const letter = (id, reason, more = {}) => ({
  object: 'dead_letter', id: String(id), created_at: AT - 90_000 + id * 30, lane: 'background', queue: 'default',
  model: 'llama3.2', job_id: `0193c7e2-5b1d-7a90-8f3e-0000000000${id}`, reason, attempts: 5, can_redrive: true,
  why_not: null, ...more,
});

/** Fifteen minutes of ten seconds; `wave` tells of each step, from 0 to 1, how much happened. */
const history = (wave, { speed = 900, waits = 0, longest = 13, fails = () => 0, points = 90, now = {} } = {}) => ({
  step_seconds: 10,
  points: Array.from({ length: points }, (_, index) => {
    const step = 90 - points + index;
    const much = wave(step / 89);
    const jitter = 0.85 + 0.15 * Math.sin(step * 12.9898) * Math.cos(step * 4.1414);
    return {
      at: AT - (89 - step) * 10, accepted: Math.round(24 * much * jitter), failed: Math.round(fails(step) * much),
      output_tokens: Math.round(speed * 10 * much * jitter), waiting: Math.round(waits * much * much * jitter),
      oldest_wait_seconds: waits ? longest * much * much * jitter : 0,
      time_to_first_token_p95_seconds: much > 0 ? (0.18 + (waits ? 9 * much ** 3 : 0.1 * much)) * jitter : null,
      ...(step === 89 ? now : {}),
    };
  }),
});

/** The same, but for what NATS did not say in the end. */
const unheard = ({ points, ...all }) => ({
  ...all,
  points: points.map((point, step) =>
    (step < 64 ? point : { ...point, waiting: null, oldest_wait_seconds: null })),
});

const base = {
  object: 'operator.overview', at: AT, window_seconds: 300, redeliveries: 0,
  dead_letters: { kept: 0, recent: [] }, slow_answers: [], incomplete: [],
};

/** Just started: nobody has asked anything. */
export const empty = {
  ...base,
  gateways: [gateway('g-7f3a', 0, { this: true })],
  workers: [worker('w-91c2', ['default'], 8, 0)],
  queues: lanes('default'),
  models: [model('simulator', 'default', 0, 0, 0, 0, null, null)],
  answers: { accepted: 0, completed: 0, failed: 0, client_gone: 0, not_queued: 0, open: 0, input_tokens: 0, output_tokens: 0, since: AT - 48 },
  history: history(() => 0, { points: 5 }),
};

/** A good day. */
export const well = {
  ...base,
  gateways: [gateway('g-7f3a', 6, { this: true }), gateway('g-b204', 8)],
  workers: [
    worker('w-91c2', ['default'], 8, 5), worker('w-c07e', ['default'], 8, 4),
    worker('w-e51b', ['large'], 4, 3), worker('w-0d6f', ['large', 'default'], 4, 1),
  ],
  queues: [...lanes('default'), lane('large', 'chat', 1, 0.8, { delivered: 3 }), ...lanes('large').slice(1)],
  models: [
    model('llama3.2', 'default', 604, 0, 2130, 712, percentiles(0.142, 0.31, 0.55), percentiles(0.018, 0.027, 0.041)),
    model('qwen3-32b', 'large', 58, 0, 640, 118, percentiles(0.39, 0.92, 1.4), percentiles(0.034, 0.051, 0.07)),
  ],
  answers: { accepted: 48_213, completed: 47_908, failed: 61, client_gone: 230, not_queued: 0, open: 14, input_tokens: 31_420_118, output_tokens: 9_804_551, since: AT - 93_600 },
  slow_answers: [
    slow(1, 'qwen3-32b', 'large', 'chat', [21.4, 0.8, 0.62, 1.43, 611]),
    slow(2, 'qwen3-32b', 'large', 'live', [16.9, 0.01, 0.4, 0.42, 498]),
    slow(3, 'llama3.2', 'default', 'chat', [12.2, 0.002, 0.14, 0.145, 640]),
    slow(4, 'llama3.2', 'default', 'chat', [9.1, 0.003, 0.2, 0.206, 474], { outcome: 'client_gone' }),
  ],
  history: history((x) => 0.62 + 0.3 * Math.sin(x * 7) * Math.sin(x * 2.4), { now: { waiting: 1, oldest_wait_seconds: 0.8 } }),
};

/** More is asked than can be answered. */
export const busy = {
  ...well,
  gateways: [gateway('g-7f3a', 31, { this: true }), gateway('g-b204', 28)],
  workers: [
    worker('w-91c2', ['default'], 8, 8), worker('w-c07e', ['default'], 8, 8),
    worker('w-e51b', ['large'], 4, 3), worker('w-0d6f', ['large'], 4, 2, { draining: true, version: '0.0.9' }),
  ],
  queues: [
    lane('default', 'chat', 23, 12.4, { delivered: 16 }), lane('default', 'live'),
    lane('default', 'background', 140, 340, { redelivered: 2 }), ...lanes('large'),
  ],
  models: [
    model('llama3.2', 'default', 931, 4, 3310, 1240, percentiles(4.2, 11.6, 13.1), percentiles(0.022, 0.039, 0.06)),
    well.models[1],
  ],
  redeliveries: 3,
  slow_answers: [
    slow(1, 'llama3.2', 'default', 'chat', [31.7, 12.4, 0.33, 12.74, 812]),
    slow(2, 'llama3.2', 'default', 'chat', [28.2, 11.9, 0.31, 12.22, 690]),
    slow(3, 'llama3.2', 'default', 'live', [24.6, 10.2, 3.9, 14.12, 455], { outcome: 'failed' }),
    slow(4, 'qwen3-32b', 'large', 'chat', [21.4, 0.8, 0.62, 1.43, 611]),
    slow(5, 'llama3.2', 'default', 'chat', [19.8, 11.6, null, null, null], { outcome: 'client_gone' }),
  ],
  history: history((x) => 0.35 + 0.62 * x ** 1.5, {
    speed: 1300, waits: 168, longest: 350, fails: (step) => (step > 60 && step % 7 === 0 ? 1.2 : 0),
    now: { waiting: 163, oldest_wait_seconds: 340 },
  }),
};

/** Hardly anybody gets an answer, and not everything can be told. */
export const broken = {
  ...well,
  gateways: [gateway('g-7f3a', 4, { this: true }), gateway('g-b204', 2, { seen_seconds_ago: 4.1 })],
  workers: [worker('w-91c2', ['default'], 8, 2), worker('w-c07e', ['default'], 8, 1, { catalogue: '098f6bcd4621' })],
  queues: null,
  models: [
    model('llama3.2', 'default', 212, 61, 410, 96, percentiles(0.9, 8.2, 9.7), percentiles(0.02, 0.04, 0.06)),
    model('qwen3-32b', 'large', 40, 40, 0, 0, null, null),
  ],
  redeliveries: 57,
  dead_letters: {
    kept: 42,
    recent: [
      letter(2999, 'attempts_exhausted: the upstream answered 500 each time', { created_at: AT - 40 }),
      letter(2998, 'attempts_exhausted: the upstream answered 500 each time', { created_at: AT - 130, model: 'qwen3-32b', queue: 'large' }),
      letter(2990, 'undecodable', { can_redrive: false, why_not: 'What it holds is no job that this version reads.', attempts: 1, model: '' }),
    ],
  },
  slow_answers: [
    slow(1, 'llama3.2', 'default', 'chat', [60.0, 0.9, null, null, null], { outcome: 'failed' }),
    slow(2, 'qwen3-32b', 'large', 'chat', [30.0, 30.0, null, null, null], { outcome: 'failed', trace_id: null }),
  ],
  history: unheard(history((x) => (x < 0.7 ? 0.8 : 0.8 - (x - 0.7) * 1.9), { speed: 700, waits: 6, fails: (step) => (step > 62 ? 9 : 0) })),
  incomplete: ['NATS did not say within 2 s how many jobs are waiting.'],
};

/** All dead letters of the broken day. */
export const letters = broken.dead_letters.recent;
