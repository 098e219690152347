"""Figures of what the theories predict, drawn from hand-made tables and hazards."""

from __future__ import annotations

from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from bayes_alliance.check.lives import Lives, observed_lives, relived
from bayes_alliance.check.quantities import quantities
from bayes_alliance.compare.predictions import ages, assemble
from bayes_alliance.data.load import Data, load
from bayes_alliance.process.cells import CELLS
from bayes_alliance.report.figures import predicted
from bayes_alliance.report.figures.style import RC, Figure

THEORIES = ("occupation", "prospect", "null")


@dataclass
class Shown:
    """What these figures read of the results."""

    data: Data
    trees: dict = field(default_factory=dict)
    checks: dict = field(default_factory=dict)
    predicted: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def wide() -> Data:
    return load("asymmetric")


@pytest.fixture(autouse=True)
def own_style():
    with plt.rc_context(RC):
        yield


def table(data: Data, observed: float = 0.3) -> pd.DataFrame:
    words = quantities(data)
    return pd.DataFrame(
        {"description": words.values(), "observed": observed}
        | {"mean": 0.5, "lower": 0.2, "upper": 0.8, "tail": 0.2},
        index=pd.Index(words, name="quantity"),
    )


def constant(lives: Lives, rate: float) -> xr.DataArray:
    """One stretch of one hazard a design."""
    names = lives.designs.index.to_numpy()
    return xr.DataArray(
        np.full((2, 200, len(names)), rate),
        dims=("chain", "draw", "stretch"),
        coords={
            "episode": ("stretch", names),
            "exposure": ("stretch", lives.designs["window"].to_numpy() + 1.0),
        },
    )


def inside(figure: Figure) -> None:
    """No text is cut off, none of two panels' titles overlap."""
    canvas = FigureCanvasAgg(figure.figure)
    canvas.draw()
    box = canvas.get_renderer()
    width, height = figure.figure.bbox.size
    seen = []
    for axes in figure.figure.axes:
        texts = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        low, high = sorted(axes.get_ylim())
        if axes.axison:
            texts += [t for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
        shown = [t for t in texts if t.get_visible() and t.get_text()]
        seen += [t.get_window_extent(box) for t in shown]
    for extent in seen:
        assert extent.x0 >= -1 and extent.x1 <= width + 1, figure.title
        assert extent.y0 >= -1 and extent.y1 <= height + 1, figure.title
    for i, one in enumerate(seen):
        for two in seen[i + 1 :]:
            across = min(one.x1, two.x1) - max(one.x0, two.x0)
            along = min(one.y1, two.y1) - max(one.y0, two.y0)
            assert across < 2 or along < 3, figure.title


def test_every_quantity_has_its_row_and_axis(wide):
    tables = {name: table(wide) for name in THEORIES}
    found = dict(predicted.draw(Shown(wide, checks=tables)))
    assert list(found) == ["checks", "checks-by-patron-and-era"]
    rows = {
        slug: [t.get_text().replace("\n", " ") for a in f.figure.axes for t in a.get_yticklabels()]
        for slug, f in found.items()
    }
    assert sorted(rows["checks"] + rows["checks-by-patron-and-era"]) == sorted(
        quantities(wide).values()
    )
    assert all("era" in r or "as patron" in r for r in rows["checks-by-patron-and-era"])
    axes = [a.get_xlabel() for a in found["checks"].figure.axes]
    assert axes == list(predicted.AXES)
    for figure in found.values():
        inside(figure)


def test_checks_count_what_lies_outside(wide):
    tables = {"null": table(wide), "prospect": table(wide, observed=0.9)}
    some = {n: t.loc[["strong_europe", "years_one", "refused_one"]] for n, t in tables.items()}
    found = dict(predicted.draw(Shown(wide, checks=some)))
    assert list(found) == ["checks"]
    assert "0 of 3 for null and 3 of 3 for prospect" in found["checks"].caption


def test_no_patron_nor_era_no_figure_of_them():
    data = load("europe")
    found = dict(predicted.draw(Shown(data, checks={"null": table(data)})))
    assert list(found) == ["checks"]


def test_survival_shows_the_replicated_band(wide):
    """Lives that were drawn from the hazards of one theory and not of the other."""
    coded = observed_lives(wide)
    drawn = relived(constant(coded, 0.04), coded, seed=1)
    lives = Lives(coded.designs, drawn.years[0, 0], drawn.ended[0, 0])
    hazard = {"null": constant(lives, 0.04), "prospect": constant(lives, 0.5)}
    found = predicted._survival(hazard, lives)
    inside(found)
    assert (
        "leave the band: several clients of prospect and one client of prospect." in found.caption
    )
    assert f"{len(lives.years)} observed lives, of which {lives.ended.sum()} ended" in found.caption
    assert "null, one client: 0.37; prospect, several clients: 0.00" in found.alt
    assert len(found.figure.axes) == 4
    for axes in found.figure.axes:
        assert axes.lines and axes.collections


def test_survival_of_one_kind_of_designs_has_one_row():
    data = load("europe")
    lives = observed_lives(data)
    few = lives.designs["cell"] >= CELLS.index("trilateral_weak")
    some = Lives(lives.designs[few], lives.years[few], lives.ended[few])
    found = predicted._survival({"null": constant(some, 0.04)}, some)
    assert len(found.figure.axes) == 1


def residual(points: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"point": points, "ended": True, "limit": 1.0})


