"""Writes the references that MTOR's vision models are tested against.

    pip install -r inference/scripts/requirements.txt
    python inference/scripts/make_vision_references.py [--shared ../shared] [--only-times]

Numbers: onnxruntime runs each network on an input that is a formula, and some elements of the results are kept. The
classifier's graph is assembled here from torchvision's weights, the detector's from TensorFlow.js's JSON, by code that
shares nothing with MTOR's. Pictures: RapidOCR reads, the classifier names and the detector finds what is in the pictures
of the shared folder and in those that are drawn here; Pillow and OpenCV prepare them as the authors of the models do.
Times are taken on one thread. Weights are found as `cargo xtask models` leaves them.
"""

import argparse
import json
import os
import pickle
import statistics
import struct
import time
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "inference" / "tests" / "fixtures"
PICTURES = FIXTURES / "pictures"
SAMPLES = 48


def weights(model: str, name: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("MTOR_MODELS") or Path(cache) / "mtor" / "models")
    models = json.loads((ROOT / "shared" / "models.json").read_text())
    entry = next(m for m in models if m["id"] == model)
    return folder / next(f["sha256"] for f in entry["files"] if f["name"] == name)


def session(model) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = model if isinstance(model, bytes) else Path(model).read_bytes()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


# --- MobileNetV2 ---------------------------------------------------------------------------------------------------


class Reader(pickle.Unpickler):
    """Reads torch's older form without torch: a storage is its key, a tensor how it lies in one."""

    def persistent_load(self, saved):
        return saved[1], saved[2]

    def find_class(self, module, name):
        if name == "OrderedDict":
            return OrderedDict
        if name.startswith("_rebuild_tensor"):
            return lambda storage, offset, size, stride, *rest: (storage, offset, size)
        return name


def state(path: Path) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        for _ in range(3):
            pickle.load(file)
        described = Reader(file).load()
        storages = {}
        kinds = {key: kind for (kind, key), _, _ in described.values()}
        for key in pickle.load(file):
            (count,) = struct.unpack("<q", file.read(8))
            dtype = "<f4" if "Float" in str(kinds[key]) else "<i8"
            storages[key] = np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)
    tensors = {}
    for name, ((_, key), offset, size) in described.items():
        tensors[name] = storages[key][offset : offset + int(np.prod(size))].reshape(size)
    return tensors


def mobilenet() -> bytes:
    tensors = state(weights("mobilenet-v2", "model.pth"))
    nodes, used = [], {}

    def use(name):
        used[name] = tensors[name].astype(np.float32)
        return name

    def unit(x, conv, norm, stride, groups, relu):
        w = use(f"{conv}.weight")
        pad = used[w].shape[2] // 2
        nodes.append(helper.make_node("Conv", [x, w], [conv], strides=[stride] * 2, pads=[pad] * 4, group=groups))
        parts = [use(f"{norm}.{p}") for p in ("weight", "bias", "running_mean", "running_var")]
        nodes.append(helper.make_node("BatchNormalization", [conv, *parts], [norm], epsilon=1e-5))
        if relu:
            nodes.append(helper.make_node("Clip", [norm, "low", "high"], [f"{norm}r"]))
        return f"{norm}r" if relu else norm

    x = unit("image", "features.0.0", "features.0.1", 2, 1, True)
    channels, index = 32, 1
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(n):
            stride, name, y, part = (s if i == 0 else 1), f"features.{index}.conv", x, 0
            if t != 1:
                y, part = unit(y, f"{name}.0.0", f"{name}.0.1", 1, 1, True), 1
            y = unit(y, f"{name}.{part}.0", f"{name}.{part}.1", stride, channels * t, True)
            y = unit(y, f"{name}.{part + 1}", f"{name}.{part + 2}", 1, 1, False)
            if stride == 1 and channels == c:
                nodes.append(helper.make_node("Add", [x, y], [f"{name}.sum"]))
                y = f"{name}.sum"
            x, channels, index = y, c, index + 1
    x = unit(x, "features.18.0", "features.18.1", 1, 1, True)
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", use("classifier.1.weight"), use("classifier.1.bias")], ["scores"], transB=1))
    nodes.append(helper.make_node("Softmax", ["scores"], ["shares"], axis=1))
    used["low"], used["high"] = np.float32(0), np.float32(6)
    return model_of(nodes, used, ("image", [1, 3, 224, 224]), ["shares"])


