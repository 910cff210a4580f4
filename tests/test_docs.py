"""The documentation's blocks run as a reader would run them: in order, with no more than the text above them installs.

Its commands have the flags that they are written with, its links lead somewhere, and every public name has its place.
"""

import argparse
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
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        ROOT / "benchmarks/README.md",
        ROOT / "benchmarks/results/README.md",
        ROOT / "saved_models/README.md",
        ROOT / "examples/serving/README.md",
        ROOT / "training/sample_corpus/README.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}
README = PAGES["README.md"]
# Of each block: page, language, content and place.
BLOCKS = [
    (page, match[1], match[2], match.start())
    for page, text in PAGES.items()
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.M)
]
PYTHON = [(page, code, start) for page, language, code, start in BLOCKS if language == "python"]
SETUP = ("io", "fast", "train", "test")  # what `make setup` installs
# What is asked of the names of each Python block after it ran.
CHECKS = {
    "README.md": (
        "assert audio.shape == (1, 8000); assert 'generate' in tf.saved_model.load('tone_saved_model').signatures",
        "assert mels.shape == (1, 40, 80) and audio.shape == (1, 8000)",
    ),
    "saved_models/README.md": ("assert audio.shape == (1, 2000)",),
    "docs/training.md": ("assert 0 < bits < 9 and len(manifest.files) == 4",),
    "docs/layers.md": (
        "import numpy; classifier.fit(numpy.zeros((3, 500), 'float32'), numpy.arange(3), verbose=0)",
        "assert output.shape == (1, 4) and outputs.shape == (1, 4000, 4)",
        "assert parameters.shape == (1, 256)",
    ),
    "docs/conditioning.md": (
        "assert speech.shape == (1, 1000) and parameters.shape == (2, 1000, 256)",
        "import keras; assert audio.shape == (1, 16000); loaded = keras.models.load_model('vocoder.keras'); "
        "assert loaded.mel_spec == spec",
    ),
    "docs/generation.md": (
        "assert audio.shape == (3, 2000) and longer.shape == (1, 2000); "
        "assert (np.concatenate(chunks, 1) == same).all()",
    ),
    "docs/vocoders.md": ("assert mels.shape == (80, 80) and audio.shape == (1, 16000)",),
    "docs/amplifiers.md": (
        "assert wet.shape == (1, 4800) and amp.sample_rate == 48000",
        "assert output.shape == (1, 64)",
    ),
}
# What stands in the place of names that a page leaves to the reader.
GIVEN = {"saved_models/README.md": "import numpy; mels = numpy.zeros((10, 80), 'float32')"}
RUN = """
import sys
for name in {blocked}:
    sys.modules[name] = None  # importing it is an error, as where it is not installed
for number, (given, block, check) in enumerate({blocks}):
    names = {{}}
    exec(given, names)
    exec(compile(block, f"block {{number}}", "exec"), names)
    exec(compile(check, f"check {{number}}: {{check}}", "exec"), names)
print("done")
"""


def commands():
    """Page, words and place of each `python -m ...`, in blocks and in the text, that is written out."""
    found = {}
    for page, text in PAGES.items():
        places = [(code, start) for where, language, code, start in BLOCKS if where == page and not language]
        lines = [(line, start) for code, start in places for line in re.sub(r"\\\n", " ", code).splitlines()]
        # A command without flags in the text is a mention of it.
        lines += [(match[1], match.start()) for match in re.finditer(r"(?<!`)`(python -m \S+\s[^`]*)`", text)]
        for line, start in lines:
            words = shlex.split(line, comments=True)
            if words[:2] != ["python", "-m"] or not re.fullmatch(r"(training|benchmarks)\.[a-z_0-9]+", words[2]):
                continue
            if not any(word in ("...", "FLAGS", "--help") or "{" in word for word in words):
                found.setdefault(tuple(words), (page, start))
    return [(page, words, start) for words, (page, start) in found.items()]


COMMANDS = commands()


def project():
    """The `project` table of pyproject.toml."""
    tomllib = pytest.importorskip("tomllib")
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def installed(extras):
    """Names of the packages that the library and these extras bring."""
    table = project()
    own, seen, names = table["name"], set(), set()
    todo = [Requirement(f"{own}[{','.join(extras)}]")]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        names.add(name)
        if name == own:
            needs = [*table["dependencies"]]
            needs += [need for extra in requirement.extras for need in table["optional-dependencies"][extra]]
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


def extras_above(page, start):
    """The extras that `pip install -e ".[...]"` names above a place of a page, in an order of their own."""
    found = re.findall(r"pip install (?:-e )?\"?\.(?:\[([\w,]+)\])?", PAGES[page][:start])
    return tuple(sorted({extra for extras in found for extra in extras.split(",") if extra}))


