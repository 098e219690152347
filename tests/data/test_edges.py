"""Files and arguments of any kind end in an answer or in one line, soon."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.data import Data, load
from bayes_alliance.data.load import check_files
from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.data.validate import MOST_BYTES, read_table
from bayes_alliance.errors import InputError
from bayes_alliance.theories import build

if TYPE_CHECKING:
    from conftest import Copy

E, C, Y, K = "episodes.csv", "clients.csv", "years.csv", "codings.csv"
SECONDS = 10.0


def refused(call: Callable[[], object]) -> InputError:
    """The error, which is one line of at most 500 characters."""
    begun = time.process_time()
    with pytest.raises(InputError) as caught:
        call()
    assert time.process_time() - begun < SECONDS
    said = str(caught.value)
    assert len(said) <= 500 and said.isprintable(), said
    return caught.value


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [None, 5, 1.5, True, "", " ", "a\0b", b"europe", ["europe", "asia"], {"europe"}, {}, object,
     "a" * 5000, Path("nowhere"), pd.DataFrame(), np.array(["europe"])],
    ids=repr,
)  # fmt: skip
def test_a_name_of_any_type(name: Any) -> None:
    assert "name" in str(refused(lambda: load(name)))


def test_a_list_is_told_how_to_be_given() -> None:
    assert "an argument of its own" in refused(lambda: load(["europe", "asia"])).expected  # type: ignore[arg-type]


def test_a_path_is_a_folder_and_no_theatre(
    copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of one's own that is called europe is not taken for the bundled tables."""
    copy.set(C, copy.row(C, "dunkirk-1947"), "disputes", "7")
    own = tmp_path / "europe"
    own.mkdir()
    for file in (E, C, Y, K):
        (copy.folder / file).rename(own / file)
    monkeypatch.chdir(tmp_path)
    for name in (Path("europe"), "./europe"):
        assert load(name).clients["disputes"].iloc[0] == 7
    assert load("europe").clients["disputes"].iloc[0] == 0
    assert "15 episodes" in check_files([Path("europe")])[0]


@settings(max_examples=60, deadline=None)
@given(
    coding=st.one_of(
        st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2),
        st.dictionaries(
            st.sampled_from(["k", "ends", "pairs", "wartime", "strong", "overlay", "x", 3]),
            st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=4),
                      st.just([1]), st.just(np.array([1, 2])), st.just(np.float64(3))),
            max_size=2,
        ),
    )
)  # fmt: skip
def test_a_coding_of_any_type(coding: Any) -> None:
    for names in (("asymmetric",), ("europe",)):
        try:
            assert isinstance(load(*names, coding=coding), Data)
        except InputError as error:
            assert len(str(error)) <= 500 and str(error).isprintable()


@pytest.mark.parametrize("option", ["frames", "statements"])
@pytest.mark.parametrize("value", ["no", 0, None, []])
def test_options_are_true_or_false(option: str, value: Any) -> None:
    assert refused(lambda: load("europe", **{option: value})).column == option


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [E, C, Y, K])
@pytest.mark.parametrize("kind", ["folder", "pipe", "dead link", "device", "link to a folder"])
def test_a_table_that_is_no_file(copy: Copy, file: str, kind: str) -> None:
    """Codings too: what is there and cannot be read is not taken for missing."""
    path = copy.folder / file
    path.unlink()
    make: dict[str, Callable[[], object]] = {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "dead link": lambda: path.symlink_to("nowhere"),
        "device": lambda: path.symlink_to("/dev/zero"),
        "link to a folder": lambda: path.symlink_to(copy.folder),
    }
    make[kind]()
    error = refused(lambda: load(copy.folder))
    assert error.file == str(path)
    assert f"a file {file}; there is something else of that name" in error.expected


def test_a_link_to_a_table_is_the_table(copy: Copy, tmp_path: Path) -> None:
    (copy.folder / E).rename(copy.folder / "mine.csv")
    (copy.folder / E).symlink_to(copy.folder / "mine.csv")
    assert load(copy.folder).hash == load("europe", "asia").hash


