#!/usr/bin/env bash
# Installs @tensorflow/tfjs-node against the libraries of the installed TensorFlow, offline from its own download site:
# install.sh [PYTHON]. Needs node, npm and a C++ compiler, and node's headers under /usr (Debian: libnode-dev).
set -euo pipefail
cd "$(dirname "$0")"
wheel=$("${1:-python3}" -c "import importlib.util; print(importlib.util.find_spec('tensorflow').submodule_search_locations[0])")
npm install --ignore-scripts --no-audit --no-fund
cd node_modules/@tensorflow/tfjs-node
rm -rf deps
mkdir -p deps/lib
ln -sfn "$wheel/include" deps/include
ln -sfn "$wheel/libtensorflow_cc.so.2" deps/lib/libtensorflow_cc.so.2
ln -sfn "$wheel/libtensorflow_cc.so.2" deps/lib/libtensorflow.so.2
ln -sfn "$wheel/libtensorflow_cc.so.2" deps/lib/libtensorflow.so
ln -sfn "$wheel/libtensorflow_framework.so.2" deps/lib/libtensorflow_framework.so.2
ln -sfn "$wheel/libtensorflow_framework.so.2" deps/lib/libtensorflow_framework.so
npx node-pre-gyp configure build --nodedir=/usr
