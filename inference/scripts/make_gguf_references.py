"""Writes the references that MTOR's reading of GGUF block formats is tested against.

    pip install -r inference/scripts/requirements.txt
    python inference/scripts/make_gguf_references.py

Blocks of random bytes with sensible scales are taken apart by the `gguf` package, which shares no code with MTOR's.
"""

import json
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf.quants import dequantize

FIXTURE = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "gguf_blocks.json"

# Where each format keeps its half-precision scales.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}  # fmt: skip

random = np.random.default_rng(9000)
cases = []
for kind in [Type.F32, Type.F16, Type.BF16, *HALVES]:
    block, size = GGML_QUANT_SIZES[kind]
    count = max(2, 64 // block)
    if kind in HALVES:
        blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
        for at in HALVES[kind]:
            scales = random.normal(0, 0.1, count).astype(np.float16)
            blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    else:
        values = random.normal(0, 1, count).astype(np.float32)
        if kind == Type.F32:
            blocks = values.view(np.uint8)
        elif kind == Type.F16:
            blocks = values.astype(np.float16).view(np.uint8)
        else:
            blocks = (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8)
    values = dequantize(blocks.reshape(1, -1), kind).astype(np.float32).reshape(-1)
    cases.append({"format": kind.name, "blocks": blocks.tobytes().hex(), "values": [float(v) for v in values]})

FIXTURE.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{FIXTURE}: {len(cases)} formats")
