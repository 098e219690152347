"""What the cells of each layout mean."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from source_samples import SAMPLES, Rows, write


def read(folder: Path, name: str, rows: Rows | None = None) -> pd.DataFrame:
    sample = SAMPLES[name]
    return sample.read(write(folder, rows or sample.rows))


@pytest.mark.parametrize(
    ("month", "day", "earliest", "exact"),
    [
        ("4", "4", "1949-04-04", True),
        *[("4", unknown, "1949-04-01", False) for unknown in ("", ".", "NA", "0", "88", "99")],
        *[(unknown, "", "1949-01-01", False) for unknown in ("", "0", "88", "99")],
        ("99", "4", "1949-01-01", False),
    ],
)
def test_unknown_days_are_the_earliest(
    tmp_path: Path, month: str, day: str, earliest: str, exact: bool
) -> None:
    sample = SAMPLES["atop_alliances"]
    rows = sample.changed(2, "begmo", month)
    rows[1][rows[0].index("begday")] = day
    row = read(tmp_path, "atop_alliances", rows).loc[0]
    assert (row["begin"], row["begin_exact"]) == (pd.Timestamp(earliest), exact)


def test_members_of_an_alliance(tmp_path: Path) -> None:
    table = read(tmp_path, "atop_alliances").set_index("atopid")
    assert table["members"].to_dict() == {1005: (2, 200, 220), 1010: (365, 710), 1020: (220, 8152)}
    assert table["end"].dt.year.fillna(0).to_dict() == {1005: 1966, 1010: 0, 1020: 1883}


def test_phases_of_members(tmp_path: Path) -> None:
    table = read(tmp_path, "atop_members").set_index(["atopid", "member", "phase"])
    assert table.loc[(1005, 2), "exit"].dt.year.fillna(0).tolist() == [1966, 0, 0]
    assert table.loc[(1010, 651, 0), "entry_exact"].tolist() == [True, False]
    # Its exit of March 1874 is not before its entry on the 15th.
    annam = table.loc[(1020, 8152, 0)].iloc[0]
    assert annam["exit"] == annam["entry"] == pd.Timestamp("1874-03-15")
    assert not annam["exit_exact"]


def test_release_is_optional_and_rounded(tmp_path: Path) -> None:
    sample = SAMPLES["atop_alliances"]
    rows = sample.changed(2, "version", "4.0100002")
    assert set(read(tmp_path, "atop_alliances", rows)["version"]) == {4.01}
    assert "version" not in read(tmp_path, "atop_alliances", sample.changed(1, "version", "note"))


@pytest.mark.parametrize("name", ["contiguity", "contdir"])
def test_months_of_contiguity_are_whole_and_in_both_directions(tmp_path: Path, name: str) -> None:
    expected = [
        (1, 2, 1, "1920-01-01", "1950-03-31"),
        (1, 2, 2, "1950-03-01", "2016-12-31"),
        (1, 3, 5, "1910-01-01", "1911-01-31"),
        (2, 1, 1, "1920-01-01", "1950-03-31"),
        (2, 1, 2, "1950-03-01", "2016-12-31"),
        (3, 1, 5, "1910-01-01", "1911-01-31"),
    ]
    wanted = pd.DataFrame(expected, columns=["ccode1", "ccode2", "conttype", "start", "end"])
    wanted[["ccode1", "ccode2"]] *= 10
    wanted = wanted.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    assert_frame_equal(read(tmp_path, name), wanted)


def test_years_of_contiguity_become_spells(tmp_path: Path) -> None:
    table = read(tmp_path, "contdird")
    for state in (10, 20):
        pair = table[table["ccode1"] == state]
        assert pair["conttype"].tolist() == [1, 2, 2]
        assert pair["start"].astype(str).tolist() == ["1920-01-01", "1922-01-01", "1924-01-01"]
        assert pair["end"].astype(str).tolist() == ["1921-12-31", "1922-12-31", "1924-12-31"]


REVISIONS = ("revtype11", "revtype12", "revtype21", "revtype22")


@pytest.mark.parametrize("name", REVISIONS)
def test_territory_is_any_type_of_either_state(tmp_path: Path, name: str) -> None:
    header, *rows = SAMPLES["gml"].rows
    of_the_other = name[:-1] + str(3 - int(name[-1]))
    cells = dict.fromkeys(REVISIONS, "-9") | {name: "1", of_the_other: "2"}
    swapped = cells | {name: "2", of_the_other: "1"}
    changed = [
        [
            (cells if int(row[1]) < int(row[2]) else swapped).get(column, cell)
            for column, cell in zip(header, row, strict=True)
        ]
        for row in rows
    ]
    assert read(tmp_path, "gml", [header, *changed])["territory"].all()


def test_no_territory_where_all_types_are_others_or_missing(tmp_path: Path) -> None:
    table = read(tmp_path, "gml")
    assert table.groupby(["dispnum", "year"])["territory"].any().tolist() == [True, True, False]
    assert table["territory"].sum() == 4


def test_types_of_rivalry(tmp_path: Path) -> None:
    types = ["positional", "spatial", "ideological", "interventionary"]
    tss, td = (read(tmp_path, name) for name in ("tss", "td"))
    assert tss[types].to_numpy().tolist() == [
        [True, True, False, False],
        [False, False, True, False],
        [False, False, False, False],
    ]
    assert td[types].to_numpy().tolist() == [
        [True, True, False, False],
        [False, False, True, False],
        [True, True, False, True],
    ]
    assert (set(tss["source"]), set(td["source"])) == ({"tss"}, {"td"})


def test_polity_is_told_in_codes_of_cow(tmp_path: Path) -> None:
    rows = [
        *SAMPLES["polity"].rows,
        *(row.split(",") for row in ("341,KOS,2010,8,8", "348,MNT,2010,9,9", "347,YGS,2003,7,7")),
    ]
    scores = read(tmp_path, "polity", rows).set_index(["ccode", "year"])["polity2"]
    assert scores.dropna().to_dict() == {
        (305, 1919): 8,
        (341, 2010): 9,
        (345, 2003): 7,
        (347, 2010): 8,
        (365, 1921): -1,
        (365, 1922): -7,
        (365, 1923): -7,
    }
    assert scores.index[scores.isna()].tolist() == [(300, 1918)]


@pytest.mark.parametrize("code", ["-66", "-77", "-88", "", "NA"])
def test_interruptions_of_polity_are_missing(tmp_path: Path, code: str) -> None:
    rows = SAMPLES["polity"].changed(2, "polity2", code)
    scores = read(tmp_path, "polity", rows).set_index(["ccode", "year"])["polity2"]
    assert pd.isna(scores[365, 1921])


def test_democracy_without_code_is_left_out(tmp_path: Path) -> None:
    table = read(tmp_path, "vdem")
    assert table[["ccode", "year"]].to_numpy().tolist() == [[10, 1815], [10, 1816], [20, 1815]]
    assert table["polyarchy"].fillna(-1).tolist() == [0.05, -1, 0.9]


def test_capabilities(tmp_path: Path) -> None:
    table = read(tmp_path, "nmc").set_index(["ccode", "year"])
    assert table["cinc"].tolist() == [0.2, 0.25, 0.1]
    assert table["milex"].isna().tolist() == [False, True, True]
    assert table.loc[(10, 1951), "irst"] == 5.5


@pytest.mark.parametrize("name", ["mid", "gml"])
def test_sides_of_a_dispute(tmp_path: Path, name: str) -> None:
    table = read(tmp_path, name).set_index(["dispnum", "ccode1", "ccode2", "year"])
    row = table.loc[(2, 10, 20, 1950)]
    assert (row["fatalpre1"], row["fatalpre2"], row["hostlev1"], row["onset"]) == (0, 120, 4, 1)
    assert pd.isna(table.loc[(2, 10, 20, 1951), "fatality2"])
