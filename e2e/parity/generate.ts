import type { Page } from '@playwright/test';

import { json } from '../support/files.ts';

type Reference = { ids: number[]; tokens: number[]; gaps: number[] };

export const CHAT = 'qwen2.5-coder-0.5b-instruct';

/** llama.cpp's greedy answers, and how far the second best token was behind at each step. */
export const references = json<Reference[]>('inference/tests/fixtures/qwen_references.json');

/** llama.cpp's answers as text. */
export const texts = json<string[]>('inference/tests/fixtures/qwen_texts.json');

/** The prompts whose first tokens come least near a tie. */
export function firmest(count: number, tokens: number): number[] {
  const gap = (index: number) => Math.min(...references[index]!.gaps.slice(0, tokens));
  return references.map((_, index) => index).sort((a, b) => gap(b) - gap(a)).slice(0, count);
}

/** The engine's greedy answers to the references' prompts, as text. */
export async function answers(page: Page, origin: string, backend: string, prompts: number[][], tokens: number): Promise<string[]> {
  await page.goto(origin);
  return page.evaluate(async ({ backend, model, prompts, tokens }) => {
    const path = '/bench/talk.js';
    const { Talk } = await import(path);
    const talk = await Talk.open();
    try {
      await talk.ask({ type: 'start', preference: backend }, 'ready');
      await talk.ask({ type: 'load', model }, 'loaded');
      const texts: string[] = [];
      for (const ids of prompts) {
        const { text } = await talk.generate(model, { prompt: { kind: 'tokens', ids }, max_tokens: tokens, sampling: { temperature: 0 }, stop: [] });
        texts.push(text);
      }
      return texts;
    } finally {
      talk.close();
    }
  }, { backend, model: CHAT, prompts, tokens });
}
