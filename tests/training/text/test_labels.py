"""Label files: what each format says, and what is refused with file and line."""

import numpy as np
import pytest

from training.text.labels import read_htk, read_labels, read_textgrid, write_htk
from training.text.phonemes import Phone

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 0.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 0.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "say ""a"" 12 <b>"
    item [2]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 0.5
        points: size = 1
        points [1]:
            number = 0.25
            mark = "ding"
    item [3]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 0.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.125
            text = ""
        intervals [2]:
            xmin = 0.125
            xmax = 0.25
            text = "\u0259"
        intervals [3]:
            xmin = 0.25
            xmax = 5e-1
            text = " ""q"" "
"""
SHORT = """File type = "ooTextFile short"
"TextGrid"

0
0.5
<exists>
1 ! one tier
"IntervalTier"
"phones"
0
0.5
2
0
0.25
"a"
0.25
0.5
"b
c"
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_long_textgrid(tmp_path, encoding, newline):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = tmp_path / "clip.TextGrid"
    path.write_bytes((mark + LONG.replace("\n", newline)).encode(encoding))
    expected = [Phone("_", 0.0, 0.125), Phone("\u0259", 0.125, 0.25), Phone('"q"', 0.25, 0.5)]
    assert read_textgrid(path) == read_labels(path) == expected
    assert read_textgrid(path, "words") == [Phone('say "a" 12 <b>', 0.0, 0.5)]


def test_a_short_textgrid(tmp_path):
    path = tmp_path / "clip.textgrid"
    path.write_text(SHORT)
    assert read_labels(path) == [Phone("a", 0.0, 0.25), Phone("b\nc", 0.25, 0.5)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"ooTextFile', '"ooBinaryFile', r':1: expected a file of type "ooTextFile"'),
        ('"TextGrid"', '"Sound"', r':2: expected a file of type "ooTextFile" and class "TextGrid"'),
        ("<exists>", "<absent>", r": expected a tier of intervals named 'phones'. Received: none."),
        ("<exists>", "", r":7: expected <exists> or <absent> tiers. Received: 1.0."),
        ("1 ! one", "1.5 ! one", r":7: expected the number of tiers, an integer. Received: 1.5."),
        ("1 ! one", "! one", r":8: expected the number of tiers, a number. Received: \"IntervalTier\"."),
        ('"IntervalTier"', '"Interval"', r':9: expected "IntervalTier" or "TextTier". Received: Interval.'),
        ('"phones"', '"phone"', r": expected a tier of intervals named 'phones'. Received: phone."),
        ("0.25\n0.5", "0.25\nhalf", r":18: expected a time, a number. Received: \"b c\"."),
        ("0.25\n0.5", "0.25\n0.25", r":16: expected times .* at 0.25 or later .* Received: 0.25 to 0.25 for 'b\\nc'."),
        ("0.25\n0.5", "0.2\n0.5", r":16: expected times .* Received: 0.2 to 0.5"),
        ("0.5\n2\n", "0.5\n0\n", r": expected at least one phone. Received: none."),
        ("0.5\n2\n", "0.5\n3\n", r":18: expected a time, a number. Received: the end of the file."),
        ('"b\nc"', '"b', r":18: expected a label in quotes. Received: the end of the file."),
        ('"a"', "7", r":15: expected a label in quotes. Received: 7.0."),
    ],
)
def test_a_malformed_textgrid_is_refused(tmp_path, old, new, message):
    path = tmp_path / "clip.TextGrid"
    path.write_text(SHORT.replace(old, new))
    with pytest.raises(ValueError, match=r"clip\.TextGrid" + message):
        read_textgrid(path)


def test_text_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "clip.TextGrid"
    path.write_bytes(LONG.encode("cp1252", "replace") + b"\xff")
    with pytest.raises(ValueError, match=r"clip\.TextGrid: expected UTF-8 text: invalid start byte"):
        read_textgrid(path)


def test_htk_labels(tmp_path):
    path = tmp_path / "clip.lab"
    path.write_text("0000000 2200000 ay     ice\n\n2200000 3600000 s -12.5 # comment\n3700000 4300000 sh\n")
    assert read_labels(path) == [Phone("ay", 0.0, 0.22), Phone("s", 0.22, 0.36), Phone("sh", 0.37, 0.43)]


@pytest.mark.parametrize(
    ("name", "phone"),
    [
        ("sil", "sil"),
        ("a-b+c", "b"),
        ("a-b", "b"),
        ("b+c", "b"),
        ("x^x-sil+ao=th@x_x/A:0_0_0/B:x-x-x@x-x&x-x#x-x$x-x!x-x;x-x|x/C:1+1+2", "sil"),
        ("sil^ao-th+er=ah@1_2/A:1_1_2/B:0-0-2@2-1&2-5#1-4$1-3!1-2;1-2|er/C:1+0+2", "th"),
    ],
)
def test_the_phone_of_a_name_with_context(tmp_path, name, phone):
    path = tmp_path / "clip.lab"
    path.write_text(f"0 100000 {name}\n")
    assert read_htk(path) == [Phone(phone, 0.0, 0.01)]


def test_the_states_of_a_phone_become_one_phone(tmp_path):
    rows = [(0, 1, "x-a+b[2]"), (1, 2, "x-a+b[3]"), (2, 4, "a-b+b[2]"), (4, 5, "a-b+b[3]"), (5, 6, "b-b+x[2]")]
    path = tmp_path / "clip.lab"
    path.write_text("".join(f"{a * 10**7} {b * 10**7} {name}\n" for a, b, name in rows))
    assert read_htk(path) == [Phone("a", 0.0, 2.0), Phone("b", 2.0, 5.0), Phone("b", 5.0, 6.0)]
    path.write_text("0 10000000 a[2]\n10000000 20000000 a[2]\n")  # twice the same state: two phones
    assert read_htk(path) == [Phone("a", 0.0, 1.0), Phone("a", 1.0, 2.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r": expected at least one phone. Received: none."),
        ("0 10 a\nb\n", r":2: expected \"start end name\", times in 100 ns. Received: 'b'"),
        ("#!MLF!#\n", r":1: expected \"start end name\""),
        ("0 10 a\n///\n", r":2: expected \"start end name\""),
        ("0.0 0.1 a\n", r":1: expected \"start end name\""),
        (
            "0 10 a\n\n5 20 b\n",
            r":3: expected times in seconds that begin at 1e-06 or later .* Received: 5e-07 to 2e-06",
        ),
        ("0 0 a\n", r":1: expected times .* Received: 0 to 0 for 'a'."),
    ],
)
def test_malformed_htk_labels_are_refused(tmp_path, text, message):
    path = tmp_path / "clip.lab"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"clip\.lab" + message):
        read_htk(path)


def test_what_is_written_is_read(tmp_path, rng):
    bounds = np.cumsum(rng.integers(1, 10**7, 50)) / 1e7
    phones = [Phone("a\u0259"[i % 2], *bounds[i : i + 2].tolist()) for i in range(49)]
    write_htk(tmp_path / "deep" / "clip.lab", phones)
    assert read_htk(tmp_path / "deep" / "clip.lab") == phones


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"clip.txt: expected a name that ends in .TextGrid or .lab."):
        read_labels(tmp_path / "clip.txt")
