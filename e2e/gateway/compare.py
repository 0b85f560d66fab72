"""MTOR's gateway beside LiteLLM and TensorZero, in one run on one machine. JSON lines out; read the ratios.

Each of them stands before the same stand-in of a model server (`bench_gateway upstream`). LiteLLM's proxy gets the same
load as MTOR, from the same program. TensorZero's gateway is embedded in Python, so it is measured from Python, beside a
direct call from Python. What cannot be installed is left out with a message.

    cargo xtask bench gateway            # builds what this needs
    python3 e2e/gateway/compare.py TARGET_FOLDER
"""

import concurrent.futures
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "mtor"
CALLS = 500


def tell(variant, times, unit="ms"):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    line = {"bench": "gateway", "variant": variant, "median": statistics.median(times), "p95": at(0.95)}
    print(json.dumps({**line, "p99": at(0.99), "unit": unit, "n": len(times)}), flush=True)
    return statistics.median(times)


def venv(name, *packages):
    """A Python with packages of its own; none when they cannot be installed."""
    folder = CACHE / name
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages])
        if done.returncode:
            print(f"left out: {' '.join(packages)} cannot be installed", file=sys.stderr)
            return None
    return python


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url, seconds=90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except OSError:
            time.sleep(0.5)
    return False


def litellm(bench, upstream):
    python = venv("litellm", "litellm[proxy]")
    if not python:
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "config.yaml"
        config.write_text(
            "model_list:\n  - model_name: m\n    litellm_params:\n      model: openai/m\n"
            f"      api_base: {upstream}\n      api_key: sk-x\n"
        )
        command = [python.parent / "litellm", "--config", config, "--port", str(port), "--host", "127.0.0.1"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not wait_for(f"http://127.0.0.1:{port}/health/liveliness"):
                print("left out: LiteLLM does not start", file=sys.stderr)
                return
            subprocess.run([bench, "against", "litellm", f"http://127.0.0.1:{port}/v1", "m", upstream])
            status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
            kib = int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])
            tell("litellm, memory after the streams", [kib / 1024], "MiB")
        finally:
            server.terminate()
            server.wait()


EMBEDDED = r"""
import concurrent.futures, json, sys, time, urllib.request
from tensorzero import TensorZeroGateway
config, upstream, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say hello."}]}).encode()

import http.client, urllib.parse
address = urllib.parse.urlparse(upstream)
connection = http.client.HTTPConnection(address.netloc)

def direct():
    began = time.perf_counter()
    connection.request("POST", address.path + "/chat/completions", body, {"content-type": "application/json"})
    connection.getresponse().read()
    return (time.perf_counter() - began) * 1e3

with TensorZeroGateway.build_embedded(config_file=config) as gateway:
    def through():
        began = time.perf_counter()
        answer = gateway.inference(model_name="m", input={"messages": [{"role": "user", "content": "Say hello."}]})
        assert answer.content[0].text, answer
        return (time.perf_counter() - began) * 1e3
    for _ in range(20):
        direct(), through()
    plain, added = [], []
    for _ in range(calls):
        plain.append(direct())
        added.append(through())
    began, done = time.perf_counter(), 0
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        load = list(pool.map(lambda _: through(), range(calls * 4)))
    rate = len(load) / (time.perf_counter() - began)
print(json.dumps({"direct": plain, "through": added, "load": load, "rate": rate}))
"""


def tensorzero(upstream):
    python = venv("tensorzero", "tensorzero")
    if not python:
        return
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "tensorzero.toml"
        config.write_text(
            "[gateway]\nobservability.enabled = false\n"
            '[models.m]\nrouting = ["standin"]\n[models.m.providers.standin]\ntype = "openai"\nmodel_name = "m"\n'
            f'api_base = "{upstream}/"\napi_key_location = "none"\n'
        )
        command = [python, "-c", EMBEDDED, config, upstream, str(CALLS)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"left out: TensorZero fails: {done.stderr[-600:]}", file=sys.stderr)
            return
        result = json.loads(done.stdout.splitlines()[-1])
    plain = tell("direct from Python, 1 connection", result["direct"])
    through = tell("tensorzero embedded, 1 connection", result["through"])
    tell("tensorzero embedded, added to the median at 1 connection", [through - plain])
    tell("tensorzero embedded, 16 threads", result["load"])
    tell("tensorzero embedded, 16 threads", [result["rate"]], "calls/s")


def main():
    target = pathlib.Path(sys.argv[1])
    bench = target / "release/examples/bench_gateway"
    upstream = subprocess.Popen([bench, "upstream"], stdout=subprocess.PIPE, text=True)
    try:
        address = f"http://{upstream.stdout.readline().strip()}/v1"
        subprocess.run([bench], check=True)
        litellm(bench, address)
        tensorzero(address)
    finally:
        upstream.terminate()
        upstream.wait()


main()