def run(folder, blocks, extras):
    script = RUN.format(blocked=blocked(extras), blocks=blocks)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, env=environment)
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr[-3000:]


def test_every_block_is_checked():
    counts = {page: sum(page == where for where, _, _ in PYTHON) for page, _, _ in PYTHON}
    assert counts == {page: len(checks) for page, checks in CHECKS.items()}
    for page, language, _, _ in BLOCKS:
        assert language in ("", "python", "text"), f"{page} has a block of {language}, which nothing runs"


@pytest.mark.large
@pytest.mark.parametrize("extras", sorted({extras_above(page, start) for page, _, start in PYTHON}))
def test_python_blocks_run(tmp_path, extras):
    checks = {page: iter(checks) for page, checks in CHECKS.items()}
    blocks = []
    for page, code, start in PYTHON:
        check = next(checks[page])
        if extras_above(page, start) == extras:
            blocks.append((GIVEN.get(page, ""), code, check))
    run(tmp_path, blocks, extras)


@pytest.mark.large
@pytest.mark.parametrize("room", ["training", "benchmarks"])
def test_commands_need_no_more_to_start_than_their_pages_install(tmp_path, room):
    # Of the benchmarks, those that score need the extra quality, as their pages say.
    extras = SETUP if room == "training" else (*SETUP, "quality", "serving")
    modules = sorted({words[2] for _, words, _ in COMMANDS if words[2].startswith(room)})
    run(tmp_path, [("", "", f"import {module}") for module in modules], extras)


class Parsed(Exception):
    """Thrown where a command would begin its work."""


def parameters(words):
    """A command as the parameter of a test; what benchmarks import takes seconds."""
    marks = [pytest.mark.large] if words[2].startswith("benchmarks") else []
    return pytest.param(words, id=" ".join(words), marks=marks)


@pytest.mark.parametrize("words", [parameters(words) for _, words, _ in COMMANDS])
def test_commands_have_these_flags(tmp_path, monkeypatch, words):
    _, _, module, *flags = words
    cli = tyro.cli

    def parse(*args, **options):
        raise Parsed(cli(*args, **options))

    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if module.startswith("training"):
            raise
        pytest.skip(f"{error.name} is not installed")
    (tmp_path / "CHECKOUT").mkdir()
    (tmp_path / "BENCHMODEL_BUFSIZE").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tyro, "cli", parse)
    if hasattr(command, "argparse"):  # some benchmarks
        parse_args = argparse.ArgumentParser.parse_args

        def parse_old(parser):
            raise Parsed(parse_args(parser))

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_old)
    monkeypatch.setattr("sys.argv", [module, *flags])
    with pytest.raises(Parsed):
        command.main()


def test_what_commands_use_later_is_installed_above_them():
    needs = {"--align": {"espeakng-loader", "pocketsphinx", "pyworld"}, "--text": {"espeakng-loader"}}
    for page, words, start in COMMANDS:
        for flag in needs.keys() & set(words):
            missing = needs[flag] - installed([*SETUP, *extras_above(page, start)])
            assert not missing, f"{page}: {' '.join(words)} needs {missing}"


def test_readme_is_short():
    assert len(README.splitlines()) <= 140
    code = next(code for page, code, _ in PYTHON if page == "README.md")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def test_vocoder_example_is_short():
    block = next(code for page, code, _ in PYTHON if page == "docs/conditioning.md" and "log_mel" in code)
    assert len([line for line in block.splitlines() if line.strip()]) <= 20


PROSE = [page for page in PAGES if page.split("/")[0] in ("README.md", "CONTRIBUTING.md", "docs")]
# Praise, filler, and figures of speed that a table should hold.
UNWANTED = r"""\b(simply|just|easy|easily|obviously|of.course|powerful|blazing|seamless(ly)?|cutting.edge|very|really|
basically|state.of.the.art|leverag\w+|utili[sz]\w+|in.order.to)\b|
\d.(times|x).(as.fast|real.time)|\d.samples/s|\bPESQ(.of)?.\d"""


def prose(page):
    """The sentences of a page, without code and tables."""
    text = re.sub(r"^```[\s\S]*?^```$|^(\||    |<!--).*$", "", PAGES[page], flags=re.M)
    text = re.sub(r"`[^`]*`", "CODE", re.sub(r"\]\([^)]*\)", "]", text))
    return [" ".join(part.split()) for part in re.split(r"(?<=[.:?!])\s|\n\n|\n\s*- |\n#+ ", text) if part.strip()]


