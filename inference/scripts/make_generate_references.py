"""Writes the references that MTOR's language models and their tokenizers are tested against.

    pip install -r inference/scripts/requirements.txt
    python inference/scripts/make_generate_references.py

Tokens come from llama.cpp (llama-cpp-python) on the CPU, one thread, the whole prompt in one batch; rendered
conversations from jinja2. The logits of the first step come from llama.cpp, whose activations of 8 bits make them
uncertain, and from the same network written with numpy on dequantised weights, which are certain to four digits. The
weights are found as `cargo xtask models` leaves them.
"""

import json
import os
from pathlib import Path

import jinja2
import llama_cpp
import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from llama_cpp import Llama

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "inference" / "tests" / "fixtures"
PROMPTS, TOKENS, TOP = 12, 24, 5

# The repacked weights of some builds crash on prompts of more than one token where the machine refuses AMX.
default_parameters = llama_cpp.llama_cpp.llama_model_default_params


def parameters():
    values = default_parameters()
    values.use_extra_bufts = False
    return values


llama_cpp.llama_cpp.llama_model_default_params = parameters


def weights_folder() -> Path:
    if "MTOR_MODELS" in os.environ:
        return Path(os.environ["MTOR_MODELS"])
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mtor" / "models"


def path_of(model: str) -> Path:
    models = json.loads((ROOT / "shared" / "models.json").read_text())
    files = next(m for m in models if m["id"] == model)["files"]
    return weights_folder() / next(f["sha256"] for f in files if f["name"] == "model.gguf")


def load(model: str) -> Llama:
    return Llama(str(path_of(model)), n_ctx=1024, n_batch=1024, n_ubatch=1024, n_threads=1, n_threads_batch=1,
                 logits_all=True, verbose=False)  # fmt: skip


# --- conversations -------------------------------------------------------------------------------------------------

# More than are kept: those that llama.cpp decides most firmly.
QUESTIONS = [
    "Write a function that reverses a string in Rust.",
    "What is the capital of France?",
    "Explain what a hash map is in two sentences.",
    "Translate 'good morning' into German.",
    "Write a SQL query that counts users by country.",
    "List three uses of a Raspberry Pi.",
    "What does HTTP status 404 mean?",
    "Fix this Python code: for i in range(10) print(i)",
    "What is 17 times 23?",
    "Give me a JSON object that describes a cat.",
    "How many days are there in a leap year?",
    "Write a Python function that returns the sum of a list.",
    "What is the chemical symbol of gold?",
    "Which planet is the largest?",
    "为什么天空是蓝色的？",
]
CONVERSATIONS = [
    *([{"role": "user", "content": question}] for question in QUESTIONS),
    [
        {"role": "system", "content": "You answer in one short sentence, in the manner of a pirate."},
        {"role": "user", "content": "How far away is the Moon?"},
        {"role": "assistant", "content": "Arr, about 384,400 kilometres, matey."},
        {"role": "user", "content": "And how long does light need for that?"},
    ],
]
# What a base model knows by heart: elsewhere its two best tokens are often nearer to each other than llama.cpp's error.
CONTINUATIONS = [
    "The capital of France is Paris, and the river that flows through it",
    "def fibonacci(n):\n",
    "1, 2, 3, 4, 5, 6, 7, 8,",
    "2, 4, 6, 8, 10, 12, 14,",
    "A B C D E F G H",
    "January, February, March, April,",
    "Monday, Tuesday, Wednesday,",
    "Mercury, Venus, Earth,",
    "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "Our Father, who art in heaven, hallowed be",
    "We the People of the United States, in Order to form a more perfect",
    "We hold these truths to be self-evident, that all men are created equal, that they are",
    "Four score and seven years ago our fathers brought forth",
    "To be, or not to be, that is the question: Whether 'tis nobler in the mind to suffer",
    "Twinkle, twinkle, little star, how I wonder what you are. Up above the world so high,",
    "Mary had a little lamb, its fleece was white as snow; and everywhere that Mary went",
    "In the beginning God created the heaven and the earth. And the earth was without form,",
    "Licensed under the Apache License, Version 2.0 (the \"License\"); you may not use this file",
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n",
    "Lorem ipsum dolor sit amet, consectetur",
    "This program is free software: you can redistribute it and/or modify it under the terms of",
    "THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND,",
    "Hydrogen, Helium, Lithium, Beryllium,",
    "The Lord is my shepherd; I shall not want. He maketh me to lie down in",
    "red red red red red red red red",
    "Je suis, tu es, il est, nous",
    "10 9 8 7 6 5",
    "a = 1\nb = 2\nc = 3\nd = 4\n",
]

