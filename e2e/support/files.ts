import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { homedir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';

const types: Record<string, string> = {
  '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html', '.json': 'application/json',
};
const root = resolve(import.meta.dirname, '../..');
const models = process.env.MTOR_MODELS
  ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mtor/models');

/** Where each path of the origin is on this machine. */
const folders: [string, string][] = [
  ['/engine/', join(root, 'app/.engine')],
  ['/models/sha256/', models],
  ['/wllama/', join(root, 'e2e/node_modules/@wllama/wllama/esm')],
  ['/bench/', join(root, 'e2e/bench/page')],
];

/** An origin that has the engine, the weights and nothing else: what is measured or compared is the engine alone. */
export class Files {
  private constructor(private readonly server: Server, readonly origin: string) {}

  static async serve(): Promise<Files> {
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
      if (path === '/') {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>engine</title>');
        return;
      }
      const found = folders.find(([prefix]) => path.startsWith(prefix));
      const file = found && join(found[1], normalize(path.slice(found[0].length)));
      if (!file || !file.startsWith(found[1]) || !existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      const size = statSync(file).size;
      const type = types[extname(file)] ?? 'application/octet-stream';
      const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
      const start = range ? Number(range[1]) : 0;
      response.writeHead(range ? 206 : 200, {
        'content-type': type,
        'content-length': size - start,
        ...(range && { 'content-range': `bytes ${start}-${size - 1}/${size}` }),
      });
      createReadStream(file, { start }).pipe(response);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const at = server.address();
    if (typeof at !== 'object' || !at) throw new Error('no port');
    return new Files(server, `http://127.0.0.1:${at.port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** Whether the weights with this hash are here. */
export function present(sha256: string): boolean {
  return existsSync(join(models, sha256));
}

/** The hash of a model's weights, from the manifest. */
export function hashOf(model: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'shared/models.json'), 'utf8')) as
    { id: string; files: { name: string; sha256: string }[] }[];
  const file = manifest.find(({ id }) => id === model)?.files.find(({ name }) => name === 'model.gguf');
  if (!file) throw new Error(`the manifest has no ${model}`);
  return file.sha256;
}

/** A file of the repository, as JSON. */
export function json<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
}
