import { references } from '../parity/references.ts';
import { cosine, embed } from '../support/engine.ts';
import { test } from '../support/fixtures.ts';
import { line } from './line.ts';

/** A text of about that many tokens: each of these words is one, and two mark the ends. */
function text(tokens: number): string {
  const words = 'the old river runs past a small town with white houses and green hills in summer'.split(' ');
  return Array.from({ length: tokens - 2 }, (_, index) => words[index % words.length]).join(' ');
}

const LENGTHS = [16, 64, 256];

// The software adapter is slower than SIMD by two orders of magnitude, so it gets fewer rounds.
for (const [backend, rounds] of [['cpu', 15], ['gpu', 3]] as const) {
  test(`embedding in the browser on the ${backend}`, async ({ page, modelRealm }) => {
    // Interleaved, so that noise of the machine falls on all lengths alike.
    const jobs = Array.from({ length: rounds }, () => LENGTHS.map((length) => [text(length)])).flat();
    const parity = references.map(({ text }) => [text]);
    const report = await embed(page, modelRealm.origin, backend, [...jobs, ...parity]);
    const cosines = report.jobs.slice(jobs.length)
      .map((job, index) => cosine(job.vectors[0] ?? [], references[index]?.vector ?? []));
    line('embed', `browser ${backend} least cosine with the references`, 'cosine', [Math.min(...cosines)], 9);
    LENGTHS.forEach((length, index) => {
      const samples = report.jobs.slice(0, jobs.length).filter((_, job) => job % LENGTHS.length === index).map((job) => job.elapsed_ms);
      line('embed', `browser ${backend} ${length} tokens`, 'ms', samples);
    });
    for (const [phase, ms] of Object.entries(report.loaded.times)) {
      line('embed', `browser ${backend} load ${phase.replace(/_ms$/, '')}`, 'ms', [ms]);
    }
  });
}
