/** One line of `cargo xtask bench`: median and 95th percentile of the samples. */
export function line(bench: string, variant: string, unit: string, samples: number[], digits = 4): void {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  const round = (value: number) => Number(value.toPrecision(digits));
  console.log(JSON.stringify({ bench, variant, median: round(at(0.5)), p95: round(at(0.95)), unit, n: sorted.length }));
}
