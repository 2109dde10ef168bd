#!/usr/bin/env bash
# Makes the virtual environment, or says in a sentence what the machine lacks for it. Usage: PYTHON=… scripts/venv.sh DIR
set -euo pipefail
folder=$1
python=${PYTHON:-}

if [ -z "$python" ]; then
    echo "Okno needs Python 3.11 or newer, and no python3 was found. On Debian: apt install python3 python3-venv" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Okno needs Python 3.11 or newer; $python is $("$python" -V). Name another: make run PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "$python cannot make virtual environments. On Debian: apt install python$version-venv" >&2
    exit 1
fi
echo "Making the virtual environment $folder with $("$python" -V)"
"$python" -m venv "$folder"
