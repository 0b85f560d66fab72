// The official OpenAI client for JavaScript against a realm: BASE_URL is where it listens. Fails with an assertion.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: `${process.env.BASE_URL}/v1`, apiKey: process.env.API_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];

const whole = await client.chat.completions.create({ model: "m", messages });
assert.equal(whole.choices[0].message.content, "a heard: hello");
assert.equal(whole.usage.total_tokens, 12);

let words = "";
let usage;
const stream = await client.chat.completions.create({
  model: "m",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const piece of stream) {
  words += piece.choices[0]?.delta?.content ?? "";
  usage = piece.usage ?? usage;
}
assert.equal(words, "a heard: hello");
assert.equal(usage.completion_tokens, 5);

const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const runner = client.chat.completions.stream({ model: "m", messages, tools });
const called = await runner.finalChatCompletion();
assert.equal(called.choices[0].message.tool_calls[0].function.arguments, '{"place":"Lisbon"}');

const vectors = await client.embeddings.create({ model: "m", input: ["four", "three"] });
assert.deepEqual(vectors.data[1].embedding, [5, 1, 0.5]);

const images = await client.images.generate({ model: "m", prompt: "a cat" });
assert.ok(images.data[0].b64_json);

const speech = await client.audio.speech.create({ model: "m", input: "Hello", voice: "alloy" });
assert.equal(await speech.text(), "spoken: Hello");

const file = await toFile(Buffer.from("RIFF0000"), "a.wav");
const text = await client.audio.transcriptions.create({ model: "m", file });
assert.match(text.text, /^transcriptions.*whole: true$/);

const ids = [];
for await (const model of client.models.list()) ids.push(model.id);
assert.ok(ids.includes("m"));

await assert.rejects(
  client.chat.completions.create({ model: "nobody", messages }),
  (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found",
);
console.log("openai for JavaScript works");