def model_of(nodes, constants, given, results) -> bytes:
    graph = helper.make_graph(
        nodes,
        "reference",
        [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


def for_mobilenet(picture: Image.Image) -> np.ndarray:
    """torchvision's Resize(256), CenterCrop(224), ToTensor, Normalize."""
    w, h = picture.size
    size = (256, 256 * h // w) if w <= h else (256 * w // h, 256)
    picture = picture.resize(size, Image.BILINEAR)
    left, top = round((size[0] - 224) / 2.0), round((size[1] - 224) / 2.0)
    x = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32) / 255
    x = (x - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return x.transpose(2, 0, 1)[None]


# --- NanoDet -------------------------------------------------------------------------------------------------------


def nanodet() -> bytes:
    """The TensorFlow.js graph node by node, turned to and fro as it says."""
    described = json.loads(weights("nanodet-g", "model.json").read_text())
    content, constants, at = weights("nanodet-g", "model.bin").read_bytes(), {}, 0
    for entry in described["weightsManifest"][0]["weights"]:
        shape = entry["shape"]
        dtype = {"float16": "<f2", None: {"int32": "<i4", "float32": "<f4"}[entry["dtype"]]}[
            entry.get("quantization", {}).get("dtype")
        ]
        count = int(np.prod(shape))
        values = np.frombuffer(content, dtype, count, at).reshape(shape)
        at += count * np.dtype(dtype).itemsize
        constants[entry["name"]] = values.astype(np.int64 if entry["dtype"] == "int32" else np.float32)
    known = {n["name"]: n for n in described["modelTopology"]["node"]}
    nodes, done, used = [], {}, {}

    def constant(name):
        if name in constants:
            return constants[name]
        node = known.get(name)
        if node and node["op"] in ("SparseToDense",):
            shape = constant(node["input"][1])
            return np.full(shape, constant(node["input"][3]))
        if node and node["op"] in ("AddV2", "Add"):
            parts = [constant(i) for i in node["input"]]
            return None if any(p is None for p in parts) else parts[0] + parts[1]
        return None

    def emit(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def put(name, value):
        used[name] = value
        return name

    def value(name):
        base, _, part = name.partition(":")
        if base not in done:
            done[base] = build(known[base])
        return done[base] if part in ("", "0") else f"{base}:{part}"

    def turned(x, order, name):
        return emit("Transpose", [x], name, perm=order)

    def build(node):
        name, op, inputs, attr = node["name"], node["op"], node.get("input", []), node.get("attr", {})
        fixed = constant(name)
        if fixed is not None:
            return put(name, fixed)
        if op == "Placeholder":
            return name
        if op == "Identity":
            return emit("Identity", [value(inputs[0])], name)
        if op in ("Add", "AddV2"):
            return emit("Add", [value(i) for i in inputs], name)
        if op == "Transpose":
            return emit("Transpose", [value(inputs[0])], name, perm=[int(i) for i in constant(inputs[1])])
        if op in ("Pad", "PadV2"):
            pads = constant(inputs[1])
            filling = np.float32(constant(inputs[2])) if op == "PadV2" else np.float32(0)
            given = [put(f"{name}/pads", pads.T.reshape(-1)), put(f"{name}/value", filling)]
            return emit("Pad", [value(inputs[0]), *given], name)
        if op == "Conv2D":
            strides = [int(i) for i in attr["strides"]["list"]["i"]][1:3]
            w = put(f"{name}/w", constant(inputs[1]).transpose(3, 2, 0, 1).copy()) if constant(inputs[1]) is not None else None
            x = turned(value(inputs[0]), [0, 3, 1, 2], f"{name}/in")
            return turned(emit("Conv", [x, w], f"{name}/out", strides=strides), [0, 2, 3, 1], name)
        if op == "MaxPool":
            sizes = {k: [int(i) for i in attr[k]["list"]["i"]][1:3] for k in ("ksize", "strides")}
            x = turned(value(inputs[0]), [0, 3, 1, 2], f"{name}/in")
            x = emit("MaxPool", [x], f"{name}/out", kernel_shape=sizes["ksize"], strides=sizes["strides"])
            return turned(x, [0, 2, 3, 1], name)
        if op == "LeakyRelu":
            return emit("LeakyRelu", [value(inputs[0])], name, alpha=attr["alpha"]["f"])
        if op == "Sigmoid":
            return emit("Sigmoid", [value(inputs[0])], name)
        if op == "ConcatV2":
            return emit("Concat", [value(i) for i in inputs[:-1]], name, axis=int(constant(inputs[-1])))
        if op == "Reshape":
            return emit("Reshape", [value(inputs[0]), put(f"{name}/shape", constant(inputs[1]))], name)
        if op == "SplitV":
            sizes = put(f"{name}/sizes", constant(inputs[1]))
            outputs = [name] + [f"{name}:{i}" for i in range(1, len(used[sizes]))]
            nodes.append(helper.make_node("Split", [value(inputs[0]), sizes], outputs, axis=int(constant(inputs[2]))))
            return name
        if op == "ResizeBilinear":
            assert attr["half_pixel_centers"]["b"]
            x = turned(value(inputs[0]), [0, 3, 1, 2], f"{name}/in")
            shape = emit("Shape", [x], f"{name}/shape")
            for key, part in (("from", [0]), ("to", [2]), ("axis", [0])):
                put(f"{name}/{key}", np.int64(part))
            start = emit("Slice", [shape, f"{name}/from", f"{name}/to", f"{name}/axis"], f"{name}/start")
            sizes = emit("Concat", [start, put(f"{name}/hw", constant(inputs[1]))], f"{name}/sizes", axis=0)
            x = emit("Resize", [x, "", "", sizes], f"{name}/out", mode="linear", coordinate_transformation_mode="half_pixel")
            return turned(x, [0, 2, 3, 1], name)
        raise NotImplementedError(op)

    results = [value(name.removesuffix(":0")) for name in sorted(described["signature"]["outputs"])]
    given = next(iter(described["signature"]["inputs"])).removesuffix(":0")
    return model_of(nodes, used, (given, [1, 3, 416, 416]), results)


def for_nanodet(picture: Image.Image) -> np.ndarray:
    """As in nanodet-g's configuration: no ratio kept, blue first, mean and deviation of ImageNet."""
    x = cv2.resize(np.asarray(picture)[:, :, ::-1], (416, 416)).astype(np.float32)
    x = (x - np.float32([103.53, 116.28, 123.675])) / np.float32([57.375, 57.12, 58.395])
    return x.transpose(2, 0, 1)[None]


def things(outputs: list[np.ndarray], width: int, height: int, least: float) -> list[dict]:
    boxes, scores, kinds = [], [], []
    for cells in (52, 26, 13):
        score = next(o for o in outputs if o.shape == (1, cells * cells, 80))[0]
        likely = next(o for o in outputs if o.shape == (1, cells * cells, 44))[0].reshape(-1, 4, 11)
        likely = np.exp(likely - likely.max(2, keepdims=True))
        reach = (likely / likely.sum(2, keepdims=True)) @ np.arange(11) * (416 / cells)
        y, x = np.divmod(np.arange(cells * cells), cells)
        x, y = (x + 0.5) * 416 / cells, (y + 0.5) * 416 / cells
        sides = np.stack([x - reach[:, 0], y - reach[:, 1], x + reach[:, 2], y + reach[:, 3]], 1).clip(0, 416)
        for cell, kind in zip(*np.nonzero(score >= least)):
            boxes.append(sides[cell]), scores.append(float(score[cell, kind])), kinds.append(int(kind))
    kept = []
    for i in np.argsort([-s for s in scores], kind="stable"):
        l, t, r, b = boxes[i]
        for j in kept:
            if kinds[j] != kinds[i]:
                continue
            shared = max(0, min(r, boxes[j][2]) - max(l, boxes[j][0])) * max(0, min(b, boxes[j][3]) - max(t, boxes[j][1]))
            both = (r - l) * (b - t) + (boxes[j][2] - boxes[j][0]) * (boxes[j][3] - boxes[j][1]) - shared
            if shared / both > 0.6:
                break
        else:
            kept.append(int(i))
    scale = np.array([width / 416, height / 416] * 2)
    return [{"kind": kinds[i], "score": round(scores[i], 4), "sides": [round(float(v), 1) for v in boxes[i] * scale]} for i in kept]


# --- pictures and numbers ------------------------------------------------------------------------------------------


def draw() -> None:
    """Small pictures with writing, so that tests do not need the shared folder."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    font = lambda size: ImageFont.load_default(size)
    page = Image.new("L", (360, 120), 255)
    pen = ImageDraw.Draw(page)
    pen.text((12, 10), "Invoice 2041", 0, font(26))
    pen.text((12, 52), "Total: 318.50 EUR", 40, font(22))
    pen.text((12, 86), "due by 14 March", 90, font(18))
    page.save(PICTURES / "invoice.png", optimize=True)
    page.rotate(7, expand=True, fillcolor=255, resample=Image.BICUBIC).save(PICTURES / "tilted.png", optimize=True)
    tall = Image.new("L", (60, 260), 230)
    line = Image.new("L", (240, 40), 230)
    ImageDraw.Draw(line).text((6, 2), "Gate 17 North", 20, font(28))
    tall.paste(line.rotate(90, expand=True), (10, 10))
    tall.save(PICTURES / "upwards.png", optimize=True)


def formula(shape: list[int]) -> np.ndarray:
    """Smooth waves with a little unrest; the same in the tests."""
    i = np.arange(int(np.prod(shape)), dtype=np.float64)
    return (np.sin(i * 0.013) * 0.8 + np.cos(i * 1.7) * 0.2).astype(np.float32).reshape(shape)


def numbers(model, shape: list[int]) -> dict:
    s = session(model)
    results = s.run(None, {s.get_inputs()[0].name: formula(shape)})
    kept = []
    for result in results:
        flat = result.reshape(-1)
        places = [int(p) for p in np.linspace(0, flat.size - 1, SAMPLES)]
        kept.append({"shape": list(result.shape), "at": places, "values": [float(f"{flat[p]:.7g}") for p in places], "mean": float(flat.mean(dtype=np.float64))})
    return {"input": shape, "results": kept}


def timed(run, times: int) -> list[float]:
    run()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1e3)
    return taken


def line(bench: str, variant: str, taken: list[float]) -> dict:
    taken = sorted(taken)
    return {"bench": bench, "variant": variant, "median": statistics.median(taken), "p95": taken[int(len(taken) * 0.95) if len(taken) > 1 else 0], "unit": "ms", "n": len(taken)}


def known(media: Path, name: str) -> str | None:
    """What a picture says, as the list of the shared folder has it; none where the list holds only a part."""
    for row in (media / "MANIFEST.tsv").read_text().splitlines():
        if row.startswith(f"ocr/{name}\t"):
            text = row.split("\t")[1].split(" (")[0]
            return None if "..." in text else " ".join(text.replace(" / ", " ").split())
    return None


def edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        corner, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            corner, row[j + 1] = row[j + 1], min(corner + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shared", type=Path, default=Path(os.environ.get("MTOR_SHARED") or ROOT.parent / "shared"))
    arguments.add_argument("--only-times", action="store_true", help="print benchmark lines and write nothing")
    arguments.add_argument("--runs", type=int, default=5)
    options = arguments.parse_args()
    cv2.setNumThreads(1)
    single = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    reader = RapidOCR(params={"Global.log_level": "critical", **single})
    media = options.shared / "media"
    classifier, finder = session(mobilenet()), session(nanodet())

    def read(path):
        result = reader(str(path))
        texts = zip(result.txts or [], result.scores or [], result.boxes if result.boxes is not None else [])
        return [{"text": t, "score": round(float(s), 4), "corners": np.round(b, 1).tolist()} for t, s, b in texts]

    def classify(path):
        shares = classifier.run(None, {"image": for_mobilenet(Image.open(path).convert("RGB"))})[0][0]
        best = np.argsort(-shares, kind="stable")[:6]
        return [{"index": int(i), "score": round(float(shares[i]), 5)} for i in best]

    def find(path):
        picture = Image.open(path).convert("RGB")
        outputs = finder.run(None, {finder.get_inputs()[0].name: for_nanodet(picture)})
        return things(outputs, *picture.size, 0.4)

    ocr, photos = sorted((media / "ocr").glob("*.*")), sorted((media / "photos").glob("*.*"))
    if options.only_times:
        wrong = characters = 0
        for path in ocr:
            text = known(media, path.name)
            if text is not None:
                wrong += edits(" ".join(" ".join(part["text"] for part in read(path)).split()), text)
                characters += len(text)
            print(json.dumps(line("vision", f"rapidocr-{path.name}", timed(lambda: read(path), options.runs))), flush=True)
        rate = {"bench": "vision", "variant": "rapidocr-character-errors", "unit": "%", "n": characters}
        print(json.dumps({**rate, "median": 100 * wrong / characters, "p95": 100 * wrong / characters}))
        print(json.dumps(line("vision", "onnxruntime-mobilenet-v2", timed(lambda: classify(photos[0]), 4 * options.runs))))
        print(json.dumps(line("vision", "onnxruntime-nanodet-g", timed(lambda: find(photos[0]), 4 * options.runs))))
        return

    draw()
    own = sorted(PICTURES.glob("*.png"))
    references = {
        "numbers": {
            "detector": numbers(weights("pp-ocrv6-small", "detector.onnx"), [1, 3, 96, 160]),
            "upright": numbers(weights("pp-ocrv6-small", "upright.onnx"), [1, 3, 48, 192]),
            "recogniser": numbers(weights("pp-ocrv6-small", "recogniser.onnx"), [1, 3, 48, 200]),
            "classifier": numbers(mobilenet(), [1, 3, 224, 224]),
            "finder": numbers(nanodet(), [1, 3, 416, 416]),
        },
        "ocr": {path.name: read(path) for path in [*own, *ocr]},
        "classify": {path.name: classify(path) for path in photos},
        "detect": {path.name: find(path) for path in photos},
    }
    (FIXTURES / "vision_references.json").write_text(json.dumps(references, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