# --- texts for the tokenizers --------------------------------------------------------------------------------------

TEXTS = [
    "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
    "<bos>one<eos> <start_of_turn>user\nhi<end_of_turn>\n",
    "<|endoftext|><|endoftext|> <|im_end|>x<|im_start|",
    "a  b   c    d     e      f\t\t\tg\n\n\nh\n \n  \ni",
    "    indented by four\n\tand by a tab\n        and by eight\n",
    "trailing spaces   \n   \n",
    "I'm you're he'd we'll they've it's DON'T YOU'LL o'clock 'tis",
    "0 1 12 123 1234 12345 1234567890 3.14 1e10 ½ ²³ ٣٤ Ⅷ",
    "for (int i = 0; i < n; ++i) { a[i] *= b[i] >> 2; } // ok?",
    "let s: &'static str = r#\"raw \"quoted\" text\"#;\n",
    "def f(x):\n    return x**2 if x else None  # comment\n",
    "<html>\n  <body class=\"a b\"><h1>Title</h1><br/></body>\n</html>",
    "{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"\\u00e9\\n\"}}",
    "émigré e\u0301 Ａ ﬁ ǆ ß ẞ İ ı ſ K Å",
    "中文和English混合，标点。「引用」、全角　空格",
    "ภาษาไทย ភាសាខ្មែរ தமிழ் বাংলা አማርኛ",
    "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪🇯🇵 ☃\ufe0f ✨",
    "\u200b\u200d\ufeff\u00ad\u2028\u2029\u0085 \u00a0\u3000 end",
    "<0x41> ▁ ▁▁ Ġ Ċ <unused5> [multimodal] <mask>",
    "\r\n\r\n\n\r \r\n x\r\ny",
]


def token_texts() -> list[str]:
    odd = [case["text"] for case in json.loads((FIXTURES / "minilm_tokens.json").read_text())]
    return odd[: 200 - len(TEXTS)] + TEXTS


# --- numpy ---------------------------------------------------------------------------------------------------------


