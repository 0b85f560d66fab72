import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const target = process.env.CARGO_TARGET_DIR ?? resolve(import.meta.dirname, '../../target');
export const serverPath = process.env.MTOR_SERVER ?? join(target, 'release/mtor');
const upstreamPath = join(dirname(serverPath), 'examples/upstream');

/** Where `cargo xtask models` puts weights, each file named by its SHA-256. */
export const modelsFolder = process.env.MTOR_MODELS
  ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mtor/models');

/** A port that was free a moment ago. A realm must come back on its own port after a restart, so 0 will not do. */
export async function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? found(address.port) : failed(new Error('no port'))));
    });
  });
}

/** Ours stay ours: the realm refuses settings that it does not know. */
function realmEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MTOR_')));
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once('exit', () => done()));
}

async function answers(url: string, child: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it answered:\n${log()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((again) => setTimeout(again, 25));
  }
}

export type Provider = 'open-meteo' | 'open-meteo-geocoding' | 'wikipedia' | 'open-library' | 'free-dictionary';
export type Fault = { kind: string; [detail: string]: unknown };

/** The stand-in for the providers: their documented shapes, with faults on demand. */
export class Upstream {
  private constructor(private readonly child: ChildProcess, readonly address: string) {}

  static async start(): Promise<Upstream> {
    const child = spawn(upstreamPath, ['--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const address = await new Promise<string>((found, failed) => {
      let seen = '';
      child.once('error', failed);
      child.once('exit', (code) => failed(new Error(`the stand-in upstream ended with ${code}`)));
      child.stdout?.on('data', (data: Buffer) => {
        seen += data.toString();
        const line = seen.split('\n').find((part) => part.trim().startsWith('{'));
        if (line && seen.includes('\n')) {
          const { address, listen } = JSON.parse(line) as { address?: string; listen?: string };
          found(address ?? listen ?? '');
        }
      });
    });
    return new Upstream(child, address);
  }

  async fault(provider: Provider, fault: Fault, times?: number): Promise<void> {
    const response = await fetch(`http://${this.address}/control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider, fault, times }),
    });
    if (!response.ok) throw new Error(`the stand-in refused the fault: ${await response.text()}`);
  }

  async clear(): Promise<void> {
    await fetch(`http://${this.address}/control`, { method: 'DELETE' });
  }

  async requests(): Promise<unknown[]> {
    return (await fetch(`http://${this.address}/control/log`)).json() as Promise<unknown[]>;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await ended(this.child);
  }
}

/** One realm with a data folder of its own, killed and started again at will. */
export class Realm {
  private child?: ChildProcess;
  private log = '';

  private constructor(readonly port: number, private readonly folder: string, private readonly models: string) {}

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** `alsoAllow` are further private addresses, `127.0.0.1:1234`, that the realm may call. */
  static async start(upstream: Upstream, options: { models?: string; alsoAllow?: string[] } = {}): Promise<Realm> {
    const folder = mkdtempSync(join(tmpdir(), 'mtor-e2e-'));
    const base = `http://${upstream.address}`;
    // The real hosts are the default; here each is replaced by the stand-in, which is the one private address allowed.
    writeFileSync(join(folder, 'mtor.toml'), `
[federation.base]
"https://api.open-meteo.com" = "${base}/open-meteo"
"https://geocoding-api.open-meteo.com" = "${base}/open-meteo-geocoding"
"https://en.wikipedia.org" = "${base}/wikipedia"
"https://openlibrary.org" = "${base}/open-library"
"https://api.dictionaryapi.dev" = "${base}/free-dictionary"

[egress]
allow_private = ${JSON.stringify([upstream.address, ...options.alsoAllow ?? []])}
`);
    const realm = new Realm(await freePort(), folder, options.models ?? modelsFolder);
    await realm.resume();
    return realm;
  }

  /** Starts the process (again) on the same port and data. */
  async resume(): Promise<void> {
    const args = ['serve', '--listen', `127.0.0.1:${this.port}`, '--data', join(this.folder, 'data'),
      '--config', join(this.folder, 'mtor.toml')];
    const child = spawn(serverPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...realmEnvironment(), MTOR_MODELS: this.models },
    });
    const keep = (data: Buffer) => { this.log += data.toString(); };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.child = child;
    await answers(`${this.origin}/healthz`, child, () => this.log);
  }

  /** The catalogue's vectors are made in the background; routing by meaning needs them. */
  async vectorsReady(): Promise<void> {
    if (!this.child) throw new Error('the realm is not running');
    await answers(`${this.origin}/api/catalogue/vectors`, this.child, () => this.log);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.child) return;
    this.child.kill(signal);
    await ended(this.child);
    this.child = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get output(): string {
    return this.log;
  }
}
