"""A source says the same in every format in which it is handed on."""

from __future__ import annotations

import csv
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import rdata
from pandas.testing import assert_frame_equal
from source_samples import SAMPLES, Rows, Sample, text_of, write

from bayes_alliance.data.sources import find
from bayes_alliance.data.sources.layout import NOTES
from bayes_alliance.errors import InputError

SOME = ("atop_alliances", "atop_members", "atop_dyads", "nmc", "states", "gml", "td", "vdem")


def typed(rows: Rows) -> pd.DataFrame:
    """The rows as a statistics package holds them: numbers where a column has only numbers."""
    frame = pd.DataFrame(rows[1:], columns=rows[0]).replace("", None)
    for name in frame:
        try:
            frame[name] = pd.to_numeric(frame[name])
        except ValueError:
            frame[name] = frame[name].fillna("")
    return frame


def written(folder: Path, sample: Sample, suffix: str) -> Path:
    """The sample in a format."""
    path = folder / f"made-up{suffix}"
    frame = typed(sample.rows)
    if suffix == ".dta":
        frame.to_stata(path, write_index=False)
    elif suffix == ".rds":
        rdata.write_rds(path, frame)
    elif suffix == ".rda":
        rdata.write_rda(path, {"made": frame})
    elif suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("of 2024 (.csv)/made-up.csv", text_of(sample.rows))
            archive.writestr("__MACOSX/made-up.csv", "\0")
            archive.writestr("codebook.pdf", "\0")
    else:
        path.write_text(text_of(sample.rows).replace(",", "\t"), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".dta", ".rds", ".rda", ".xlsx", ".zip", ".tab"])
@pytest.mark.parametrize("name", SOME)
def test_format_gives_the_same_table(tmp_path: Path, name: str, suffix: str) -> None:
    sample = SAMPLES[name]
    read = sample.read(written(tmp_path, sample, suffix))
    assert_frame_equal(read, sample.read(write(tmp_path, sample.rows)))


@pytest.mark.parametrize("suffix", [".dta", ".rds", ".rda", ".xlsx", ".zip"])
def test_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    sample = SAMPLES["nmc"]
    path = written(tmp_path, sample, suffix)
    whole = path.read_bytes()
    for content in (b"", b"no such thing", whole[: len(whole) // 2], whole[:-30]):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            sample.read(path)
        assert str(path) in str(caught.value)


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    sample = SAMPLES["nmc"]
    path = tmp_path / "made-up.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = [[cell.replace(".", ",") for cell in row] for row in sample.rows]
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    assert_frame_equal(sample.read(path), sample.read(write(tmp_path / "..", sample.rows)))
    path.write_text(path.read_text(encoding="utf-8-sig").replace("0,2", "0.2"), encoding="utf-8")
    with pytest.raises(InputError, match="with a decimal point"):
        sample.read(path)


def test_latin_1_is_read_and_said(tmp_path: Path) -> None:
    sample = SAMPLES["capitals"]
    path = tmp_path / "made-up.csv"
    path.write_bytes(text_of(sample.changed(2, "capital", "Åtön")).encode("latin-1"))
    table = sample.read(path)
    assert "Åtön" in set(table["capital"])
    assert any("Latin 1" in note for note in table.attrs[NOTES])


def test_no_last_line_end_is_read_and_said(tmp_path: Path) -> None:
    sample = SAMPLES["nmc"]
    path = tmp_path / "made-up.csv"
    path.write_text(text_of(sample.rows)[:-1], encoding="utf-8")
    table = sample.read(path)
    assert_frame_equal(table, sample.read(write(tmp_path / "..", sample.rows)))
    assert table.attrs[NOTES] == [f"{path} has no line end after row 4: see that this row is whole"]


def test_empty_columns_and_rows_at_the_end(tmp_path: Path) -> None:
    sample = SAMPLES["nmc"]
    expected = sample.read(write(tmp_path, sample.rows))
    wide = [[*row, "", ""] for row in sample.rows]
    assert_frame_equal(sample.read(write(tmp_path, [*wide, [""] * len(wide[0])])), expected)
    wide[2][-1] = "5"
    with pytest.raises(InputError, match="cells as in the header"):
        sample.read(write(tmp_path, wide))


@pytest.mark.parametrize("blank", ["", "NA", "."])
def test_blank_end_is_still_in_force(tmp_path: Path, blank: str) -> None:
    sample = SAMPLES["atop_alliances"]
    rows = [list(row) for row in sample.rows]
    for column in ("endyr", "endmo", "endday"):
        rows[2][rows[0].index(column)] = blank
    assert_frame_equal(
        sample.read(write(tmp_path, rows)), sample.read(write(tmp_path, sample.rows))
    )


@pytest.mark.parametrize("name", ["gml", "mid"])
def test_repeated_rows(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    expected = sample.read(write(tmp_path, sample.rows))
    table = sample.read(write(tmp_path, [*sample.rows, sample.rows[1]]))
    assert_frame_equal(table, expected)
    assert "repeat another (8)" in table.attrs[NOTES][0]
    other = [list(row) for row in sample.rows]
    other.append([*other[1]])
    other[-1][other[0].index("hiact1")] = "1"
    with pytest.raises(InputError, match="row 2 has the same"):
        sample.read(write(tmp_path, other))


def test_newer_release_is_taken_and_said(tmp_path: Path) -> None:
    for name in ("NMC-60-abridged.csv", "NMC-70-abridged.dta"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match="NMC-60-abridged.csv and NMC-70-abridged.dta are one"):
        assert find(tmp_path, "nmc") == tmp_path / "NMC-70-abridged.dta"
    (tmp_path / "cow_nmc.csv").touch()
    with pytest.raises(InputError, match="not every name says of which release") as caught:
        find(tmp_path, "nmc")
    assert all(name in str(caught.value) for name in ("cow_nmc.csv", "NMC-60", "NMC-70"))


def test_release_in_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "atop_5.1__.csv_.zip", "w") as archive:
        for level, name in (("a", "atop_alliances"), ("m", "atop_members")):
            archive.writestr(f"ATOP 5.1 (.csv)/atop5_1{level}.csv", text_of(SAMPLES[name].rows))
    for name in ("atop_alliances", "atop_members"):
        sample = SAMPLES[name]
        read = sample.read(find(tmp_path, name))
        assert_frame_equal(read, sample.read(write(tmp_path, sample.rows)))


def test_large_file_is_read_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "V-Dem-CY-Full+Others-v16.csv"
    others = ",".join(["0.12345"] * 1500)
    with path.open("w", encoding="utf-8") as file:
        names = ",".join(f"v{n}" for n in range(1500))
        file.write(f"{names},COWcode,year,v2x_polyarchy\n")
        for n in range(1500):
            file.write(f"{others},{2 + n // 200},{1800 + n % 200},0.5\n")
    tracemalloc.start()
    table = SAMPLES["vdem"].read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table) == 1500
    assert path.stat().st_size > 15e6 and most < 10e6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find(tmp_path, "vdem") == path