def test_calibration_of_survival_names_the_theories_that_fail():
    rng = np.random.default_rng(1)
    found = predicted._residuals(
        {"null": residual(rng.random(200)), "prospect": residual(rng.random(200) ** 3)}
    )
    inside(found)
    assert "whose curve leaves it: prospect." in found.caption
    assert "200 designs" in found.caption and "(200)" in found.caption
    alone = predicted._residuals({"null": residual(rng.random(200))})
    assert "leaves it: none." in alone.caption


def events(p: np.ndarray, true: np.ndarray, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    out = pd.DataFrame(index=range(len(p)))
    for event, chance in (("multilateral", p), ("strong", true)):
        out[event] = p
        out[f"{event}_observed"] = rng.random(len(p)) < chance
    return out


def test_reliability_names_what_is_not_reliable():
    p = np.random.default_rng(1).uniform(0.1, 0.9, 200)
    found = predicted._reliability(
        {"null": events(p, p, 5), "prospect": events(p, (p > 0.5).astype(float), 5)},
        {"null": "", "prospect": "2 of 200 cases with high Pareto k, refitted"},
    )
    inside(found)
    assert "Curves that leave it: strong of prospect." in found.caption
    assert found.caption.endswith("draws; prospect: 2 of 200 cases with high Pareto k, refitted.")
    assert len(found.figure.axes) == 4


def test_five_theatres_have_room_for_their_names(wide):
    episodes = wide.episodes["episode"].to_numpy()
    p = np.full((1, 10, len(episodes), len(CELLS)), 1 / len(CELLS))
    posterior = xr.Dataset(
        {"design_probability": (("chain", "draw", "episode", "cell"), p)},
        coords={"episode": episodes, "cell": list(CELLS)},
    )
    trees = {name: xr.DataTree.from_dict({"posterior": posterior}) for name in THEORIES}
    found = predicted._designs(Shown(wide, trees=trees))
    inside(found)
    assert len([a for a in found.figure.axes if a.axison]) == wide.episodes["theatre"].nunique()


def test_a_fit_gives_all_figures(fits, data):
    cases = data.episodes["case"].nunique()
    guess = assemble(data, ages(data), np.full((cases, len(CELLS)), 1 / len(CELLS)))
    shown = Shown(
        data,
        trees={"null": fits["null"]},
        checks={"null": table(data)},
        predicted={"null": {"indicators": guess.assign_attrs(note="")}},
    )
    found = dict(predicted.draw(shown))
    assert list(found) == [
        "designs-observed-predicted",
        "reliability",
        "survival",
        "survival-pit",
        "checks",
        "checks-by-patron-and-era",
    ]
    for figure in found.values():
        assert figure.section == "check" and figure.caption.endswith(".")
        for words in (figure.title, figure.caption, figure.alt):
            assert "nan" not in words.replace(",", " ").split()
        assert figure.figure.get_figwidth() <= 8
        inside(figure)
    assert plt.get_fignums() == []
