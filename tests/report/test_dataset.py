"""The figures of a dataset show what its tables hold."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import lifelines
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.utils import qth_survival_times
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgb
from matplotlib.patches import Rectangle
from test_figures import check_inside, measured

from bayes_alliance.data.load import Data, load
from bayes_alliance.process.survival import OBSERVED_UNTIL, durations
from bayes_alliance.report.dataset import PERIODS, bound, decisions, missing
from bayes_alliance.report.figures import save
from bayes_alliance.report.figures.dataset import (
    COLOURS,
    COMMITMENT_COLOURS,
    LONGEST,
    _pale,
    dataset_figures,
    median_life,
    numbers_at_risk,
    survival_curve,
)

DATASETS = {
    "asymmetric": ("asymmetric",),
    "pooled": ("europe", "asia"),
    "europe": ("europe",),
    "asia": ("asia",),
}
REST = ["bound", "missingness", "survival-design", "survival-commitment"]
ERAS = ["timeline-to-1944", "timeline-1945-1991", "timeline-from-1992"]


@pytest.fixture(scope="module")
def asymmetric() -> Data:
    return load("asymmetric")


@pytest.fixture(scope="module")
def drawn() -> dict:
    return {key: dataset_figures(load(*names)) for key, names in DATASETS.items()}


@pytest.fixture(scope="module")
def texts(drawn) -> dict:
    return {key: measured(found) for key, found in drawn.items()}


def year(date: pd.Timestamp) -> float:
    return date.year + (date.dayofyear - 1) / 365.2425


def bars(found: dict) -> dict[str, tuple]:
    """Timeline's bars by episode, with their panel."""
    return {
        patch.get_gid(): (patch, axes)
        for slug, figure in found.items()
        if slug.startswith("timeline")
        for axes in figure.figure.axes
        for patch in axes.patches
        if isinstance(patch, Rectangle) and patch.get_gid()
    }


def lines(found: dict, marker: str) -> list:
    return [
        (line, axes)
        for slug, figure in found.items()
        if slug.startswith("timeline")
        for axes in figure.figure.axes
        for line in axes.lines
        if line.get_marker() == marker
    ]


# -- all figures -----------------------------------------------------------------------------


def test_every_figure_in_reading_order(drawn):
    assert list(drawn["asymmetric"]) == [*ERAS, *REST]
    for key in ("pooled", "asia"):
        assert list(drawn[key]) == ["timeline", *REST], key
    assert not durations(load("europe").episodes)["event"].any()
    assert list(drawn["europe"]) == ["timeline", "bound", "missingness"]
    assert plt.get_fignums() == []


@pytest.mark.parametrize("key", DATASETS)
def test_words(drawn, key):
    for slug, figure in drawn[key].items():
        assert figure.section == "data"
        assert figure.title.endswith("?"), slug
        for words in (figure.caption, figure.alt):
            assert words.endswith("."), (slug, words)
            assert ".." not in words
            assert "nan" not in words.replace(",", " ").replace(")", " ").split(), (slug, words)


