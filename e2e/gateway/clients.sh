#!/bin/sh
# Runs the official OpenAI clients for Python and JavaScript, and the MCP client for Python, unchanged against a realm.
# They are installed into the cache folder, once. Without this script the tests say that they are skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/mtor/clients
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
  python3 -m venv "$folder/venv"
fi
"$folder/venv/bin/python" -c 'import openai, mcp' 2>/dev/null || "$folder/venv/bin/pip" install --quiet openai mcp
[ -d "$folder/node_modules/openai" ] || npm install --silent --no-audit --no-fund --prefix "$folder" openai
cp "$here/client.py" "$here/client.mjs" "$here/mcp_client.py" "$folder/"
cd "$here/../.."
CLIENTS_FOLDER="$folder" exec cargo test --release --package mtor --no-default-features --test gateway clients -- --nocapture
