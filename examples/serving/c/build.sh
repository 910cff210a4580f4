#!/usr/bin/env bash
# Builds ./stream against the C API of the installed TensorFlow: build.sh [PYTHON] [OUT]
set -euo pipefail
python=${1:-python3}
out=${2:-"$(dirname "$0")/stream"}
wheel=$("$python" -c "import importlib.util; print(importlib.util.find_spec('tensorflow').submodule_search_locations[0])")
cc -O2 -std=c11 -Wall -Wextra -Werror -isystem "$wheel/include" "$(dirname "$0")/stream.c" -o "$out" \
  -L"$wheel" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,"$wheel"
