"""Writes the references that MTOR's MiniLM is tested against.

    pip install -r inference/scripts/requirements.txt
    python inference/scripts/make_minilm_references.py [--onnx OUT.onnx]

The vectors come from onnxruntime, running a graph that is assembled here from the original safetensors file, and are
checked against the same network written with numpy in float64: two implementations that share no code with MTOR's.
The token ids come from the tokenizers package with truncation at 256 and no padding, as sentence-transformers sets
them for this model. The weights are found as `cargo xtask models` leaves them.
"""

import argparse
import json
import math
import os
import random
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "inference" / "tests" / "fixtures"
HEADS, WIDTH, LAYERS, EPSILON, LIMIT = 12, 384, 6, 1e-12, 256


def weights_folder() -> Path:
    if "MTOR_MODELS" in os.environ:
        return Path(os.environ["MTOR_MODELS"])
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mtor" / "models"


def model_file(name: str) -> Path:
    models = json.loads((ROOT / "shared" / "models.json").read_text())
    model = next(m for m in models if m["id"] == "all-minilm-l6-v2")
    return weights_folder() / next(f["sha256"] for f in model["files"] if f["name"] == name)


# --- texts ---------------------------------------------------------------------------------------------------------

LONG = (
    "The realm keeps a catalogue of capabilities. Each capability says what it takes and what it gives, how long it "
    "usually needs, what it costs and where the data goes. When somebody asks for something, the request is compared "
    "with every capability, and the best ones are tried in order. "
)

SENTENCES = [
    "What is the weather in Berlin tomorrow?",
    "Convert 120 US dollars to euros.",
    "weather",
    "a",
    "",
    " ",
    "?",
    "...!!!???---",
    "The quick brown fox jumps over the lazy dog.",
    "Show me the latest commits of the repository and who wrote them.",
    "Translate 'good morning' into Japanese.",
    "今日の東京の天気はどうですか。",
    "我想知道明天北京会不会下雨。",
    "서울의 현재 기온을 알려줘",
    "Wie spät ist es gerade in New York, und wie lange dauert der Flug dorthin?",
    "Où se trouve la gare la plus proche ? J'ai besoin d'un billet pour Besançon.",
    "¿Cuánto cuesta un café con leche en Málaga?",
    "Привет, как дела? Найди мне рецепт борща.",
    "ما هي عاصمة المغرب؟",
    "מה השעה עכשיו בתל אביב?",
    "दिल्ली में आज का तापमान क्या है?",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "naïve café résumé coöperate Ångström İstanbul ﬁn",
    "I ❤️ this 🚀🚀 — ship it! 👩‍👩‍👧‍👦",
    "fn main() { println!(\"{}\", (1..=10).map(|x| x * x).sum::<u64>()); }",
    "SELECT name, count(*) FROM users WHERE created_at > '2024-01-01' GROUP BY name ORDER BY 2 DESC;",
    "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}",
    "https://example.org/api/v2/items?limit=10&offset=20#top",
    "user.name+tag@example.co.uk wrote on 2024-02-29T23:59:60Z",
    "pneumonoultramicroscopicsilicovolcanoconiosis and antidisestablishmentarianism",
    "tabs\tand\nnewlines\r\nand   many    spaces\u00a0\u3000here",
    "ALL CAPS SHOUTING VERSUS all lower whispering",
    "[CLS] literal [SEP] special [MASK] tokens [PAD]",
    "3.14159 2,718,281 -40 1e-9 0xDEADBEEF 50% $9000",
    "x" * 150,
    "Who painted the ceiling of the Sistine Chapel, in which years, and for which pope did he do it?",
    LONG,
    LONG * 3,
    LONG * 8,
    "词" * 300 + " and then some words after the cut",
]

PIECES = [
    "hello", "World", "embedding", "tokenisation", "naïve", "Ångström", "İstanbul", "ß", "ﬁnance", "ＦＵＬＬ", "ǅ",
    "東京", "天気", "你好", "한국어", "ไทย", "हिन्दी", "العربية", "עברית", "Ελληνικά", "русский", "ёлка", "й",
    "\u0065\u0301", "\u0301", "a\u0327\u0301", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "€", "£", "§", "°", "½", "²", "№", "™", "©",
    "don't", "it’s", "“quoted”", "—", "–", "…", "a_b", "snake_case_name", "camelCaseName", "fn(x)->y", "&&", "||", "<=>",
    "#![allow(dead_code)]", "\\n", "\\u{1F600}", "C++", "C#", ".NET", "192.168.0.1", "::1", "1,000.50", "1e-5", "0x1F",
    "\t", "\n", "\r\n", "  ", "\u00a0", "\u2003", "\u3000", "\u200b", "\u200d", "\u200e", "\ufeff", "\u00ad", "\x00",
    "\x07", "\x1b[0m", "\x7f", "\x85", "\ufffd", "\ue000", "\U0001f9ff", "\U0002070e", "\uf900", "\u3007", "、", "。",
    "「", "[MASK]", "[UNK]", "[cls]", "##ing", "@user", "#tag", "^~`|", "(", ")", "x" * 99, "x" * 100, "y" * 101, "´", "¨",
    "\u1e9e", "\u0149", "ϒ", "K", "Å", "\u0130", "\u0131", "ſ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "①", "㎏", "٣", "५", "Ⅷ",
]


