"""Every bad source file is refused with one error that says where it is and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from source_samples import SAMPLES, Rows, Sample, text_of, write

from bayes_alliance.data.sources import FILES, find
from bayes_alliance.errors import InputError


def refused(sample: Sample, path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        sample.read(path)
    error = caught.value
    assert error.file == str(path)
    for part in (error.file, error.row, error.column, error.expected):
        assert part is None or str(part) in str(error)
    return error


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


# name: (sample, row, header, new value, words of what was expected)
CELLS: dict[str, tuple[str, int, str, str, str]] = {
    "state above COW's": ("nmc", 2, "ccode", "1000", "between 2 and 999"),
    "state below COW's": ("polity", 3, "ccode", "1", "between 2 and 999"),
    "state left empty": ("majors", 3, "ccode", "", "between 2 and 999"),
    "state of no alliance": ("atop_members", 2, "member", "8153", "between 2 and 999, or 8152"),
    "member of no state": ("atop_alliances", 2, "mem3", "1", "between 2 and 999, or 8152"),
    "first members empty": ("atop_alliances", 3, "mem2", "", "between 2 and 999"),
    "threat of no state": ("atop_members", 2, "statthr1", "1", "between 2 and 999, or 0"),
    "place of no troops": ("troops", 4, "ccode", "1100", "or one between 1001 and 1099"),
    "year before the source": ("nmc", 3, "year", "1815", "a year between 1816 and 2030"),
    "year after all sources": ("vdem", 2, "year", "2031", "a year between 1789 and 2030"),
    "year of two digits": ("troops", 2, "year", "50", "a year between 1950"),
    "year 0 of a dispute": ("mid", 2, "year", "0", "a year between 1816"),
    "year before distances": ("mindist", 2, "year", "1885", "between 1886"),
    "year before rivalries": ("td", 2, "styear", "1493", "between 1494"),
    "year 0 of an entry": ("atop_members", 2, "yrent", "0", "a date between 1800 and 2030"),
    "year beyond of an exit": ("atop_members", 2, "yrexit", "2031", "a date between 1800"),
    "year beyond pandas": ("states", 2, "styear", "1600", "a date between 1800"),
    "month 13": ("atop_members", 2, "moent", "13", "a date"),
    "month of no exit": ("atop_members", 3, "moexit", "5", "a date"),
    "day 31 of February": ("majors", 3, "stday", "31", "a date"),
    "day 45": ("atop_alliances", 2, "begday", "45", "a date"),
    "day left empty": ("states", 2, "endday", "", "a date"),
    "unknown day of a state": ("states", 2, "stday", "99", "a date"),
    "date of no month": ("contdir", 2, "begin", "192013", "a date"),
    "date with words": ("contiguity", 2, "stdate", "January 1920", "a date"),
    "date without day": ("capitals", 2, "enddate", "1920-04", "a date"),
    "date left empty": ("capitals", 3, "stdate", "", "a date"),
    "defense 2": ("atop_members", 2, "defense", "2", "one of 0, 1"),
    "defense empty": ("atop_alliances", 2, "defense", "", "one of 0, 1"),
    "term 4": ("atop_members", 2, "term", "4", "one of 0, 1, 2, 3"),
    "aid 5": ("atop_alliances", 2, "milaid", "5", "one of 0, 1, 2, 3, 4, or empty"),
    "a cause that is none": ("atop_members", 2, "termcaus", "9", "7, 8, or empty"),
    "release 3": ("atop_alliances", 2, "version", "3.0", "between 4 and 5.99"),
    "contiguity 6": ("contdird", 2, "conttype", "6", "one of 0, 1, 2, 3, 4, 5"),
    "hostility 6": ("mid", 2, "hostlev1", "6", "3, 4, 5, or -9 for missing"),
    "fatality 7": ("gml", 2, "fatality1", "7", "or -9 for missing"),
    "revision type 5": ("gml", 2, "revtype11", "5", "one of 0, 1, 2, 3, 4, or -9"),
    "side 0 of a war": ("wars", 2, "sidea1", "0", "one of 1, 2"),
    "outcome 9": ("wars", 2, "outcome1", "9", "7, 8, or empty"),
    "type of rivalry 2": ("tss", 2, "spatial", "2", "one of 0, 1, or empty"),
    "type of rivalry unknown": ("td", 2, "type2", "personal", "one of positional, spatial"),
    "first type of rivalry empty": ("td", 2, "type1", "", "one of positional, spatial"),
    "score 11": ("polity", 2, "polity2", "11", "between -10 and 10"),
    "polyarchy 1.1": ("vdem", 2, "v2x_polyarchy", "1.1", "between 0 and 1"),
    "index 20": ("nmc", 2, "cinc", "20", "between 0 and 1"),
    "decimal comma": ("nmc", 2, "cinc", "0,2", "between 0 and 1"),
    "infinite": ("nmc", 2, "milex", "inf", "a number of at least 0"),
    "overflowing": ("nmc", 2, "milex", "1e999", "a number of at least 0"),
    "nan": ("nmc", 2, "milex", "nan", "a number of at least 0"),
    "-9 where it is not missing": ("troops", 2, "troops", "-9", "a whole number of at least 0"),
    "-9 of a distance": ("mindist", 2, "mindist", "-9", "between 0 and 20040"),
    "another missing code": ("nmc", 2, "milper", "-99", "-9 for missing"),
    "half a soldier": ("troops", 2, "troops", "0.5", "a whole number"),
    "half a year": ("nmc", 2, "year", "1950.5", "a year"),
    "digits of another script": ("nmc", 2, "year", "١٩٥٠", "a year"),
    "distance above the globe's": ("mindist", 3, "mindist", "20041", "between 0 and 20040"),
    "latitude 91": ("capitals", 2, "lat", "91", "between -90 and 90"),
    "abbreviation of two": ("states", 2, "stateabb", "AA", "three capital letters"),
    "name left empty": ("states", 2, "statenme", "", "a text"),
    "leaves before it enters": ("atop_members", 2, "yrexit", "1948", "before the start (1949-04"),
    "leaves a month before": ("atop_members", 8, "moexit", "2", "before the start (1874-03-15)"),
    "alliance ends before": ("atop_alliances", 4, "endyr", "1873", "before the start (1874"),
    "state ends before": ("states", 2, "endyear", "1819", "before the start (1820-01-01)"),
    "spell ends before": ("contdir", 2, "end", "191912", "before the start (1920-01-01)"),
    "rivalry ends before": ("tss", 2, "end", "1493", "a year between"),
    "overlapping phases": ("atop_members", 3, "yrent", "1960", "after the end of row 2"),
    "overlapping after a branch": ("atop_members", 4, "dayent", "2", "after the end of row 3"),
    "comes back before it left": ("atop_members", 7, "yrent", "1978", "after the end of row 6"),
    "phase above the last": ("atop_members", 4, "phase", "4", "no later than the last (3"),
    "in force with an exit": ("atop_members", 2, "ineffect", "1", "1 where yrexit is 0"),
    "no exit and not in force": ("atop_alliances", 3, "ineffect", "0", "1 where endyr is 0"),
    "member named twice": ("atop_alliances", 2, "mem3", "200", "each member once"),
    "member after none": ("atop_alliances", 3, "mem4", "220", "empty, as mem3 is"),
    "overlapping states": ("states", 3, "styear", "1935", "after the end of row 2"),
    "overlapping major powers": ("majors", 3, "styear", "1934", "after the end of row 2"),
    "overlapping capitals": ("capitals", 3, "stdate", "1920-04-20", "after the end of row 2"),
    "overlapping spells": ("contdir", 3, "begin", "195002", "after the end of row 2"),
    "overlapping rivalries": ("tss", 3, "start", "1918", "after the end of row 2"),
    "distance in the other direction": ("mindist", 4, "ccode2", "9", "a code above ccode1"),
    "distance to itself": ("mindist", 4, "ccode2", "10", "a code above ccode1"),
    "contiguous with itself": ("contdird", 2, "state2no", "10", "another state than ccode1"),
    "dispute with itself": ("mid", 2, "ccode2", "10", "another state than ccode1"),
}


@pytest.mark.parametrize("name", CELLS)
def test_bad_cell(tmp_path: Path, name: str) -> None:
    source, row, column, value, words = CELLS[name]
    sample = SAMPLES[source]
    error = refused(sample, write(tmp_path, sample.changed(row, column, value)))
    assert error.row == row
    assert words in error.expected
    # What is wrong with a date and not with a part of it is said of its year, showing the date.
    assert error.column in next(names for names in sample.dates() if column in names)
    assert value in str(error.value).split("-") or value == str(error.value)


NUMBERS = [
    (name, header)
    for name, sample in SAMPLES.items()
    for column, spec in sample.layout.schema.columns.items()
    if column in sample.layout.headers(sample.rows[0]) and spec.metadata["kind"] != "text"
    for header in sample.headers(column)
]


@pytest.mark.parametrize(("name", "header"), NUMBERS)
def test_text_in_a_number(tmp_path: Path, name: str, header: str) -> None:
    sample = SAMPLES[name]
    last = len(sample.rows)
    error = refused(sample, write(tmp_path, sample.changed(last, header, "many")))
    assert (error.row, error.column, error.value) == (last, header, "many")
    assert any(word in error.expected for word in ("number", "one of", "date", "year", "code"))


REQUIRED = [
    (name, column)
    for name, sample in SAMPLES.items()
    for column, spec in sample.layout.schema.columns.items()
    if spec.required
]


@pytest.mark.parametrize(("name", "column"), REQUIRED)
def test_missing_column(tmp_path: Path, name: str, column: str) -> None:
    sample = SAMPLES[name]
    gone = sample.headers(column)[-1]
    place = sample.rows[0].index(gone)
    rows = [[*row[:place], *row[place + 1 :]] for row in sample.rows]
    error = refused(sample, write(tmp_path, rows))
    assert error.row == 1
    assert gone in error.expected or "these are the columns of" in error.expected


@pytest.mark.parametrize(("name", "column"), REQUIRED)
def test_renamed_column(tmp_path: Path, name: str, column: str) -> None:
    sample = SAMPLES[name]
    right = sample.headers(column)[0]
    wrong = f"{right}_"
    error = refused(sample, write(tmp_path, sample.changed(1, right, wrong)))
    assert (error.row, error.value) == (1, wrong)
    assert f"is it {wrong!r}?" in error.expected
    assert error.column is not None and error.column in error.expected


def test_repeated_column(tmp_path: Path, sample: Sample) -> None:
    rows = [[*row, row[1]] for row in sample.rows]
    error = refused(sample, write(tmp_path, rows))
    assert (error.row, error.column) == (1, sample.rows[0][1])
    assert error.expected == "each column once"


@pytest.mark.parametrize("name", [n for n, s in SAMPLES.items() if not s.layout.repeats])
def test_repeated_row(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    error = refused(sample, write(tmp_path, [*sample.rows, sample.rows[1]]))
    assert error.row == len(sample.rows) + 1
    assert "row 2" in error.expected


def test_repeated_phase(tmp_path: Path) -> None:
    sample = SAMPLES["atop_members"]
    error = refused(sample, write(tmp_path, sample.changed(4, "phase", "2")))
    assert (error.row, error.column) == (4, "yrent")
    assert str(error.value).startswith("1005 2 2 1966-07-01")
    assert "one row for each atopid, member, phase, entry; row 3 has the same" in error.expected


@pytest.mark.parametrize("name", ["contiguity", "contdird", "mid", "gml", "wars"])
def test_row_without_counterpart(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    error = refused(sample, write(tmp_path, sample.rows[:-1]))
    assert error.column in ("ccode2", "state2no")
    assert "whose own row says the same" in error.expected
    assert error.value in sample.rows[-1]


def test_counterparts_that_differ(tmp_path: Path) -> None:
    sample = SAMPLES["gml"]
    error = refused(sample, write(tmp_path, sample.changed(3, "revtype12", "2")))
    assert (error.row, error.column, error.value) == (2, "ccode2", "20")
    assert error.expected.endswith("(and 1 more)")


def test_file_of_another_source(tmp_path: Path, sample: Sample) -> None:
    others = [other for other in SAMPLES.values() if other.read is not sample.read]
    assert len(others) > len(SAMPLES) - 4
    for other in others:
        error = refused(sample, write(tmp_path, other.rows))
        assert error.row == 1
        assert f"these are the columns of {other.layout.name}" in error.expected
        assert error.value == ",".join(other.rows[0])


def test_cut_off_within_a_row(tmp_path: Path, sample: Sample) -> None:
    rows: Rows = [*sample.rows[:-1], sample.rows[-1][:-1]]
    error = refused(sample, write(tmp_path, rows))
    assert error.row == len(rows)
    assert f"{len(rows[0])} cells as in the header, not {len(rows[0]) - 1}" in error.expected
    assert error.expected.endswith("the file is cut off")
    assert error.value == ",".join(rows[-1])


def test_row_with_too_many_cells(tmp_path: Path, sample: Sample) -> None:
    rows = [*sample.rows[:1], [*sample.rows[1], "0"], *sample.rows[2:]]
    error = refused(sample, write(tmp_path, rows))
    assert error.row == 2
    assert f"not {len(rows[0]) + 1}" in error.expected


@pytest.mark.parametrize(
    ("content", "row", "words"),
    [
        (b"", None, "not an empty file"),
        (b"ccode,year\n10,19\x0050\n", 2, "NUL"),
    ],
    ids=["empty", "NUL"],
)
def test_bad_bytes(
    tmp_path: Path, sample: Sample, content: bytes, row: int | None, words: str
) -> None:
    path = tmp_path / "made-up.csv"
    path.write_bytes(content)
    error = refused(sample, path)
    assert error.row == row
    assert words in error.expected


def test_open_quote(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "made-up.csv"
    path.write_text(text_of(sample.rows) + '"1950\n', encoding="utf-8")
    error = refused(sample, path)
    assert error.row == len(sample.rows) + 1
    assert "CSV" in error.expected


def test_header_alone(tmp_path: Path, sample: Sample) -> None:
    assert "at least one row" in refused(sample, write(tmp_path, sample.rows[:1])).expected


def test_missing_file(tmp_path: Path, sample: Sample) -> None:
    assert "a file nowhere.csv" in refused(sample, tmp_path / "nowhere.csv").expected


def test_rows_are_lines_of_the_file(tmp_path: Path) -> None:
    sample = SAMPLES["states"]
    rows = sample.changed(2, "statenme", "Aland\nand\nits isles")
    rows[2][rows[0].index("ccode")] = "1000"
    assert refused(sample, write(tmp_path, rows)).row == 5


def test_several_problems_are_counted(tmp_path: Path) -> None:
    sample = SAMPLES["nmc"]
    rows = [row if n == 0 else ["AAA", "1000", *row[2:]] for n, row in enumerate(sample.rows)]
    error = refused(sample, write(tmp_path, rows))
    assert error.row == 2
    assert error.expected.endswith("(and 2 more)")


@pytest.mark.parametrize("name", FILES)
def test_missing_source(tmp_path: Path, name: str) -> None:
    (file, *others), _ = FILES[name]
    with pytest.raises(InputError, match="BAYES_ALLIANCE_SOURCES names its folder") as caught:
        find(tmp_path, name)
    assert caught.value.file == str(tmp_path / file)
    assert all(other in caught.value.expected for other in others)
