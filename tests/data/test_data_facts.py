"""Facts of the two articles that must come out of the tables, and their provenance."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.data import load
from bayes_alliance.data.codebook import bibliography
from bayes_alliance.data.load import Data, confidence
from bayes_alliance.data.schema import CELLS, TABLES


@pytest.fixture(scope="module")
def data() -> Data:
    return load("europe", "asia")


def entered(data: Data) -> pd.DataFrame:
    """American episodes of 1949 to 1955 from which an alliance or a membership came."""
    episodes = data.episodes
    design = ~episodes["outcome"].isin(["none", "refused"])
    years = episodes["date"].dt.year.between(1949, 1955)
    return episodes[design & years & (episodes["patron"] == "USA")]


def test_seven_alliances(data: Data) -> None:
    rows = entered(data)
    assert int(rows["accession_to"].isna().sum()) == 7


def test_partners_by_theatre(data: Data) -> None:
    both = entered(data).sort_values("date").merge(data.clients, on="episode")
    first = both.drop_duplicates("client").groupby("theatre")["client"].nunique()
    assert first.to_dict() == {"asia": 8, "europe": 14}
    assert first.sum() == 22


def test_one_alliance_in_europe_and_six_in_asia(data: Data) -> None:
    rows = entered(data)
    new = rows[rows["accession_to"].isna()]
    assert new["theatre"].value_counts().to_dict() == {"asia": 6, "europe": 1}
    cells = new[new["theatre"] == "asia"]["outcome"].str.split("_").str[0].value_counts()
    assert cells.to_dict() == {"bilateral": 4, "trilateral": 1, "multilateral": 1}


def test_what_failed(data: Data) -> None:
    failed = data.episodes.set_index("episode")["outcome"]
    assert failed["pacific-pact-1951"] == "refused"
    nothing = ["pacific-union-1949", "baguio-1950", "united-action-1954"]
    assert sorted(failed[failed == "none"].index) == sorted(nothing)
    assert failed["southeast-asia-1954"] == "multilateral_weak"


def test_frames_in_asia(data: Data) -> None:
    asia = data.episodes[data.episodes["theatre"] == "asia"].sort_values("date")
    assert asia["frame"].dropna().tolist() == ["gain", "loss", "loss", "gain"]


def test_client_commitments_came_first_in_europe_only(data: Data) -> None:
    pledged = data.episodes[data.episodes["commitment"] == "defend"]
    assert set(pledged["episode"]) == {"north-atlantic-1949", "north-atlantic-1955"}


def test_lasting(data: Data) -> None:
    ended = data.episodes.set_index("episode")["ended"]
    assert ended["north-atlantic-1949"] == "in_force"
    assert ended["southeast-asia-1954"] == "dissolved"


def test_case_joins_a_proposal_with_its_fallbacks(data: Data) -> None:
    case = data.episodes.set_index("episode")["case"]
    assert (case == "pacific-pact-1951").sum() == 4
    assert case["dunkirk-1947"] == "dunkirk-1947"


def test_types(data: Data) -> None:
    assert data.clients["fear"].cat.ordered
    assert list(data.episodes["commitment"].cat.categories) == ["none", "consult", "defend"]
    assert pd.api.types.is_datetime64_any_dtype(data.episodes["start"])
    assert set(data.episodes["outcome"]) <= {*CELLS, "refused"}
    missing = data.episodes["frame"][data.episodes["frame"].isna()]
    assert all(value is None for value in missing)


def test_one_theatre_is_part_of_both(data: Data) -> None:
    parts = [load("europe"), load("asia")]
    assert sum(len(part.years) for part in parts) == len(data.years)
    assert sum(len(part.clients) for part in parts) == len(data.clients)
    assert set(parts[1].episodes["theatre"]) == {"asia"}
    assert len({data.hash, *(part.hash for part in parts)}) == 3
    assert (data.name, parts[0].name) == ("europe+asia", "europe")


def test_frames_can_be_blanked(data: Data) -> None:
    blank = load("europe", "asia", frames=False)
    assert blank.episodes["frame"].isna().all()
    assert blank.hash != data.hash
    same = [column for column in data.episodes if column != "frame"]
    pd.testing.assert_frame_equal(blank.episodes[same], data.episodes[same])


def test_description_counts(data: Data) -> None:
    counts = data.describe()
    assert list(counts) == ["europe", "asia", "total"]
    assert counts.at["new alliances", "asia"] == 6
    assert (counts["europe"] + counts["asia"])["episodes"] == counts.at["episodes", "total"]


VALUES = [
    (name, column)
    for name in ("episodes", "clients", "years")
    for column in TABLES[name].columns
    if column not in (TABLES[name].unique or [])
]


@pytest.mark.parametrize(("table", "column"), VALUES)
def test_every_value_has_a_confidence(data: Data, table: str, column: str) -> None:
    found = confidence(data, table, column)
    present = getattr(data, table)[column].notna()
    assert found.index.equals(present.index)
    assert found[present].notna().all()
    assert found[~present].isna().all()


def test_specific_codings_win(data: Data) -> None:
    names = data.episodes["episode"]
    outcome = confidence(data, "episodes", "outcome").groupby(names).first()
    assert outcome["us-south-korea-1953"] == 0.6
    years = confidence(data, "years", "disputes")
    assert years[data.years["year"] == 2025].max() < years[data.years["year"] == 2000].min()
    pairs = data.clients["episode"] + data.clients["client"]
    ratio = confidence(data, "clients", "capability_ratio").groupby(pairs).first()
    assert ratio["us-japan-1951JPN"] < ratio["anzus-1951AUL"]


def test_no_coding_is_idle(data: Data) -> None:
    """A row that names an episode and a client covers a value that is there."""
    named = data.codings[(data.codings["table"] == "clients") & (data.codings["client"] != "*")]
    values = data.clients.set_index(["episode", "client"])
    for row in named[named["episode"] != "*"].itertuples():
        assert pd.notna(values.at[(row.episode, row.client), row.column])


def test_sources_are_in_the_bibliography(data: Data) -> None:
    known = bibliography(bundled("data", "sources.bib").read_text(encoding="utf-8"))
    cited = {
        key.split()[0] for source in data.codings["source"] for key in source.split(";") if key
    }
    assert cited <= set(known)


def test_bibliography_has_a_title_for_each_entry() -> None:
    text = bundled("data", "sources.bib").read_text(encoding="utf-8")
    assert len(bibliography(text)) == len(re.findall(r"^@", text, flags=re.MULTILINE))