@pytest.mark.parametrize("key", DATASETS)
def test_texts_are_whole_legible_and_apart(drawn, texts, key):
    for slug, found in texts[key].items():
        check_inside(drawn[key][slug], found)
        assert min(text.get_fontsize() for text, _ in found) >= 7, slug
        for (one, a), (two, b) in combinations(found, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            along = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 2 or along < 3, (slug, one.get_text(), two.get_text())


def test_palettes_can_be_told_apart_without_red_and_green():
    """Deuteranopia as of Machado, Oliveira & Fernandes (2009), severity 1."""
    seen = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    pale = {kind: _pale(colour) for kind, colour in COLOURS.items()}
    for palette in (COLOURS, COMMITMENT_COLOURS):
        for one, two in combinations(palette.values(), 2):
            assert np.linalg.norm(seen @ (np.array(to_rgb(one)) - to_rgb(two))) > 0.25, (one, two)
    for kind, colour in COLOURS.items():
        assert np.linalg.norm(seen @ (np.array(to_rgb(colour)) - pale[kind])) > 0.25, kind


def test_svg_is_the_same_every_time(drawn, tmp_path):
    save(drawn["asia"]["bound"], tmp_path / "a.svg")
    save(dataset_figures(load("asia"))["bound"], tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


# -- timeline --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", DATASETS)
def test_bars_are_the_designs(drawn, key):
    episodes = load(*DATASETS[key]).episodes.set_index("episode")
    formed = episodes[episodes["start"].notna() & episodes["accession_to"].isna()]
    found = bars(drawn[key])
    assert set(found) == set(formed.index)
    for episode, row in formed.iterrows():
        bar = found[episode][0]
        end = row["end"] if pd.notna(row["end"]) else OBSERVED_UNTIL
        assert bar.get_x() == pytest.approx(year(row["start"]), abs=1e-6)
        assert bar.get_x() + bar.get_width() == pytest.approx(year(end), abs=1e-6)
        kind, strength = str(row["outcome"]).split("_")
        fill = COLOURS[kind] if strength == "strong" else _pale(COLOURS[kind])
        assert same_color(bar.get_facecolor(), fill), episode


def test_known_alliances(drawn):
    found = bars(drawn["asymmetric"])
    for episode, kind, first, last in (
        ("southeast-asia-1954", "multilateral", 1955, 1977),
        ("warsaw-pact-1955", "multilateral", 1955, 1991),
        ("anzus-1951", "trilateral", 1952, 1986),
        ("us-taiwan-1954", "bilateral", 1955, 1980),
        ("atop-3075", "multilateral", 1947, 2026),
    ):
        bar = found[episode][0]
        assert same_color(bar.get_edgecolor(), COLOURS[kind])
        assert [int(bar.get_x()), int(bar.get_x() + bar.get_width())] == [first, last]
    middle = {
        round(line.get_ydata()[0], 3)
        for line, axes in lines(drawn["asymmetric"], ">")
        if axes is found["atop-3075"][1]
    }
    height = {e: round(found[e][0].get_y() + 0.36, 3) for e in ("atop-3075", "warsaw-pact-1955")}
    assert height["atop-3075"] in middle
    assert height["warsaw-pact-1955"] not in middle


def test_names_stand_before_their_bars(drawn):
    for slug in ERAS:
        figure = drawn["asymmetric"][slug].figure
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = canvas.get_renderer()
        (axes,) = figure.axes
        names = {text.xy[1]: text for text in axes.texts if hasattr(text, "xy")}
        rectangles = [p for p in axes.patches if p.get_gid()]
        assert len(names) >= len(rectangles) > 0
        for bar in rectangles:
            text = names[min(names, key=lambda y: abs(y - bar.get_y() - 0.36))]
            gap = bar.get_window_extent(box).x0 - text.get_window_extent(box).x1
            assert 0 < gap < 12, text.get_text()
            wanted = decisions(load("asymmetric")).set_index("episode")["name"]
            assert text.get_text() == wanted[bar.get_gid()]


@pytest.mark.parametrize("key", ["asymmetric", "pooled"])
def test_hollow_marks_are_what_failed(drawn, key):
    episodes = load(*DATASETS[key]).episodes.set_index("episode")
    failed = episodes[episodes["outcome"].isin(["none", "refused"])]
    marked = {
        line.get_gid(): line for marker in ("D", "o") for line, _ in lines(drawn[key], marker)
    }
    assert set(marked) == set(failed.index)
    for episode, line in marked.items():
        proposal = failed.at[episode, "proposal"]
        asked = pd.isna(proposal) or proposal == "none"
        assert line.get_marker() == ("o" if asked else "D")
        assert line.get_markerfacecolor() == "white"
        if not asked:
            assert line.get_color() == COLOURS[proposal.split("_")[0]]
        assert line.get_xdata()[0] == pytest.approx(year(failed.at[episode, "date"]), abs=1e-6)


def test_ticks_are_the_accessions(drawn):
    episodes = load("europe", "asia").episodes
    joined = sorted(map(year, episodes.loc[episodes["accession_to"].notna(), "start"].dropna()))
    found = [x for line, _ in lines(drawn["pooled"], "|") for x in line.get_xdata()]
    assert len(joined) == 2
    np.testing.assert_allclose(sorted(set(found)), joined, atol=1e-6)
    assert "Ticks: 2 accessions" in drawn["pooled"]["timeline"].caption


def test_accession_after_the_end_is_told_and_not_drawn():
    data = load("europe")
    late = data.episodes["episode"] == "north-atlantic-1955"
    ended = data.episodes["episode"] == "north-atlantic-1949"
    episodes = data.episodes.copy()
    episodes.loc[ended, "end"] = pd.Timestamp("1953-01-01")
    found = dataset_figures(replace(data, episodes=episodes))
    assert late.sum() == 1
    assert "Ticks: 1 accession " in found["timeline"].caption
    assert "Not drawn: 1 accession " in found["timeline"].caption
    at = {int(x) for line, _ in lines(found, "|") for x in line.get_xdata()}
    assert at == {1952}


def test_captions_of_timelines_count(drawn, asymmetric):
    rows = decisions(asymmetric)
    assert len(rows) > LONGEST
    spans = ((1816, 1944), (1945, 1991), (1992, 2025))
    for slug, (first, last) in zip(ERAS, spans, strict=True):
        own = rows[rows["date"].dt.year.between(first, last)]
        formed = own[~own["failed"]]
        caption = drawn["asymmetric"][slug].caption
        assert caption.startswith(f"{len(own)} decisions of {own['patron'].nunique()} patrons")
        for kind in COLOURS:
            assert f"{(formed['kind'] == kind).sum()} {kind}" in caption
        assert f"{formed['in_force'].sum()} still in force" in caption
        assert f"{own['failed'].sum()} hollow marks" in caption
        assert f"{formed['strong'].sum()} with a strong commitment" in caption


# -- who is bound to whom --------------------------------------------------------------------


def made_up(rows: list[tuple], clients: dict[str, list[str]]) -> Data:
    names = ["episode", "patron", "theatre", "outcome", "start", "end", "accession_to"]
    episodes = pd.DataFrame(rows, columns=names)
    for column in ("start", "end"):
        episodes[column] = pd.to_datetime(episodes[column])
    pairs = [(e, c) for e, found in clients.items() for c in found]
    return Data(
        "made-up",
        episodes,
        pd.DataFrame(pairs, columns=["episode", "client"]),
        pd.DataFrame(),
        pd.DataFrame(),
    )


def test_bound_by_hand():
    data = made_up(
        [
            ("pact", "USA", "asia", "trilateral_weak", "1950-01-01", "1970-01-01", None),
            ("joined", "USA", "asia", "multilateral_weak", "1960-01-01", "1970-01-01", "pact"),
            ("pair", "USA", "asia", "bilateral_strong", "1955-01-01", None, None),
            ("other", "RUS", "europe", "bilateral_strong", "1955-01-01", None, None),
            ("never", "RUS", "europe", "none", None, None, None),
        ],
        {
            "pact": ["JPN", "PHI"],
            "joined": ["THI"],
            "pair": ["JPN"],
            "other": ["JPN"],
            "never": ["POL"],
        },
    )

    def on(day: str) -> dict:
        found = bound(data, pd.Timestamp(day))
        keys = zip(found["patron"], found["client"], strict=True)
        return dict(zip(keys, zip(found["outcome"], found["designs"], strict=True), strict=True))

    assert on("1949-12-31") == {}
    assert on("1950-01-01") == {
        ("USA", "JPN"): ("trilateral_weak", 1),
        ("USA", "PHI"): ("trilateral_weak", 1),
    }
    assert on("1965-06-01") == {
        ("USA", "JPN"): ("multilateral_weak", 2),
        ("USA", "PHI"): ("multilateral_weak", 1),
        ("USA", "THI"): ("multilateral_weak", 1),
        ("RUS", "JPN"): ("bilateral_strong", 1),
    }
    assert on("1970-01-01") == {
        ("USA", "JPN"): ("bilateral_strong", 1),
        ("RUS", "JPN"): ("bilateral_strong", 1),
    }


def test_tiles_are_the_pairs(drawn, asymmetric):
    days = [pd.Timestamp(d) for d in ("1914-07-01", "1939-08-31", "1960-12-31", "2025-12-31")]
    figure = drawn["asymmetric"]["bound"]
    for axes, day in zip(figure.figure.axes, days, strict=True):
        found = bound(asymmetric, day).set_index(["patron", "client"])
        tiles = {p.get_gid(): p for p in axes.patches if p.get_gid()}
        assert set(tiles) == {f"{p}-{c}" for p, c in found.index}
        for (patron, client), row in found.iterrows():
            colour = COLOURS[row["outcome"].split("_")[0]]
            assert same_color(tiles[f"{patron}-{client}"].get_edgecolor(), colour)
        assert f"{len(found)} in {day.year}" in figure.caption
        assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o") == (
            (found["designs"] > 1).sum()
        )
        assert axes.get_title(loc="left").endswith(
            f"{found.index.get_level_values(1).nunique()} clients, "
            f"{found.index.get_level_values(0).nunique()} patrons"
        )
    east = bound(asymmetric, days[2]).set_index(["patron", "client"])
    assert east.at[("RUS", "POL"), "outcome"] == "multilateral_strong"
    assert east.at[("RUS", "POL"), "designs"] == 2
    assert "Poland" in figure.alt


# -- missing values --------------------------------------------------------------------------


def test_missing_is_counted(asymmetric):
    found = missing(asymmetric)
    for table in ("episodes", "clients", "years", "designs"):
        own = getattr(asymmetric, table)
        for column, row in found.loc[table].iterrows():
            assert row["all"] == pytest.approx(own[column].isna().mean()), (table, column)
    episodes = asymmetric.episodes
    early = episodes["date"].dt.year < 1914
    assert found.at[("episodes", "proposal"), "to 1913"] == pytest.approx(
        episodes.loc[early, "proposal"].isna().mean()
    )
    names = set(episodes.loc[episodes["date"].dt.year.between(1945, 1991), "episode"])
    clients = asymmetric.clients[asymmetric.clients["episode"].isin(names)]
    assert found.at[("clients", "fear"), "1945–91"] == pytest.approx(clients["fear"].isna().mean())
    said = {"end", "ended", "start", "accession_to", "fallback_of", "episode", "client"}
    assert not said & set(found.index.get_level_values("column"))


def test_missing_has_no_share_where_there_are_no_rows():
    found = missing(load("europe"))
    assert found.loc["episodes", "to 1913"].isna().all()
    assert found.loc["episodes", "1945–91"].notna().all()
    assert "designs" not in found.index.get_level_values("table")


def test_missingness_shows_the_shares(drawn, asymmetric):
    found = missing(asymmetric)
    found = found[found["all"] > 0]
    figure = drawn["asymmetric"]["missingness"]
    panels = figure.figure.axes
    widths = [bar.get_width() for axes in panels[::2] for bar in axes.patches]
    np.testing.assert_allclose(widths, found["all"])
    labels = [t.get_text() for axes in panels[::2] for t in axes.get_yticklabels()]
    assert labels == list(found.index.get_level_values("column"))
    shades = [float(box.get_facecolor()[0]) for axes in panels[1::2] for box in axes.patches]
    wanted = 1 - 0.75 * found[list(PERIODS.values())].to_numpy().ravel()
    np.testing.assert_allclose(shades, wanted, atol=1e-4)
    assert f"{len(found)} columns with a gap" in figure.caption
    lone = set(asymmetric.episodes.loc[asymmetric.episodes["adversary"].isna(), "episode"])
    rows = asymmetric.clients["episode"].isin(lone).sum()
    assert f"{rows} rows of clients belong to the {len(lone)} episodes" in figure.caption


# -- survival --------------------------------------------------------------------------------


def same_as_lifelines(lives: pd.DataFrame, prob: float) -> None:
    with np.errstate(all="ignore"):
        fitted = lifelines.KaplanMeierFitter(alpha=1 - prob).fit(lives["duration"], lives["event"])
    wanted = fitted.survival_function_.join(fitted.confidence_interval_)
    found = survival_curve(lives, prob)
    np.testing.assert_allclose(found.index, wanted.index, atol=1e-9)
    np.testing.assert_allclose(found["share"], wanted.iloc[:, 0], atol=1e-9)
    some = (found["share"] > 0).to_numpy()
    np.testing.assert_allclose(found.loc[some, "lower"], wanted.iloc[some, 1], atol=1e-9)
    np.testing.assert_allclose(found.loc[some, "upper"], wanted.iloc[some, 2], atol=1e-9)
    assert found.loc[~some, ["lower", "upper"]].isna().all(axis=None)
    wanted.iloc[~some, 1:] = np.nan
    lowered = wanted - 1e-9  # where the share is one half, rounding decides
    for (end, at), column in zip(median_life(found).items(), wanted, strict=True):
        expected = qth_survival_times(0.5, lowered[[column]].dropna())
        assert at == expected or (np.isnan(at) and np.isinf(expected)), end


@pytest.mark.parametrize("prob", [0.9, 0.5])
def test_curve_is_that_of_lifelines(asymmetric, prob):
    lives = durations(asymmetric.episodes)
    assert len(lives) > 100
    same_as_lifelines(lives, prob)
    kind = asymmetric.episodes.set_index("episode")["outcome"].astype(str).str.split("_").str[0]
    for name, part in lives.groupby(kind.reindex(lives.index)):
        assert name in COLOURS
        same_as_lifelines(part, prob)


@settings(deadline=None, max_examples=60)
@given(
    lives=st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=40),
    prob=st.floats(0.1, 0.99),
)
def test_curve_is_that_of_lifelines_with_ties_and_censoring(lives, prob):
    table = pd.DataFrame(lives, columns=["duration", "event"]).astype({"event": int})
    same_as_lifelines(table.assign(duration=table["duration"] / 4), prob)


