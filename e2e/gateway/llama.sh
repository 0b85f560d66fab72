#!/bin/sh
# Runs the provider for OpenAI's language against a real llama.cpp server with the chat model of `cargo xtask models`.
# PYTHON names a Python that has llama-cpp-python[server]; without it one is made in the cache folder, which compiles it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mtor
sha=$(sed -n '/"name": "model.gguf"/,/"sha256"/s/.*"sha256": "\([0-9a-f]*\)".*/\1/p' "$here/../../shared/models.json" | head -1)
model=$cache/models/$sha
[ -f "$model" ] || { echo "there is no $model; run: cargo xtask models qwen2.5-coder-0.5b-instruct" >&2; exit 1; }
if [ -z "${PYTHON:-}" ]; then
  PYTHON=$cache/llama/bin/python
  [ -x "$PYTHON" ] || python3 -m venv "$cache/llama"
  "$PYTHON" -c 'import llama_cpp.server.app' 2>/dev/null || "$cache/llama/bin/pip" install --quiet 'llama-cpp-python[server]'
fi
port=${PORT:-18080}
"$PYTHON" -m llama_cpp.server --model "$model" --model_alias default --host 127.0.0.1 --port "$port" --n_ctx 2048 >/dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
tries=0
until curl -sf "http://127.0.0.1:$port/v1/models" >/dev/null; do
  tries=$((tries + 1))
  [ $tries -lt 120 ] || { echo "the server does not answer" >&2; exit 1; }
  sleep 1
done
cd "$here/../.."
LLAMA_SERVER="http://127.0.0.1:$port" cargo test --release --package mtor --no-default-features --test gateway \
  a_real_server -- --nocapture
