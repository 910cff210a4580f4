#!/usr/bin/env bash
# Builds stream and speak against the C API of the installed TensorFlow: build.sh [PYTHON] [FOLDER]
set -euo pipefail
python=${1:-python3}
here=$(dirname "$0")
out=${2:-$here}
wheel=$("$python" -c "import importlib.util; print(importlib.util.find_spec('tensorflow').submodule_search_locations[0])")
for client in stream speak; do
  cc -O2 -std=c11 -Wall -Wextra -Werror -isystem "$wheel/include" "$here/$client.c" -o "$out/$client" \
    -L"$wheel" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,"$wheel"
done