def test_numbers_at_risk_by_hand():
    lives = pd.DataFrame({"duration": [1.0, 2.0, 2.0, 3.5, 10.0], "event": [1, 0, 1, 1, 0]})
    found = numbers_at_risk(lives, [0, 1, 1.5, 2, 3, 3.5, 9, 10, 11])
    assert found.tolist() == [5, 5, 4, 4, 2, 2, 1, 1, 0]


def test_curve_by_hand():
    lives = pd.DataFrame({"duration": [1.0, 2.0, 2.0, 3.0], "event": [1, 1, 0, 1]})
    found = survival_curve(lives, 0.9)
    assert found["share"].tolist() == pytest.approx([1, 0.75, 0.5, 0])
    assert found.loc[0.0].tolist() == [1, 1, 1]
    assert found.loc[3.0, ["lower", "upper"]].isna().all()
    spread = 1.6448536269514722 * np.sqrt(1 / 12) / -np.log(0.75)
    assert found.at[1.0, "lower"] == pytest.approx(0.75 ** np.exp(spread))
    assert found.at[1.0, "upper"] == pytest.approx(0.75 ** np.exp(-spread))
    assert median_life(found)["median"] == 2
    assert np.isnan(median_life(survival_curve(lives.assign(event=0)))["median"])


def test_survival_figure_shows_risk_and_medians(drawn, asymmetric):
    lives = durations(asymmetric.episodes)
    rows = asymmetric.episodes.set_index("episode").reindex(lives.index)
    kind = rows["outcome"].astype(str).str.split("_").str[0]
    figure = drawn["asymmetric"]["survival-design"]
    curves, below = figure.figure.axes
    assert [t.get_text() for t in below.get_yticklabels()] == list(COLOURS)
    times = sorted({t.get_position()[0] for t in below.texts})
    shown = [int(t.get_text()) for t in below.texts]
    wanted = [n for k in COLOURS for n in numbers_at_risk(lives[kind == k], times)]
    assert shown == wanted
    assert curves.get_xlim() == below.get_xlim()
    for k in COLOURS:
        part = lives[kind == k]
        median = median_life(survival_curve(part))["median"]
        words = f"{k} ({len(part)} designs, {part['event'].sum()} ended) {median:.1f} years"
        assert words in figure.caption
        same = [line for line in curves.lines if same_color(line.get_color(), COLOURS[k])]
        step, ticks = same
        assert step.get_xdata()[-1] == pytest.approx(part["duration"].max())
        assert len(ticks.get_xdata()) == (part["event"] == 0).sum()
    replaced = (rows["ended"] == "replaced").sum()
    assert f"{lives['event'].sum()} ended; the others are censored, {replaced}" in figure.caption
    assert "pointwise 90 % intervals" in figure.caption


