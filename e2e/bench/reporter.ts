import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

/** Lets the lines of the benchmarks through to standard output, and failures to standard error. */
export default class Lines implements Reporter {
  onStdOut(chunk: string | Buffer): void {
    process.stdout.write(chunk);
  }

  onTestEnd(test: TestCase, result: TestResult): void {
    for (const error of result.errors) process.stderr.write(`${test.title}: ${error.message ?? error.value}\n`);
  }
}
