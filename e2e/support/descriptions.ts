import { createServer, type Server } from 'node:http';

/** Descriptions under addresses of their own, which a test can change under the realm's eyes. */
export class Shelf {
  private readonly documents = new Map<string, string>();

  private constructor(private readonly server: Server, readonly address: string) {}

  static async open(): Promise<Shelf> {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const at = server.address();
    if (typeof at !== 'object' || !at) throw new Error('no port');
    const shelf = new Shelf(server, `127.0.0.1:${at.port}`);
    server.on('request', (request, response) => {
      const text = shelf.documents.get(request.url ?? '');
      response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/yaml' });
      response.end(text ?? 'no such description');
    });
    return shelf;
  }

  /** Puts a description there; the answer is where. */
  put(name: string, text: string): string {
    this.documents.set(`/${name}`, text);
    return `http://${this.address}/${name}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** Words from the stand-in's dictionary: one operation that works, and one that cannot. */
export function words(upstream: string, title: string, extra = ''): string {
  return `openapi: 3.1.0
info: {title: ${title}, version: "1"}
servers: [{url: "http://${upstream}/free-dictionary"}]
paths:
  /api/v2/entries/en/{word}:
    get:
      operationId: lookUp
      summary: Look a word up
      description: What an English word means, and how it is said.
      x-mtor: {examples: ["what does the shelf say about {word=serendipity}", "shelf entry for {word=quay}"]}
      parameters:
        - {name: word, in: path, required: true, description: An English word, schema: {type: string, title: Word, maxLength: 40}}
        - {name: detail, in: query, schema: {enum: [short, full]}}
      responses:
        "200":
          description: Entries
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Entry"}}}}
  /broken: {$ref: "#/components/pathItems/Nowhere"}
${extra}components:
  schemas:
    Entry:
      type: object
      required: [word]
      properties:
        word: {type: string, description: The word itself}
        related: {type: array, items: {$ref: "#/components/schemas/Entry"}}
`;
}

/** An operation that changes something: the stand-in knows no such path, which is answer enough. */
export const adding = `  /entries:
    post:
      operationId: addEntry
      summary: Add an entry
      x-mtor: {examples: ["put the word {word=petrichor} on the shelf"]}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [word, meanings]
              properties:
                word: {type: string, title: Word}
                kind: {enum: [noun, verb], title: Kind}
                meanings:
                  type: array
                  title: Meanings
                  items: {type: object, required: [text], properties: {text: {type: string, title: Text}, rank: {type: integer, title: Rank}}}
                rare: {type: boolean, title: Rare}
                since: {type: string, format: date, title: Since}
                note: {type: [string, "null"], title: Note}
      responses: {"201": {description: Added}}
`;

/** What asks for a key in a header field. */
export function locked(upstream: string, title: string): string {
  return `openapi: 3.0.3
info: {title: ${title}, version: "1"}
servers: [{url: "http://${upstream}/open-library"}]
security: [{key: []}]
paths:
  /search.json:
    get:
      operationId: findBooks
      summary: Find books
      parameters: [{name: q, in: query, required: true, schema: {type: string}}]
      responses: {"200": {description: Books, content: {application/json: {schema: {type: object}}}}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Shelf-Key}
`;
}