def token_texts() -> list[str]:
    """200 texts: what is embedded, each odd piece between two words, and mixtures of them."""
    rng = random.Random(9000)
    texts = list(SENTENCES) + [f"one{piece}two {piece} three" for piece in PIECES]
    while len(texts) < 200:
        texts.append("".join(rng.choice(PIECES) + rng.choice(["", " ", "-"]) for _ in range(rng.randint(2, 30))))
    return texts[:200]


# --- onnxruntime ---------------------------------------------------------------------------------------------------


def onnx_model(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """ids [1,t] -> vector [1,384]. One text at a time: no padding, so no mask."""
    nodes, constants = [], {}

    def constant(name: str, value) -> str:
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def op(kind: str, *inputs: str, **attributes) -> str:
        out = f"v{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def weight(name: str) -> str:
        return constant(name, weights[name])

    def linear(x: str, name: str) -> str:
        matrix = constant(f"{name}.transposed", weights[f"{name}.weight"].T)
        return op("Add", op("MatMul", x, matrix), weight(f"{name}.bias"))

    def norm(x: str, name: str) -> str:
        return op("LayerNormalization", x, weight(f"{name}.weight"), weight(f"{name}.bias"), epsilon=EPSILON, axis=-1)

    def heads(x: str, order: list[int]) -> str:
        return op("Transpose", op("Reshape", x, split), perm=order)

    split = constant("split", np.array([0, 0, HEADS, WIDTH // HEADS], np.int64))
    merge = constant("merge", np.array([0, 0, WIDTH], np.int64))
    length = op("Slice", op("Shape", "ids"), constant("one", np.array([1], np.int64)),
                constant("two", np.array([2], np.int64)))
    positions = op("Slice", weight("embeddings.position_embeddings.weight"),
                   constant("zero", np.array([0], np.int64)), length)
    x = op("Gather", weight("embeddings.word_embeddings.weight"), "ids")
    kind = constant("token_type", weights["embeddings.token_type_embeddings.weight"][0])
    x = norm(op("Add", op("Add", x, positions), kind), "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q = heads(linear(x, f"{layer}.attention.self.query"), [0, 2, 1, 3])
        k = heads(linear(x, f"{layer}.attention.self.key"), [0, 2, 3, 1])
        v = heads(linear(x, f"{layer}.attention.self.value"), [0, 2, 1, 3])
        scale = constant("scale", np.float32(math.sqrt(WIDTH // HEADS)))
        share = op("Softmax", op("Div", op("MatMul", q, k), scale), axis=-1)
        context = op("Reshape", op("Transpose", op("MatMul", share, v), perm=[0, 2, 1, 3]), merge)
        x = norm(op("Add", x, linear(context, f"{layer}.attention.output.dense")), f"{layer}.attention.output.LayerNorm")
        h = op("Gelu", linear(x, f"{layer}.intermediate.dense"))
        x = norm(op("Add", x, linear(h, f"{layer}.output.dense")), f"{layer}.output.LayerNorm")
    mean = op("ReduceMean", x, constant("axis", np.array([1], np.int64)), keepdims=0)
    nodes.append(helper.make_node("LpNormalization", [mean], ["vector"], axis=-1, p=2))
    graph = helper.make_graph(
        nodes, "minilm",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "t"])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, WIDTH])],
        list(constants.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model


# --- numpy, float64 ------------------------------------------------------------------------------------------------

erf = np.vectorize(math.erf)


def numpy_vector(weights: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    w = {name: value.astype(np.float64) for name, value in weights.items() if "position_ids" not in name}

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        q, k, v = (
            linear(x, f"{layer}.attention.self.{part}").reshape(len(ids), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS)
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        context = (share @ v).transpose(1, 0, 2).reshape(len(ids), WIDTH)
        x = norm(x + linear(context, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        h = linear(x, f"{layer}.intermediate.dense")
        h = 0.5 * h * (1 + erf(h / math.sqrt(2)))
        x = norm(x + linear(h, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--onnx", help="also write the graph, for benchmarks of other engines")
    arguments = arguments.parse_args()

    tokenizer = Tokenizer.from_file(str(model_file("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LIMIT)
    weights = load_file(model_file("model.safetensors"))
    model = onnx_model(weights).SerializeToString()
    if arguments.onnx:
        Path(arguments.onnx).write_bytes(model)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    assert len(SENTENCES) == 40
    references, worst = [], 1.0
    for text in SENTENCES:
        ids = tokenizer.encode(text).ids
        vector = session.run(["vector"], {"ids": np.array([ids], np.int64)})[0][0]
        worst = min(worst, float(vector.astype(np.float64) @ numpy_vector(weights, ids)))
        references.append({"text": text, "tokens": len(ids), "vector": [round(float(v), 6) for v in vector]})
    assert worst > 0.999999, f"onnxruntime and numpy disagree: cosine {worst}"

    FIXTURES.mkdir(parents=True, exist_ok=True)

    def write(name: str, entries: list[dict]) -> None:
        lines = (json.dumps(entry, ensure_ascii=True, separators=(",", ":")) for entry in entries)
        (FIXTURES / name).write_text("[\n" + ",\n".join(lines) + "\n]\n")

    write("minilm_references.json", references)
    check = json.dumps({key: references[0][key] for key in ("text", "vector")})
    (ROOT / "inference" / "src" / "models" / "minilm" / "self_check.json").write_text(check + "\n")
    write("minilm_tokens.json", [{"text": text, "ids": tokenizer.encode(text).ids} for text in token_texts()])
    print(f"{len(references)} vectors, onnxruntime against numpy: cosine at least {worst:.9f}")


if __name__ == "__main__":
    main()
