"""Imports go one way, and TensorFlow stays out of what runs on every Keras backend."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What each part may import of tf_wavenet; the order of the list is the direction.
ALLOWED = {
    "_validation": set(),
    "mu_law": {"_validation"},
    "mel_filterbank": set(),
    "mel_spec": {"mel_filterbank"},
    "signal": {"mel_filterbank", "mel_spec", "signal"},
    "streaming": set(),
    "distributions": {"_validation", "mu_law", "distributions"},
    "objectives": set(),
    "adversarial_losses": set(),
    "muon": {"_validation"},
    "stft_loss": {"_validation", "mel_filterbank"},
    "stft_loss_in_turn": {"_validation", "stft_loss"},
    "effect_objectives": {"_validation"},
    "layers": {"_validation", "mu_law", "mel_spec", "signal", "layers", "streaming"},
    "decoding": {"_validation", "decoding"},
    "models": {
        *("_validation", "mu_law", "mel_spec", "mel_filterbank", "signal", "distributions", "objectives", "layers"),
        *("models", "decoding"),
    },
    "serving": {"mu_law", "decoding", "data", "serving"},
    "export": {"_validation", "streaming", "models", "serving"},
    "gan_vocoder": {"_validation", "mel_spec", "adversarial_losses", "stft_loss_in_turn", "models", "data"},
    "importers": {"_validation", "mel_spec", "distributions", "models", "importers"},
    "data": {"mu_law", "mel_filterbank", "mel_spec", "data"},
    "__init__": {
        *("mu_law", "mel_spec", "distributions", "objectives", "effect_objectives", "streaming", "layers", "models"),
        *("export", "stft_loss", "adversarial_losses", "gan_vocoder", "muon"),
    },
}
TENSORFLOW = {"decoding", "data", "serving", "export", "gan_vocoder", "stft_loss_in_turn", "importers"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: expected absolute imports"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(path):
    relative = path.relative_to(ROOT / "tf_wavenet")
    return relative.parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted((ROOT / "tf_wavenet").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_library_imports_go_one_way(path):
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "tf_wavenet":
            assert rest.partition(".")[0] in ALLOWED[part(path)], f"{path} imports {name}"
        if top in ("tensorflow", "tensorflow_io"):
            assert part(path) in TENSORFLOW, f"{path} imports {name}"
        assert top not in ("training", "benchmarks", "tests"), f"{path} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "training").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_training_sees_public_names_only(path):
    for name in imports(path):
        if name.startswith("tf_wavenet."):
            assert name.count(".") == 1 or name.split(".")[1] in ("layers", "models", "data", "importers"), (
                f"{path} imports {name}"
            )
            assert not any(p.startswith("_") for p in name.split(".")), f"{path} imports {name}"
