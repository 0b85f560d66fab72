// Has an independent validator (Prism) judge the requests that mtor-federation writes.
//
//     cd e2e/validate && npm ci --ignore-scripts && node compare.mjs --apis FOLDER [--sample 200] [--seed 1] [--verbose]
//
// FOLDER holds published descriptions (Swagger 2.0, OpenAPI 3.0 and 3.1). A sample of them by file, the same for the
// same seed, is compiled by `cargo run -p mtor-federation --example requests`, which prints a request from minimal and
// one from full example arguments for each operation. Prism reads the same file by itself and accepts a request or says
// what is wrong with it. Printed are the figures by format and the disagreements by class, each with an example. Files
// and operations that Prism cannot load are counted apart. A description has 60 s and 1.5 GB; two are judged at once.
import { fork, spawn } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SECONDS_A_FILE = 60;
const MEGABYTES = 1500;
const AT_ONCE = 2;

const { values: options } = parseArgs({
  options: {
    apis: { type: "string" },
    sample: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    requests: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
if (!options.apis) {
  console.error("name a folder of descriptions: --apis FOLDER");
  process.exit(2);
}

/** Every description under a folder, with its format by what it says in its first bytes. */
function* descriptions(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* descriptions(path);
    else if (/\.(json|ya?ml)$/.test(name)) {
      const text = readFileSync(path, "utf8");
      const stated = /["']?(swagger|openapi)["']?\s*:\s*["']?(\d+\.\d+)/.exec(text);
      if (stated && ["2.0", "3.0", "3.1"].includes(stated[2])) yield { path, format: stated[2] };
    }
  }
}

/** The same numbers for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sample(list, count, next) {
  const shuffled = [...list];
  for (let at = shuffled.length - 1; at > 0; at--) {
    const other = Math.floor(next() * (at + 1));
    [shuffled[at], shuffled[other]] = [shuffled[other], shuffled[at]];
  }
  return shuffled.slice(0, count);
}

/** The lines of the example program, by file; files are asked for one after the other, so that little is held. */
function requests(files) {
  const cargo = ["run", "--release", "--quiet", "-p", "mtor-federation", "--example", "requests"];
  const program = options.requests
    ? spawn(resolve(options.requests), [], { stdio: ["pipe", "pipe", "inherit"] })
    : spawn("cargo", cargo, { cwd: join(HERE, "../.."), stdio: ["pipe", "pipe", "inherit"] });
  program.stdin.end(files.map((file) => resolve(file.path)).join("\n") + "\n");
  return createInterface({ input: program.stdout });
}

/** A process that judges one file at a time; a new one after each that dies. */
class Judge {
  async judge(file, lines) {
    this.child ??= fork(join(HERE, "judge.mjs"), { execArgv: [`--max-old-space-size=${MEGABYTES}`], silent: true });
    const child = this.child;
    return new Promise((done) => {
      const end = (result) => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (result.died) {
          this.child = undefined;
          child.kill("SIGKILL");
        }
        done(result);
      };
      const timer = setTimeout(() => end({ died: true, unloaded: `not within ${SECONDS_A_FILE} s` }), SECONDS_A_FILE * 1000);
      child.once("message", end);
      child.once("exit", () => end({ died: true, unloaded: `not within ${MEGABYTES} MB` }));
      child.send({ path: file.path, lines });
    });
  }
  close() {
    this.child?.kill();
  }
}

const files = sample([...descriptions(options.apis)], Number(options.sample), random(Number(options.seed)));
const formats = new Map(files.map((file) => [resolve(file.path), file]));
const zero = () => ({ files: 0, refused: 0, unloaded: 0, operations: 0, skipped: 0, unfilled: 0, unjudged: 0, accepted: 0, rejected: 0 });
const totals = new Map();
const classes = new Map();
const unloaded = new Map();
const total = (format) => totals.get(format) ?? totals.set(format, zero()).get(format);

function disagree(format, kind, line, message) {
  const key = `${format}  ${kind}`;
  const entry = classes.get(key) ?? classes.set(key, { count: 0, examples: [] }).get(key);
  entry.count += 1;
  if (entry.examples.length < (options.verbose ? 20 : 1)) {
    entry.examples.push(`${relative(options.apis, line.file)} ${line.method} ${line.template} (${line.fill}): ${message}`);
  }
}

function count(file, lines, last, result) {
  const sums = total(file.format);
  sums.files += 1;
  if (last.refused) {
    sums.refused += 1;
    disagree(file.format, "refused by mtor", { ...last, method: "", template: "", fill: "" }, last.refused);
    return;
  }
  if (result.unloaded) {
    sums.unloaded += 1;
    unloaded.set(relative(options.apis, file.path), result.unloaded);
    return;
  }
  // An operation is accepted when both of its requests are.
  const operations = new Map();
  lines.forEach((line, index) => {
    const verdict = line.unfilled ? { unfilled: line.unfilled } : result.verdicts[index];
    if (verdict.unfilled) disagree(file.format, "no example found", line, verdict.unfilled);
    if (verdict.errors) for (const error of verdict.errors.slice(0, 1)) disagree(file.format, error.kind, line, error.message);
    const worst = verdict.unfilled ? "unfilled" : verdict.unjudged ? "unjudged" : verdict.errors ? "rejected" : "accepted";
    const order = ["accepted", "unfilled", "unjudged", "rejected"];
    const before = operations.get(line.operation) ?? "accepted";
    operations.set(line.operation, order.indexOf(worst) > order.indexOf(before) ? worst : before);
  });
  sums.operations += operations.size;
  sums.skipped += last.skipped;
  for (const verdict of operations.values()) sums[verdict] += 1;
}

const queue = [];
let over = false;
let wake = () => {};
const changed = () => new Promise((done) => (wake = done));
const worker = async () => {
  const judge = new Judge();
  while (!over || queue.length > 0) {
    const next = queue.shift();
    if (!next) {
      await new Promise((done) => setTimeout(done, 20));
      continue;
    }
    wake();
    const { file, lines, last } = next;
    count(file, lines, last, last.refused ? {} : await judge.judge(file, lines));
  }
  judge.close();
};
const workers = Array.from({ length: AT_ONCE }, worker);
let lines = [];
for await (const text of requests(files)) {
  const line = JSON.parse(text);
  if (line.template !== undefined) {
    lines.push(line);
    continue;
  }
  queue.push({ file: formats.get(line.file), lines, last: line });
  lines = [];
  while (queue.length > 8) await changed();
}
over = true;
await Promise.all(workers);

const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(2)} %` : "-");
console.log("format  files  refused  unloaded  operations  skipped  no example  unjudged  accepted  rejected  agreement");
for (const format of [...totals.keys()].sort()) {
  const t = totals.get(format);
  const cells = [t.files, t.refused, t.unloaded, t.operations, t.skipped, t.unfilled, t.unjudged, t.accepted, t.rejected];
  console.log(`${format}     ${cells.join("  ")}  ${share(t.accepted, t.operations - t.unjudged)}`);
}
console.log("\nDisagreements by class:");
for (const [key, { count, examples }] of [...classes].sort((a, b) => b[1].count - a[1].count)) {
  console.log(`${String(count).padStart(6)}  ${key}`);
  for (const example of examples) console.log(`          ${example.slice(0, 400)}`);
}
console.log(`\nNot loaded by Prism: ${unloaded.size}`);
for (const [path, reason] of unloaded) console.log(`  ${path}: ${reason.slice(0, 160)}`);
