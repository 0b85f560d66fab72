// The entry of the inference worker: `new Worker("/engine/engine-worker.js", { type: "module" })`.
// Messages that arrive while the engine is fetched and compiled wait here and are then delivered in order.
const early = [];
const keep = (event) => early.push(event.data);
self.addEventListener("message", keep);

try {
  const { default: init } = await import("./engine.js");
  await init();
  self.removeEventListener("message", keep);
  for (const data of early) self.dispatchEvent(new MessageEvent("message", { data }));
} catch (error) {
  self.postMessage({
    type: "lost",
    problem: {
      code: "internal",
      title: `The engine does not start (${error}).`,
      advice: "Reload the page.",
      retryable: true,
    },
  });
}