def test_survival_by_commitment_has_both_samples(drawn, asymmetric):
    lives = durations(asymmetric.episodes)
    rows = asymmetric.episodes.set_index("episode").reindex(lives.index)
    several = ~rows["outcome"].astype(str).str.startswith("bilateral")
    figure = drawn["asymmetric"]["survival-commitment"]
    titles = [axes.get_title(loc="left") for axes in figure.figure.axes[::2]]
    assert titles == [
        f"Designs of more than one client ({several.sum()})",
        f"All designs ({len(lives)})",
    ]
    both = figure.caption.partition("All designs: ")
    for part, chosen in zip(both[::2], (several, several | True), strict=True):
        for level, words in (("none", "no promise"), ("defend", "promise to defend")):
            own = lives[chosen & (rows["commitment"] == level)]
            assert f"{words} ({len(own)} designs, {own['event'].sum()} ended)" in part


# -- other data ------------------------------------------------------------------------------


def test_without_failures_gaps_and_designs():
    data = load("europe", "asia")
    formed = data.episodes[data.episodes["start"].notna()].reset_index(drop=True)
    found = dataset_figures(replace(data, episodes=formed))
    assert "hollow" not in found["timeline"].caption
    labels = [t.get_text() for t in found["timeline"].figure.legends[0].get_texts()]
    assert not [t for t in labels if "failed" in t or "asked" in t]

    filled = {
        name: table.drop(columns=[c for c in table if table[c].isna().any() and c in gaps])
        for name, gaps in (
            ("episodes", {"frame", "threat_statement"}),
            ("clients", {"fear"}),
            ("years", {"distance_km"}),
        )
        for table in [getattr(data, name)]
    }
    assert "missingness" not in dataset_figures(replace(data, **filled))

    nothing = data.episodes[data.episodes["outcome"].isin(["none"])].reset_index(drop=True)
    assert len(nothing)
    left = dataset_figures(replace(data, episodes=nothing))
    assert "timeline" in left
    assert not {"bound", "survival-design", "survival-commitment"} & set(left)


def test_without_commitments_or_joint_designs():
    data = load("asymmetric")
    unknown = data.episodes.assign(commitment=None)
    assert "survival-commitment" not in dataset_figures(replace(data, episodes=unknown))
    pairs = load("asia").episodes
    pairs = pairs[pairs["outcome"].astype(str).str.startswith("bilateral")].reset_index(drop=True)
    found = dataset_figures(replace(load("asia"), episodes=pairs))
    titles = [a.get_title(loc="left") for a in found["survival-commitment"].figure.axes]
    assert titles[0] == ""
    assert len(titles) == 2
    assert "of more than one client" not in found["survival-commitment"].caption