class Network:
    """Qwen2 or Gemma 3 on dequantised weights, float32 with sums in float64 where it matters."""

    def __init__(self, model: str):
        reader = GGUFReader(path_of(model))
        self.tensors = {t.name: t for t in reader.tensors}
        self.arch = reader.fields["general.architecture"].contents()
        field = lambda name: reader.fields[f"{self.arch}.{name}"].contents()  # noqa: E731
        self.layers, self.heads, self.kv = (
            field("block_count"), field("attention.head_count"), field("attention.head_count_kv"))  # fmt: skip
        self.gemma = self.arch == "gemma3"
        self.epsilon = field("attention.layer_norm_rms_epsilon")
        self.width = field("embedding_length")
        self.d = field("attention.key_length") if self.gemma else self.width // self.heads
        self.base = field("rope.freq_base")

    def weight(self, name: str) -> np.ndarray:
        t = self.tensors[name]
        return dequantize(t.data, t.tensor_type).astype(np.float32)

    def norm(self, x, name):
        if name not in self.tensors:
            return x
        scale = 1 / np.sqrt((x.astype(np.float64) ** 2).mean(-1, keepdims=True) + self.epsilon)
        return (x * scale * self.weight(name)).astype(np.float32)

    def linear(self, x, name):
        y = x @ self.weight(f"{name}.weight").T
        return y + self.weight(f"{name}.bias") if f"{name}.bias" in self.tensors else y

    def turn(self, x, positions, base):
        half = self.d // 2
        angle = positions[:, None] * base ** (-2.0 * np.arange(half) / self.d)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = x[..., :half], x[..., half:]
        return np.concatenate([a * cos - b * sin, a * sin + b * cos], -1).astype(np.float32)

    def logits(self, prompts: list[list[int]]) -> list[np.ndarray]:
        """Of what follows each prompt; layer by layer over all prompts, for the weights are expanded once."""
        embedding = self.weight("token_embd.weight")
        states = [embedding[ids] * (np.float32(self.width) ** 0.5 if self.gemma else 1) for ids in prompts]
        for i in range(self.layers):
            base = 10_000.0 if self.gemma and (i + 1) % 6 else self.base
            cache, original = {}, self.weight
            self.weight = lambda name: cache[name] if name in cache else cache.setdefault(name, original(name))
            states = [self.layer(x, f"blk.{i}", base) for x in states]
            self.weight = original
        output = embedding if "output.weight" not in self.tensors else self.weight("output.weight")
        return [self.norm(x[-1:], "output_norm.weight")[0] @ output.T for x in states]

    def layer(self, x, name, base):
        count = len(x)
        positions = np.arange(count, dtype=np.float64)
        h = self.norm(x, f"{name}.attn_norm.weight")
        q = self.linear(h, f"{name}.attn_q").reshape(count, self.heads, self.d)
        k = self.linear(h, f"{name}.attn_k").reshape(count, self.kv, self.d)
        v = self.linear(h, f"{name}.attn_v").reshape(count, self.kv, self.d)
        q = self.turn(self.norm(q, f"{name}.attn_q_norm.weight"), positions, base)
        k = self.turn(self.norm(k, f"{name}.attn_k_norm.weight"), positions, base)
        k, v = (np.repeat(part, self.heads // self.kv, 1) for part in (k, v))
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(self.d)
        scores = np.where(positions[None, :] > positions[:, None], -np.inf, scores)
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        context = np.einsum("hts,shd->thd", share, v).reshape(count, -1).astype(np.float32)
        attended = self.linear(context, f"{name}.attn_output")
        x = x + self.norm(attended, f"{name}.post_attention_norm.weight")
        h = self.norm(x, f"{name}.ffn_norm.weight")
        gate, up = self.linear(h, f"{name}.ffn_gate"), self.linear(h, f"{name}.ffn_up")
        if self.gemma:
            gate = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        return x + self.norm(self.linear(gate * up, f"{name}.ffn_down"), f"{name}.post_ffw_norm.weight")


def add_exact(model: str, cases: list[dict]) -> None:
    """Adds the certain logits of the first step, of the tokens that llama.cpp finds best."""
    for case, logits in zip(cases, Network(model).logits([case["ids"] for case in cases])):
        case["exact"] = [round(float(logits[i]), 4) for i, _ in case["first"]]
        off = max(abs(a - b) for a, (_, b) in zip(case["exact"], case["first"]))
        print(f"{model}: llama.cpp is off by {off:.3f}")


# --- references ----------------------------------------------------------------------------------------------------


def greedy(model: Llama, ids: list[int]) -> dict:
    """24 tokens, the best logits of the first step, and how far the second best was behind at each step."""
    model.reset()
    model.eval(ids)
    tokens, gaps, first = [], [], None
    for _ in range(TOKENS):
        logits = model.scores[model.n_tokens - 1]
        order = np.argsort(-logits)[:TOP]
        first = first or [[int(i), round(float(logits[i]), 4)] for i in order]
        gaps.append(round(float(logits[order[0]] - logits[order[1]]), 4))
        tokens.append(int(order[0]))
        model.eval([tokens[-1]])
    return {"ids": ids, "tokens": tokens, "gaps": gaps, "first": first}


def firmest(cases: list[dict]) -> list[dict]:
    """The prompts that llama.cpp decides most firmly: a choice within its own error says nothing about anybody else's."""
    kept = sorted(cases, key=lambda case: -min(case["gaps"]))[:PROMPTS]
    print(f"smallest gaps: {[min(case['gaps']) for case in kept]}")
    return [case for case in cases if case in kept]


def write(name: str, cases: list[dict]) -> None:
    path = FIXTURES / name
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path}: {len(cases)} cases")


texts = token_texts()
encoded = {}

qwen = load("qwen2.5-coder-0.5b-instruct")
encoded["qwen"] = [qwen.tokenize(text.encode(), add_bos=False, special=True) for text in texts]
template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(
    qwen.metadata["tokenizer.chat_template"]
)
cases = []
for messages in CONVERSATIONS:
    rendered = template.render(messages=messages, add_generation_prompt=True)
    ids = qwen.tokenize(rendered.encode(), add_bos=False, special=True)
    cases.append({"messages": messages, "rendered": rendered, **greedy(qwen, ids)})
cases = firmest(cases)
add_exact("qwen2.5-coder-0.5b-instruct", cases)
write("qwen_references.json", cases)
del qwen

gemma = load("gemma-3-270m")
encoded["gemma"] = [gemma.tokenize(text.encode(), add_bos=False, special=True) for text in texts]
cases = []
for prompt in CONTINUATIONS:
    cases.append({"prompt": prompt, **greedy(gemma, gemma.tokenize(prompt.encode(), add_bos=True, special=False))})
cases = firmest(cases)
add_exact("gemma-3-270m", cases)
write("gemma_references.json", cases)

write("generate_tokens.json", [
    {"text": text, "qwen": q, "gemma": g} for text, q, g in zip(texts, encoded["qwen"], encoded["gemma"])
])  # fmt: skip
