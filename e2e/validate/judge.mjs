// Judges the requests of one description after the other with Prism; see compare.mjs, which starts it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { getHttpOperationsFromSpec } = require("@stoplight/prism-http/dist/utils/operations");
const { validateInput } = require("@stoplight/prism-http/dist/validator");
const { parse } = require("@stoplight/yaml");

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];

/**
 * What Prism reads: the file itself, but for operations of Swagger 2.0 that describe a body and do not say what they
 * consume. Prism drops such a body and then refuses any; the specification leaves the media type open.
 */
function readable(path) {
  const text = readFileSync(path, "utf8");
  if (!/["']?swagger["']?\s*:\s*["']?2/.test(text)) return path;
  const document = parse(text);
  let changed = false;
  const resolved = (parameter) => {
    const name = /^#\/parameters\/(.+)$/.exec(parameter?.$ref ?? "")?.[1];
    return name === undefined ? parameter : document.parameters?.[name.replaceAll("~1", "/").replaceAll("~0", "~")];
  };
  for (const item of Object.values(document?.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item?.[method];
      if (!operation || (operation.consumes ?? document.consumes)?.length > 0) continue;
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolved);
      const fields = parameters.filter((parameter) => parameter?.in === "formData");
      const whole = parameters.some((parameter) => parameter?.in === "body");
      if (fields.length === 0 && !whole) continue;
      const form = fields.some((field) => field.type === "file") ? "multipart/form-data" : "application/x-www-form-urlencoded";
      operation.consumes = [fields.length > 0 ? form : "application/json"];
      changed = true;
    }
  }
  return changed ? document : path;
}

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
    const operations = await getHttpOperationsFromSpec(readable(path));
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
