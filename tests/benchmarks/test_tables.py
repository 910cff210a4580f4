"""The tables of the documentation are those of the results."""

import re

import pytest

from benchmarks import tables


@pytest.mark.parametrize("path", tables.pages(), ids=lambda path: str(path.relative_to(tables.ROOT)))
def test_tables_are_as_the_results_say(path):
    text = path.read_text(encoding="utf-8")
    assert tables.rendered(text) == text, "run python -m benchmarks.tables"
    assert len(re.findall("<!-- table: ", text)) == len(re.findall("<!-- end of table -->", text))
    assert len(re.findall("<!-- table: ", text)) == len(tables._MARKED.findall(text))


def test_every_table_is_shown():
    named = {match[1] for path in tables.pages() for match in tables._MARKED.findall(path.read_text(encoding="utf-8"))}
    assert named == tables.TABLES.keys()


def test_what_stood_between_the_marks_is_replaced():
    empty = "a\n<!-- table: text -->\n<!-- end of table -->\nb\n"
    full = tables.rendered(empty)
    assert full == tables.rendered(full.replace("espeak-ng", "another"))
    assert full.startswith("a\n<!-- table: text -->\n\n| 20 sentences")
    assert full.endswith("|\n\n<!-- end of table -->\nb\n")


def test_unknown_tables_are_refused():
    with pytest.raises(ValueError, match="Expected one of the tables shipped, .*Received: other"):
        tables.rendered("<!-- table: other -->\n<!-- end of table -->")


def test_figures_are_those_of_the_files():
    row = tables.result_of("lpc_vocoder_16k")["points"][-1]
    assert f"| `lpc_vocoder_16k` | {row['pesq_wb']:.2f} | {row['stoi']:.3f} | {row['dnsmos']:.2f} |" in tables.shipped()
    steps = re.findall(r"\| `lpc_vocoder`, temperature 0.70, 0.42 where voiced \| ([\d,]+)", tables.quality())
    assert steps == ["8,000", "5,000"]


def test_command_writes_or_checks(tmp_path, monkeypatch, capsys):
    (tmp_path / "README.md").write_text("<!-- table: speed -->\n<!-- end of table -->\n")
    monkeypatch.setattr(tables, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["tables", "--check"])
    with pytest.raises(ValueError, match="run python -m benchmarks.tables"):
        tables.main()
    monkeypatch.setattr("sys.argv", ["tables"])
    tables.main()
    assert capsys.readouterr().out == "README.md\n"
    monkeypatch.setattr("sys.argv", ["tables", "--check"])
    tables.main()
