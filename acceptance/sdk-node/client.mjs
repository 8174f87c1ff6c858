// The official SDK. What is tested is one try: no retries.

import OpenAI from 'openai';
import { apiKey, gatewayUrl } from '../support/chappe.mjs';

export const client = new OpenAI({
  baseURL: `${gatewayUrl}/v1`,
  apiKey,
  maxRetries: 0,
  timeout: 50_000,
});

export const hello = [{ role: 'user', content: 'Hello' }];
