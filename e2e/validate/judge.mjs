// Judges the requests of one description after the other with Prism; see compare.mjs, which starts it.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { getHttpOperationsFromSpec } = require("@stoplight/prism-http/dist/utils/operations");
const { validateInput } = require("@stoplight/prism-http/dist/validator");

/** As Prism's server reads a request. */
function element(line) {
  const { searchParams, pathname } = new URL(line.target, "http://example.com");
  const query = {};
  for (const key of searchParams.keys()) {
    const values = searchParams.getAll(key);
    query[key] = values.length === 1 ? values[0] : values;
  }
  const headers = Object.fromEntries(Object.entries(line.headers).map(([name, value]) => [name.toLowerCase(), value]));
  let body = line.body ?? undefined;
  if (body !== undefined) {
    headers["content-length"] = String(Buffer.byteLength(body));
    if (/^application\/(.*\+)?json\b/.test(headers["content-type"] ?? "")) body = JSON.parse(body);
  }
  // A parameter in the query of a path counts as one of the path.
  const path = line.template.split("#")[0].includes("?") ? line.target : pathname;
  return { method: line.method.toLowerCase(), url: { path, query }, headers, body };
}

function judge(operations, line) {
  const method = line.method.toLowerCase();
  const found = operations.find((operation) => operation.method === method && operation.path === line.template);
  if (!found) return { unjudged: "Prism has no such operation" };
  // Fragments tell operations apart in some descriptions, and are never sent; Prism would look for them in the path.
  const resource = { ...found, path: found.path.split("#")[0] };
  const result = validateInput({ resource, element: element(line) });
  const errors = result._tag === "Left" ? result.left.filter((diagnostic) => diagnostic.severity === 0) : [];
  if (errors.length === 0) return {};
  return {
    errors: errors.map((error) => ({
      kind: `${error.path?.[0] ?? "body"}: ${error.code}`,
      message: `${(error.path ?? []).join(".")}: ${error.message}`,
    })),
  };
}

process.on("message", async ({ path, lines }) => {
  try {
    const operations = await getHttpOperationsFromSpec(path);
    const verdicts = lines.map((line) => {
      if (line.unfilled) return {};
      try {
        return judge(operations, line);
      } catch (error) {
        return { unjudged: String(error?.message ?? error) };
      }
    });
    process.send({ verdicts });
  } catch (error) {
    process.send({ unloaded: String(error?.message ?? error).split("\n")[0] });
  }
});