@pytest.mark.parametrize("page", PROSE)
def test_english_is_plain(page):
    for sentence in prose(page):
        assert not re.search(UNWANTED, sentence, re.I | re.X), f"{page}: {sentence}"
        assert len(sentence.split()) <= 40, f"{page}: {sentence}"


def test_earlier_measurements_name_command_and_commit():
    _, earlier = PAGES["benchmarks/README.md"].split("## Earlier measurements\n")
    for section in earlier.split("\n### ")[1:]:
        assert re.search(r"\b[Cc]ommits? [0-9a-f]{7}\b", section), section.splitlines()[0]
        assert "python -m " in section, section.splitlines()[0]


def test_makefile_and_pyproject_agree():
    makefile = (ROOT / "Makefile").read_text()
    assert 'INSTALL := -e ".[io,fast,train,test]"' in makefile
    line = next(line for line in makefile.splitlines() if "mkdocs-material" in line)
    assert sorted(shlex.split(line)[3:]) == sorted(project()["optional-dependencies"]["docs"])


def test_container_has_the_reference_tensorflow():
    pinned = re.search(r"^tensorflow==.*$", (ROOT / "constraints.txt").read_text(), re.M)[0]
    assert pinned in (ROOT / "examples/serving/requirements.txt").read_text().splitlines()


def test_every_extra_is_explained():
    table = re.findall(r"^\| `(\w+)` \|", PAGES["docs/environments.md"], re.M)
    assert sorted(table) == sorted(project()["optional-dependencies"])
    for page, text in PAGES.items():
        for extras in re.findall(r"\.\[([\w,]+)\]", text):
            assert set(extras.split(",")) <= set(table), f"{page} installs {extras}"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page):
    text = PAGES[page]
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page} names make {target}"
    for module in re.findall(r"(?:python -m |`)((?:training|benchmarks)\.[a-z_0-9]+)\b(?!/)", text):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), f"{page} names {module}"
    for path in re.findall(r"`((?:tests|training|benchmarks|examples|docs|tf_wavenet)/[\w./-]*)`", text):
        if "NAME" not in path:
            assert (ROOT / path).exists(), f"{page} names {path}"
    assert not re.findall(r"@[A-Z]+@", text)


def anchors(text):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    text = re.sub(r"^```[\s\S]*?^```$", "", text, flags=re.M)
    headings = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"^#+ (.*)$", text, re.M)]
    return {heading.strip().replace(" ", "-") for heading in headings}


def links(page):
    """Target and anchor of each link of a page that leads into the repository."""
    text = re.sub(r"^```[\s\S]*?^```$", "", PAGES[page], flags=re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            found = (ROOT / page).parent / path if path else ROOT / page
            yield os.path.relpath(found, ROOT), anchor


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, anchor in links(page):
        assert (ROOT / target).exists(), f"{page} links {target}"
        if anchor:
            assert anchor in anchors(PAGES[target]), f"{page} links {target}#{anchor}"


def test_every_page_is_two_clicks_from_the_readme():
    first = {target for target, _ in links("README.md")}
    second = {target for page in first & PAGES.keys() for target, _ in links(page)}
    reached = first | second | {"README.md"}
    far = [page for page in PAGES if page not in reached and not page.startswith("docs/reference/")]
    assert not far


def test_every_page_is_in_the_menu():
    menu = (ROOT / "mkdocs.yml").read_text()
    for page in PAGES:
        if page.startswith("docs/"):
            assert f"- {page.removeprefix('docs/')}\n" in menu, f"mkdocs.yml lacks {page}"


def public():
    """The rooms whose names are public, and each name in them."""
    for room in sorted((ROOT / "tf_wavenet").glob("**/__init__.py")):
        module = ".".join(room.parent.relative_to(ROOT).parts)
        if module not in ("tf_wavenet.decoding.native", "tf_wavenet.importers.torch_files"):  # engines of their rooms
            imported = importlib.import_module(module)
            yield from ((module, name, getattr(imported, name)) for name in getattr(imported, "__all__", ()))


def test_reference_has_every_public_name():
    pages = "\n".join(text for page, text in PAGES.items() if page.startswith("docs/reference/"))
    shown = {}
    for path in re.findall(r"^::: (\S+)$", pages, re.M):
        module, _, name = path.rpartition(".")
        shown[path] = getattr(importlib.import_module(module), name)
    assert len(shown) == len({(path.rpartition(".")[2], id(thing)) for path, thing in shown.items()}), "shown twice"
    for module, name, thing in public():
        if name != "layers":
            assert any(thing is one for one in shown.values()), f"docs/reference lacks {module}.{name}"
            assert thing.__doc__, f"{module}.{name} has no docstring"
