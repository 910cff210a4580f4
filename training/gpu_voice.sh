#!/bin/sh
# Trains the parallel vocoder on a machine with a GPU, JAX, NumPy and h5py, and neither TensorFlow nor a network.
#
#   training/gpu_voice.sh pack FOLDER CORPUS           here: recordings and wheels, what travels beside this checkout
#   training/gpu_voice.sh train FOLDER OUT [MINUTES]   there: measures the card, then trains, 9 minutes in all
#
# CORPUS is a folder of 16 kHz FLAC as training.prepare writes it. OUT/gpu.json is the card's speed, OUT/run the run
# folder: best.keras, its held-out figures, and a checkpoint a minute, from which `train` goes on. Environment: PYTHON is
# the interpreter (python3), PYTHON_VERSION that of the other machine (3.12); FLAGS are more flags of training.train
# (--batch-size 64), GPU_FLAGS those of benchmarks.gpu (--seconds 30).
set -eu

WHEELS="keras namex optree tyro docstring-parser typeguard soundfile soxr cffi pycparser"
LIMIT_MIB=50

fail() {
    echo "error: $1" >&2
    exit 2
}

[ $# -ge 3 ] || fail "expected: training/gpu_voice.sh pack FOLDER CORPUS, or train FOLDER OUT [MINUTES]"
python=${PYTHON:-python3} folder=$2
case $1 in
pack)
    [ -d "$3/wavs" ] || fail "expected a folder that training.prepare wrote. Received: $3"
    rm -rf "$folder/corpus" "$folder/wheels"
    mkdir -p "$folder/wheels"
    cp -r "$3" "$folder/corpus"
    platforms=$(printf -- '--platform manylinux_2_%s_x86_64 ' 28 27 24 17 12 5)
    # shellcheck disable=SC2086
    "$python" -m pip download --quiet --no-deps --only-binary=:all: --implementation cp \
        --python-version "${PYTHON_VERSION:-3.12}" $platforms -d "$folder/wheels" $WHEELS
    size=$(du -sm "$folder" | cut -f1)
    [ "$size" -le $LIMIT_MIB ] || fail "expected at most $LIMIT_MIB MiB. Received: $size MiB in $folder"
    echo "$folder: $size MiB"
    ;;
train)
    [ -d "$folder/corpus" ] || fail "expected a folder of \`gpu_voice.sh pack\`. Received: $folder"
    site=$(mktemp -d)
    if [ -d "$folder/wheels" ]; then
        "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$folder/wheels/"*.whl
    fi
    export PYTHONPATH="$site" KERAS_BACKEND=jax
    mkdir -p "$3"
    # shellcheck disable=SC2086
    "$python" -m benchmarks.gpu --json ${GPU_FLAGS---seconds 30} | tee "$3/gpu.json"
    run=$3/run minutes=${4:-9}
    if [ -f "$run/config.json" ]; then
        set -- --resume --minutes "$minutes"
    else
        set -- --model istft_vocoder --data "$folder/corpus" --initial-model saved_models/istft_vocoder_16k.keras \
            --minutes "$minutes" --checkpoint-minutes 1 --sample-seconds 0
        # shellcheck disable=SC2086
        set -- "$@" ${FLAGS---batch-size 64}
    fi
    "$python" -m training.train --run "$run" "$@"
    rm -rf "$site"
    ;;
*) fail "expected pack or train. Received: $1" ;;
esac
