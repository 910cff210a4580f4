"""The README's blocks run as a reader would run them: in order, with what the text above them installs and no more."""

import importlib
import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tyro
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
# Language, content and place of each block.
BLOCKS = [(match[1], match[2], match.start()) for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", README, re.M)]
PYTHON = [(code, start) for language, code, start in BLOCKS if language == "python"]
COMMANDS = [
    (shlex.split(line, comments=True), start)
    for language, code, start in BLOCKS
    if not language
    for line in re.sub(r"\\\n", " ", code).splitlines()
    if line.startswith("python -m ")
]
SETUP = ("io", "fast", "train", "test")  # what `make setup` installs
# What is asked of the names of each Python block after it ran.
CHECKS = (
    "assert audio.shape == (1, 8000); assert 'generate' in tf.saved_model.load('tone_saved_model').signatures",
    "import numpy; classifier.fit(numpy.zeros((3, 500), 'float32'), numpy.arange(3), verbose=0)",
    "assert output.shape == (1, 4) and outputs.shape == (1, 4000, 4)",
    "assert audio.shape == (1, 16000); import keras; assert keras.models.load_model('vocoder.keras').mel_spec == spec",
)
RUN = """
import sys
for name in {blocked}:
    sys.modules[name] = None  # importing it is an error, as where it is not installed
for number, (block, check) in enumerate({blocks}):
    names = {{}}
    exec(compile(block, f"block {{number}}", "exec"), names)
    exec(compile(check, f"check {{number}}: {{check}}", "exec"), names)
print("done")
"""


def installed(extras):
    """Names of the packages that the library and these extras bring."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own, seen, names = project["name"], set(), set()
    todo = [Requirement(f"{own}[{','.join(extras)}]")]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        names.add(name)
        if name == own:
            needs = [*project["dependencies"]]
            needs += [need for extra in requirement.extras for need in project["optional-dependencies"][extra]]
        else:
            try:
                needs = importlib.metadata.requires(name) or []
            except importlib.metadata.PackageNotFoundError:  # what this environment cannot have
                needs = []
        for need in map(Requirement, needs):
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
                todo.append(need)
    return names


def blocked(extras):
    """What can be imported here and is not installed by these."""
    names = installed(extras)
    return [
        module
        for module, packages in importlib.metadata.packages_distributions().items()
        if not names & set(map(canonicalize_name, packages)) and module not in ("pip", "_distutils_hack")
    ]


def extras_above(start):
    """The extras that `pip install -e ".[...]"` names above a place of the README."""
    found = re.findall(r"pip install (?:-e )?\"?\.(?:\[([\w,]+)\])?", README[:start])
    assert found, "expected the text above to install the library"
    return [extra for extras in found for extra in extras.split(",") if extra]


def run(folder, blocks, extras):
    script = RUN.format(blocked=blocked(extras), blocks=blocks)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, env=environment)
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr[-3000:]


@pytest.mark.large
def test_python_blocks_run(tmp_path):
    assert len(PYTHON) == len(CHECKS)
    environments = [tuple(extras_above(start)) for _, start in PYTHON]
    for extras in dict.fromkeys(environments):
        chosen = zip(PYTHON, CHECKS, environments, strict=True)
        run(tmp_path, [(code, check) for (code, _), check, own in chosen if own == extras], extras)


@pytest.mark.large
def test_commands_need_no_more_than_make_setup_to_start(tmp_path):
    modules = sorted({words[2] for words, _ in COMMANDS})
    run(tmp_path, [("", f"import {module}") for module in modules], SETUP)


class Parsed(Exception):
    """Thrown where a command would begin its work."""


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS], ids=" ".join)
def test_commands_have_these_flags(tmp_path, monkeypatch, words):
    python, _, module, *flags = words
    assert python == "python"
    cli = tyro.cli

    def parse(*args, **options):
        raise Parsed(cli(*args, **options))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tyro, "cli", parse)
    monkeypatch.setattr("sys.argv", [module, *flags])
    with pytest.raises(Parsed):
        importlib.import_module(module).main()


def test_what_commands_use_later_is_installed_above_them():
    needs = {"--align": {"espeakng-loader", "pocketsphinx", "pyworld"}, "--text": {"espeakng-loader"}}
    for words, start in COMMANDS:
        for flag in needs.keys() & set(words):
            missing = needs[flag] - installed([*SETUP, *extras_above(start)])
            assert not missing, f"{' '.join(words)} needs {missing}"


def test_first_example_is_short():
    assert len([line for line in PYTHON[0][0].splitlines() if line.strip()]) <= 15


def test_vocoder_example_is_short():
    block = next(code for code, _ in PYTHON if "log_mel" in code)
    assert len([line for line in block.splitlines() if line.strip()]) <= 20


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    assert 'INSTALL := -e ".[io,fast,train,test]"' in makefile
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"README names make {target}"


def test_modules_exist():
    for module in re.findall(r"python -m ([a-z_.]+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), f"README names python -m {module}"


def test_nothing_is_left_open():
    assert not re.findall(r"@[A-Z]+@", README)
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), f"README links {target}"
