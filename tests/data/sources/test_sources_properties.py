"""However a source was written it gives the same table, and a broken one is never read as whole."""

from __future__ import annotations

import csv
import random
import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from source_samples import SAMPLES, Rows, Sample, text_of, write

from bayes_alliance.data.sources import atop, polity, rivalries
from bayes_alliance.errors import InputError

WHOLE = re.compile(r"-?\d+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MISSING = ("", "NA", ".")
EARLY, LATE = date(1950, 1, 1), date(1950, 1, 20)
CORRUPTED = st.one_of(
    st.sampled_from(["", "NA", ".", "-9", "0", "1", "9", "1e3", "nan", "inf", "0x1", "1_0", "１"]),
    st.sampled_from([" 5 ", "1,5", "--1", "1.", "+2", "2.0", "many", "1950", "364", "spatial"]),
    st.integers(-99, 2100).map(str),
    st.floats(-100, 100).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: each overwrites the file of the one before."""
    return tmp_path_factory.mktemp("sources")


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


@pytest.fixture(scope="module")
def table(sample: Sample, folder: Path) -> pd.DataFrame:
    """What the made-up file says."""
    return sample.read(write(folder, sample.rows))


def respelt(cell: str, chance: random.Random) -> str:
    """The same number, written otherwise."""
    if not WHOLE.fullmatch(cell):
        return chance.choice([cell, f" {cell}"]) if NUMBER.fullmatch(cell) else cell
    return chance.choice([cell, f"{cell}.0", f"{cell}.", f" {cell} "])


def test_made_up_table_is_as_its_schema_says(sample: Sample, table: pd.DataFrame) -> None:
    sample.schema.validate(table)
    assert list(table.columns) == [name for name in sample.schema.columns if name in table]
    assert table.index.equals(pd.RangeIndex(len(table)))
    assert not table.duplicated(sample.schema.unique).any()


@settings(max_examples=10, deadline=None)
@given(
    chance=st.randoms(use_true_random=False),
    mark=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_rewritten_source_gives_the_same_table(
    sample: Sample, table: pd.DataFrame, folder: Path, chance: random.Random, mark: bool, end: str
) -> None:
    header, *rows = sample.rows
    order = chance.sample(range(len(header)), len(header))
    chance.shuffle(rows)
    case = chance.choice([str.upper, str.lower, str.title])
    spelt: Rows = [[case(header[place]) for place in order]]
    spelt += [[respelt(row[place], chance) for place in order] for row in rows]
    path = folder / "rewritten.csv"
    text = text_of(spelt, end, chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    path.write_text(text, encoding="utf-8-sig" if mark else "utf-8", newline="")
    assert_frame_equal(sample.read(path), table)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_corrupted_cell_is_refused_or_legitimate(
    sample: Sample, table: pd.DataFrame, folder: Path, data: st.DataObject
) -> None:
    columns = sample.layout.headers(sample.rows[0])
    column = data.draw(st.sampled_from(list(columns)))
    header = data.draw(st.sampled_from(columns[column]))
    row = data.draw(st.integers(2, len(sample.rows)))
    cell = data.draw(CORRUPTED)
    path = write(folder, sample.changed(row, header, cell))
    try:
        read = sample.read(path)
    except InputError as error:
        # What lies between two rows may be said of either.
        assert error.file == str(path) and error.row in range(2, len(sample.rows) + 1)
        return
    sample.schema.validate(read)
    kind = sample.layout.schema.columns[column].metadata["kind"]
    if kind == "text":
        allowed = read[column].tolist() if column in read else [*MISSING, *rivalries.TYPES]
        assert cell.strip() in allowed
        return
    assert cell.strip() in MISSING or NUMBER.fullmatch(cell.strip())
    if kind != "day" and column in read and read[column].dtype != bool:
        new = set(read[column].dropna()) - set(table[column].dropna())
        value = float(cell.strip() or "nan") if cell.strip() not in MISSING else None
        assert new <= {value, polity.COW_CODE.get(value)}


@settings(max_examples=10, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_file_cut_off_within_a_row_is_refused(sample: Sample, folder: Path, share: float) -> None:
    text = text_of(sample.rows)
    cut = text[: int(share * len(text))]
    assume(not cut.endswith("\n") and cut.rpartition("\n")[2].count(",") < len(sample.rows[0]) - 1)
    path = folder / "cut.csv"
    path.write_text(cut, encoding="utf-8", newline="")
    with pytest.raises(InputError) as caught:
        sample.read(path)
    assert caught.value.file == str(path)


@settings(max_examples=30, deadline=None)
@given(
    spells=st.lists(
        st.tuples(st.dates(EARLY, LATE), st.one_of(st.none(), st.dates(EARLY, LATE))), max_size=4
    )
)
def test_phases_pass_if_and_only_if_they_follow_each_other(
    folder: Path, spells: list[tuple[date, date | None]]
) -> None:
    header, first, *_ = SAMPLES["atop_members"].rows
    always = dict(zip(header, first, strict=True)) | {"phase": "0", "maxphase": "0"}
    rows = [header]
    for entry, exit_ in [(EARLY, EARLY), *spells]:
        cells = dict(zip(("yrent", "moent", "dayent"), entry.isoformat().split("-"), strict=True))
        gone = exit_.isoformat() if exit_ else "0-0-0"
        cells |= dict(zip(("yrexit", "moexit", "dayexit"), gone.split("-"), strict=True))
        rows.append([*(always | cells | {"ineffect": "0" if exit_ else "1"}).values()])
    every = [(EARLY, EARLY), *((entry, exit_ or date.max) for entry, exit_ in spells)]
    follow = all(entry <= exit_ for entry, exit_ in every) and all(
        before[1] <= after[0] for before, after in pairwise(sorted(every))
    )
    distinct = len({entry for entry, _ in every}) == len(every)
    path = write(folder, rows)
    if follow and distinct:
        assert len(atop.read_members(path)) == len(every)
    else:
        with pytest.raises(InputError):
            atop.read_members(path)


def test_parquet_and_csv_agree(folder: Path) -> None:
    sample = SAMPLES["mindist"]
    path = folder / "made-up.parquet"
    columns = dict(zip(sample.rows[0], zip(*sample.rows[1:], strict=True), strict=True))
    typed = pd.DataFrame(columns).astype("float32").astype({"year": "int16", "ccode1": "int16"})
    typed.sample(frac=1, random_state=1).to_parquet(path)
    assert_frame_equal(sample.read(path), sample.read(write(folder, sample.rows)))


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [("ccode2", 1000, 1000), ("mindist", float("nan"), None), ("mindist", -9.0, -9.0)],
)
def test_parquet_is_checked_too(
    folder: Path, column: str, value: float, shown: float | None
) -> None:
    path = folder / "bad.parquet"
    rows = {"ccode1": [2, 2], "ccode2": [20, 40], "year": [1950, 1950], "mindist": [0.0, 5.0]}
    table = pd.DataFrame(rows)
    table.loc[1, column] = value
    table.to_parquet(path)
    with pytest.raises(InputError) as caught:
        SAMPLES["mindist"].read(path)
    error = caught.value
    assert (error.file, error.row, error.column) == (str(path), 3, column)
    assert shown is None or error.value == shown


def test_cut_off_parquet(folder: Path) -> None:
    path = folder / "cut.parquet"
    pd.DataFrame({"ccode1": range(99)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="a Parquet file"):
        SAMPLES["mindist"].read(path)