@pytest.mark.parametrize("change", [
    lambda b: b"\xef\xbb\xbf" + b,
    lambda b: b.replace(b"\n", b"\r\n"),
    lambda b: b.rstrip(b"\n"),
    lambda b: b + b"\n\n",
], ids=["mark", "CRLF", "no last line end", "blank lines"])  # fmt: skip
def test_ways_to_write_the_same_table(copy: Copy, change: Callable[[bytes], bytes]) -> None:
    for file in (E, C, Y, K):
        path = copy.folder / file
        path.write_bytes(change(path.read_bytes()))
    assert load(copy.folder).hash == load("europe", "asia").hash


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "UTF-16": (lambda b: b.decode().encode("utf-16"), "UTF-8"),
    "Latin-1": (lambda b: b.replace(b"Baguio", b"Bagui\xf3"), "UTF-8"),
    "NUL": (lambda b: b.replace(b"Baguio", b"Bag\0uio"), "NUL"),
    "36 MB": (lambda b: b + b"a,b,c\n" * 6_000_000, f"at most {MOST_BYTES} bytes"),
    "many rows": (lambda b: b + b",\n" * 60_000, "at most 50000 rows"),
    "endless column": (lambda b: b"x" * 100_000 + b"," + b, "one of the columns"),
    "endless columns": (lambda b: b"x," * 200_000 + b, "at most 200 columns"),
    "endless cell": (
        lambda b: b.replace(b"Baguio", b"x" * 10**6),
        "name",
    ),  # by CSV's own limit or ours
    "long cell": (lambda b: b.replace(b"Baguio", b"x" * 120_000), "at most 100 characters"),
    "ragged": (lambda b: b.replace(b"Baguio 1950,", b"Baguio 1950,,"), "17 cells"),
    "column twice": (lambda b: b.replace(b"name,", b"episode,", 1), "each column once"),
    "blank cells": (lambda b: b + b"," * 16 + b"\n", "words joined by hyphens"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_of_any_kind(copy: Copy, name: str) -> None:
    change, words = BYTES[name]
    path = copy.folder / E
    path.write_bytes(change(path.read_bytes()))
    assert words in str(refused(lambda: load(copy.folder)))


def test_the_largest_table_is_read_soon(tmp_path: Path) -> None:
    """Four in five rows wrong in many cells: the worst that a table may hold."""
    header = ",".join(TABLES["clients"].columns)
    row = "e-{0},USA,1,1,1,1,sea,0,0,none,0.5,0.1\n"
    path = tmp_path / "clients.csv"
    good = header + "\n" + "".join(row.format(n) for n in range(50_000))
    path.write_text(good, encoding="utf-8")
    begun = time.process_time()
    assert len(read_table(path, TABLES["clients"])) == 50_000
    assert time.process_time() - begun < SECONDS
    path.write_text(good.replace(",1,1,1,1,sea,0", ",1,x,1e9,1,se,7"), encoding="utf-8")
    refused(lambda: read_table(path, TABLES["clients"]))


def test_many_wrong_names_are_refused_soon(copy: Copy) -> None:
    """One hint is sought, not one for each of many thousand rows."""
    rows = copy.read(C)
    more = [[f"dunkirk-x{n}", *rows[1][1:]] for n in range(20_000)]
    copy.write(C, [*rows, *more])
    error = refused(lambda: load(copy.folder))
    assert error.expected.startswith("an episode of episodes.csv; did you mean 'dunkirk-1947'")
    assert error.expected.endswith("(and at least 999 more)")


@pytest.mark.parametrize(
    "value",
    [
        "1e400",
        "-1e400",
        "1e-400",
        "nan",
        "inf",
        "Infinity",
        "1_0",
        "0x1",
        "1,0",
        " 1",
        "٣",
        "1e+-1",
    ],
)
def test_a_number_is_what_is_written_or_refused(copy: Copy, value: str) -> None:
    row = copy.row(C, "dunkirk-1947")
    copy.set(C, row, "distance_km", value)
    try:
        found = load(copy.folder).clients["distance_km"].iloc[0]
    except InputError as error:
        assert (error.row, error.column) == (row, "distance_km")
    else:
        assert found == float(value) != 0


@pytest.mark.parametrize("name", ["a [bold]b[/]", "$x^2$", "<script>", "=1+1", "Ångström", "日本"])
def test_markup_in_a_name_is_kept_as_it_is(copy: Copy, name: str) -> None:
    copy.set(E, copy.row(E, "baguio-1950"), "name", name)
    assert name in set(load(copy.folder).episodes["name"])


@pytest.mark.parametrize("theatre", ["americas", "middle-east", "africa"])
def test_theatres_beyond_two_make_a_model(copy: Copy, theatre: str) -> None:
    """Tables that are read can be modelled, whichever of the five theatres they are of."""
    for file in (E, Y):
        path = copy.folder / file
        path.write_text(re.sub(",asia,", f",{theatre},", path.read_text("utf-8")), "utf-8")
    assert build("null", load(copy.folder)).free_RVs


# --- any change of any cell -----------------------------------------------------------------------

CELLS = [
    (f"{name}.csv", column) for name in ("episodes", "clients", "years", "codings")
    for column in TABLES[name].columns
]  # fmt: skip


def plausible(file: str, column: str) -> st.SearchStrategy[str]:
    """Values near those of a column: others of its codes, its bounds, and texts that look alike."""
    info = meta(TABLES[file.removesuffix(".csv")].columns[column])
    match info["kind"]:
        case "category":
            return st.sampled_from([*info["codes"], "", "None", "NA"])
        case "number" | "integer":
            numbers = st.floats(-2, 2e4).map(repr) | st.integers(-2, 300).map(str)
            return numbers | st.sampled_from(["", "0", "1", "-0", "1e400", "1e-400", "nan"])
        case "date":
            return st.dates().map(str) | st.sampled_from(["", "1950-02-29", "1950-1-1"])
        case "state" | "states":
            return st.sampled_from(["USA", "RUS", "AUS", "NZL", "RUS+RUS", "RUS+CHN", "", "usa"])
    return st.text(max_size=12) | st.sampled_from(["*", "anzus-1951", "1950-1952", "NA", "null"])


@settings(max_examples=40, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data(), cell=st.sampled_from(CELLS), where=st.integers(0, 10**6))
def test_any_change_is_refused_or_read_as_it_is(
    copy_to: type[Copy], tmp_path: Path, data: st.DataObject, cell: tuple[str, str], where: int
) -> None:
    """No row is dropped and no value altered: each cell that is read is the cell of the file."""
    file, column = cell
    copy = copy_to(tmp_path)
    rows = copy.read(file)
    at, place = 1 + where % (len(rows) - 1), rows[0].index(column)
    value = data.draw(plausible(file, column).filter(lambda text: text.isascii()))
    rows[at][place] = value
    copy.write(file, rows)
    try:
        found = getattr(load(copy.folder), file.removesuffix(".csv"))
    except InputError as error:
        assert len(str(error)) <= 500 and str(error).isprintable()
        return
    key = [rows[0].index(c) for c in TABLES[file.removesuffix(".csv")].unique or []]
    assert len(found) == len(rows) - 1
    mine = found[rows[0]].astype(object).to_numpy()
    same = [r for r in mine if all(str(r[k]) == rows[at][k] for k in key)]
    assert len(same) == 1, (file, column, value)
    read = same[0][place]
    if value == "":
        assert pd.isna(read)
    elif isinstance(read, (int, float)):
        assert float(read) == float(value)
    else:
        assert str(read).removesuffix(" 00:00:00") == value
