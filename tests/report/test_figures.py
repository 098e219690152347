"""Figures drawn from draws of the priors: the drawing does not ask where draws come from."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import arviz as az
import lifelines
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from made_outlooks import made_outlook
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from bayes_alliance.check.quantities import lifetimes
from bayes_alliance.compare.hypotheses import hypotheses, probability
from bayes_alliance.compare.loo import difference, table
from bayes_alliance.compare.stages import STAGES
from bayes_alliance.compare.unseen import KINDS
from bayes_alliance.data.load import Data, load
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.scenario import read
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.survival import OBSERVED_UNTIL, alliance_years, durations
from bayes_alliance.report.figures import (
    SUBJECTS,
    Figure,
    compared,
    diagrams,
    figures,
    fitted,
    forecasted,
    outlook,
    predicted,
    save,
    timeline,
)
from bayes_alliance.report.figures import hypotheses as forests
from bayes_alliance.report.figures.style import RC, THEATRE_COLOURS, THEORY_COLOURS, settle
from bayes_alliance.report.results import ASKED, FORECAST, MAIN, Results
from bayes_alliance.storage import TABLES, priors_of
from bayes_alliance.theories import build

DRAWS = 100
THEORIES = ("occupation", "prospect", "null")
VARIANT = "prospect, without coded frames"
SLUGS = [
    "cases",
    "structure-occupation",
    "structure-prospect",
    "forest",
    "hypotheses-occupation",
    "hypotheses-prospect",
    "credibility",
    "frames",
    "sensitivity",
    "diagnostics",
    "ranks-occupation",
    "ranks-prospect",
    "comparison",
    "pointwise",
    "pareto-k",
    "stages",
    "unseen",
    "designs-observed-predicted",
    "survival",
    "checks",
    "forecasts-multilateral",
    "forecasts",
    "forecasts-by-year",
    "forecasts-lasting",
    "forecasts-movers",
]


def prior_tree(theory: str, data: Data) -> xr.DataTree:
    """A fit whose posterior is the prior."""
    model = build(theory, data)
    drawn = pm.sample_prior_predictive(
        2 * DRAWS,
        model=model,
        var_names=[v.name for v in [*model.free_RVs, *model.deterministics] if v.name != "hazard"],
        random_seed=1,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )["prior"].to_dataset()
    halves = [
        drawn.isel(chain=0, draw=slice(i * DRAWS, (i + 1) * DRAWS)).assign_coords(
            draw=np.arange(DRAWS)
        )
        for i in range(2)
    ]
    posterior = xr.concat(halves, pd.Index([0, 1], name="chain"))
    spec = load_priors(theory)
    tables = {name: ((), getattr(data, name).to_csv(index=False)) for name in TABLES}
    tables["priors"] = (
        (),
        json.dumps({"parameters": spec.parameters, "options": spec.options}),
    )
    tree = xr.DataTree.from_dict(
        {"posterior": posterior, "prior": drawn, "tables": xr.Dataset(tables)}
    )
    tree.attrs.update(theory=theory, data_name=data.name, seed=1)
    return tree


def score(cases: list[str], centre: float, seed: int) -> az.ELPDDataLOO:
    """PSIS-LOO of a log-likelihood made up for the purpose."""
    rng = np.random.default_rng(seed)
    values = centre + 0.3 * rng.standard_normal((2, DRAWS, len(cases)))
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": (("chain", "draw"), values[..., 0])}),
            "log_likelihood": xr.Dataset(
                {"y": (("chain", "draw", "case"), values)}, coords={"case": cases}
            ),
        }
    )
    found = az.loo(tree, pointwise=True)
    found.influence_pareto_k = found.pareto_k.copy()
    return found


def made_up(data: Data, fits: tuple[str, ...], names: tuple[str, ...]) -> Results:
    """Results with true draws for some theories and made-up scores for all."""
    trees = {name: prior_tree(name, data) for name in fits}
    cases = list(dict.fromkeys(data.episodes["case"]))
    rivals = [*names, VARIANT]
    scores = {
        (information, by): {
            n: score(cases, -2.0 - 0.2 * i - 0.1 * k, 10 * k + i) for i, n in enumerate(rivals)
        }
        for k, (information, by) in enumerate(
            (i, b) for b in ("episode", "theatre") for i in ("indicators", "commitments")
        )
    }
    main = scores[MAIN][names[0]]
    main.influence_pareto_k[0], main.pareto_k[0] = 0.9, 0.0  # as after an exact refit
    rng = np.random.default_rng(3)
    known = data.episodes.set_index("episode")["theatre"]
    found = {name: hypotheses(tree) for name, tree in trees.items()}
    return Results(
        trees=trees,
        data=data,
        diagnostics={
            name: {
                "rhat_max": 1.004,
                "ess_bulk_min": 900.0,
                "ess_tail_min": 700.0,
                "divergences": 0,
                "problems": [],
            }
            for name in rivals
        },
        scores=scores,
        comparison={key: table({n: s[n] for n in names}) for key, s in scores.items()},
        hypotheses=found | {VARIANT: found["prospect"]},
        sensitivity={
            name: pd.DataFrame(rng.uniform(0, 0.15, (len(t), 2)), t.index, ["prior", "likelihood"])
            for name, t in found.items()
        },
        checks={
            name: pd.DataFrame(
                {
                    "description": ["share of cases that ended in a strong commitment", "years"],
                    "observed": [0.8, 22.0],
                    "mean": [0.5, 40.0],
                    "lower": [0.2, 5.0],
                    "upper": [0.7, 70.0],
                    "tail": [0.01, 0.3],
                },
                index=pd.Index(["strong_europe", "years_seato"], name="quantity"),
            )
            for name in names
        },
        scenarios={name: read(name) for name in FORECAST},
        forecasts={
            f"scenario-{k}": pd.DataFrame(
                [
                    {"theory": n, "cell": c, "probability": p, "lower": p / 2, "upper": 1.1 * p}
                    for n in (*names, STACKED)
                    for c, p in zip(CELLS, rng.dirichlet(np.ones(7)), strict=True)
                ]
            )
            for k in range(3)
        },
        outlooks={name: made_outlook(names, name) for name in FORECAST},
        stages={
            "indicators": {
                n: pd.DataFrame(rng.normal(-1, 1, (len(cases), len(STAGES))), cases, STAGES)
                for n in names
            }
        },
        unseen=pd.DataFrame(
            [
                {"case": case, "without": out, "theory": n, "design": design}
                | {"probability": p, "lower": p / 2, "upper": (1 + p) / 2}
                for by in (("theatre", "episode") if known.nunique() > 1 else ("episode",))
                for case in ASKED
                if case in known.index
                for out in (known[case] if by == "theatre" else by,)
                for n in names
                for design, p in zip(KINDS, rng.uniform(size=len(KINDS)), strict=True)
            ]
        ),
    )


@pytest.fixture(scope="module")
def results() -> Results:
    return made_up(load("europe", "asia"), THEORIES, THEORIES)


@pytest.fixture(scope="module")
def drawn(results):
    return figures(results)


@pytest.fixture(scope="module")
def texts(drawn):
    return measured(drawn)


def measured(drawn: dict[str, Figure]) -> dict[str, list]:
    """Bounding boxes of all texts as drawn, by figure."""
    out = {}
    for slug, figure in drawn.items():
        canvas = FigureCanvasAgg(figure.figure)
        canvas.draw()
        box, hidden = canvas.get_renderer(), _kept_back(figure.figure)
        out[slug] = [
            (t, t.get_window_extent(box))
            for t in figure.figure.findobj(Text)
            if t.get_visible() and t.get_text().strip() and id(t) not in hidden
        ]
    return out


def _kept_back(figure) -> set[int]:
    """Labels of ticks that are kept for later, or lie outside the panel: they are not drawn."""
    out = set()
    for axes in figure.axes:
        for axis, at in ((axes.xaxis, 0), (axes.yaxis, 1)):
            low, high = sorted(axis.get_view_interval())
            off = not axes.axison or not axis.get_visible()
            drawn = set() if off else {id(label) for label in axis.get_ticklabels(which="both")}
            for tick in [*axis.majorTicks, *axis.minorTicks]:
                for label in (tick.label1, tick.label2):
                    inside = low <= label.get_position()[at] <= high
                    if id(label) not in drawn or not inside:
                        out.add(id(label))
    return out


def keys(module, results: Results) -> list[str]:
    with plt.rc_context(RC):
        return [slug for slug, _ in module.draw(results)]


def test_every_figure_in_reading_order(drawn):
    assert list(drawn) == SLUGS


def test_words_and_sections(drawn):
    sections = [f.section for f in drawn.values()]
    order = ["data", "theory", "fit", "compare", "stage", "unseen", "check", "forecast"]
    assert list(dict.fromkeys(sections)) == order
    for slug, figure in drawn.items():
        for words in (figure.title, figure.caption, figure.alt):
            assert words.strip(), slug
            assert "nan" not in words.replace(",", " ").replace(")", " ").split(), (slug, words)
            assert "$" not in words
        assert figure.caption.endswith("."), slug
        assert figure.title != figure.caption


def test_pyplot_holds_no_figure(drawn):
    assert plt.get_fignums() == []


def test_width_and_letters_suit_a_phone(drawn, texts):
    for slug, figure in drawn.items():
        assert figure.figure.get_figwidth() <= 8
        for text, _ in texts[slug]:
            assert text.get_fontsize() >= 9, (slug, text.get_text())


@pytest.mark.parametrize("slug", SLUGS)
def test_no_text_is_cut_off(drawn, texts, slug):
    check_inside(drawn[slug], texts[slug])


def check_inside(figure: Figure, texts: list) -> None:
    width, height = figure.figure.bbox.size
    for text, box in texts:
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, (text.get_text(), box)


@pytest.mark.parametrize("slug", SLUGS)
def test_no_texts_overlap(texts, slug):
    for (one, a), (two, b) in combinations(texts[slug], 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 2 or along < 3, (one.get_text(), two.get_text())


def test_every_panel_shows_something_and_names_its_axis(drawn):
    for slug, figure in drawn.items():
        panels = [a for a in figure.figure.axes if a.axison]
        for axes in panels:
            shared = axes.get_shared_x_axes().get_siblings(axes)
            twin = any(a is not axes and a.bbox.bounds == axes.bbox.bounds for a in shared)
            assert twin or axes.lines or axes.patches or axes.collections, slug
        named = figure.figure.get_supxlabel() or any(a.get_xlabel() for a in panels)
        assert named or figure.section == "theory", slug


def test_svg_is_the_same_every_time(results, drawn, tmp_path):
    first = {}
    for slug in ("cases", "structure-prospect", "ranks-occupation"):
        save(drawn[slug], tmp_path / "a.svg")
        first[slug] = (tmp_path / "a.svg").read_bytes()
        assert b"<dc:date>" not in first[slug]
        assert b"<text" not in first[slug]
    assert set(first) == {"cases", "structure-prospect", "ranks-occupation"}
    few = replace(results, trees={"prospect": results.trees["prospect"]})
    with plt.rc_context(RC):
        again = {**dict(timeline.draw(few)), **dict(diagrams.draw(few))}
    for slug, figure in again.items():
        settle(figure)
        save(figure, tmp_path / "b.svg")
        assert (tmp_path / "b.svg").read_bytes() == first[slug], slug


def test_save_does_not_depend_on_the_users_settings(drawn, tmp_path):
    save(drawn["cases"], tmp_path / "a.svg")
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": None, "font.size": 30}):
        save(drawn["cases"], tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_palette_can_be_told_apart_without_red_and_green():
    """Deuteranopia as of Machado, Oliveira & Fernandes (2009), severity 1."""
    seen = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    for palette in (THEORY_COLOURS, THEATRE_COLOURS):
        for one, two in combinations(palette.values(), 2):
            gap = seen @ (np.array(to_rgb(one)) - np.array(to_rgb(two)))
            assert np.linalg.norm(gap) > 0.25, (one, two)


def of_occupation(slug: str) -> bool:
    return slug == "credibility" or slug.endswith("-occupation")


def test_a_missing_theory_takes_its_figures_along(results):
    names = ["prospect", "null"]
    fewer = replace(
        results,
        trees={n: results.trees[n] for n in names},
        hypotheses={n: results.hypotheses[n] for n in names},
        sensitivity={n: results.sensitivity[n] for n in names},
        checks={n: results.checks[n] for n in names},
        comparison={k: table({n: s[n] for n in names}) for k, s in results.scores.items()},
        scores={k: {n: s[n] for n in names} for k, s in results.scores.items()},
        forecasts={},
        outlooks={},
    )
    left = [slug for module in SUBJECTS for slug in keys(module, fewer)]
    assert left == [s for s in SLUGS if not of_occupation(s) and not s.startswith("forecasts")]


def test_what_is_absent_is_skipped(results):
    bare = replace(
        results,
        sensitivity={},
        diagnostics={},
        checks={},
        comparison={},
        scores={},
        forecasts={},
        outlooks={},
    )
    assert keys(compared, bare) == []
    none = dict.fromkeys(results.hypotheses, results.hypotheses["null"])
    assert keys(forests, replace(bare, hypotheses=none)) == []
    assert keys(forecasted, bare) == []
    assert keys(outlook, bare) == []
    left = keys(fitted, bare)
    assert "sensitivity" not in left
    assert "diagnostics" not in left
    unborn = results.data.episodes.assign(start=pd.NaT, end=pd.NaT, ended=None)
    nothing = replace(bare, data=replace_episodes(results.data, unborn))
    assert keys(predicted, nothing) == ["designs-observed-predicted"]
    empty = replace(bare, data=replace_episodes(results.data, unborn.iloc[:0]))
    assert keys(timeline, empty) == []


def replace_episodes(data: Data, episodes: pd.DataFrame) -> Data:
    return Data(data.name, episodes, data.clients, data.years, data.codings)


def test_frames_say_when_none_is_coded(results, drawn):
    assert "coded frames (black)" in drawn["frames"].caption
    unframed = replace_episodes(results.data, results.data.episodes.assign(frame=None))
    blank = fitted._frames("prospect", replace(results, data=unframed))
    assert "No frames are coded" in blank.caption
    entries = [t.get_text() for t in blank.figure.legends[0].get_texts()]
    assert not [e for e in entries if e.startswith("coded")]


def test_one_theatre_and_no_null():
    data = load("asia")
    data = Data(data.name, data.episodes, data.clients, data.years, data.codings.iloc[:0])
    found = figures(made_up(data, ("prospect",), ("occupation", "prospect")))
    shown = {s for s in SLUGS if not of_occupation(s)}
    assert set(found) == shown - {"stages"}, "stages are set against the null"
    assert len([a for a in found["designs-observed-predicted"].figure.axes if a.axison]) == 1
    assert "minus that of prospect" in found["pointwise"].caption
    for slug, boxes in measured(found).items():
        check_inside(found[slug], boxes)


def test_differences_are_those_of_arviz(results):
    for key, found in results.comparison.items():
        scores = results.scores[key]
        for name, row in found.iterrows():
            gap, error, _ = difference(scores[name], scores[found.index[0]])
            assert gap == pytest.approx(row["elpd_diff"], abs=1e-9)
            assert error == pytest.approx(row["dse"], abs=1e-9)


def test_captions_tell_the_numbers(results, drawn):
    first, second = results.comparison[MAIN].index[:2]
    gap = abs(results.comparison[MAIN].at[second, "elpd_diff"])
    assert f"{first} leads {second} by {gap:.1f}" in drawn["comparison"].caption
    assert "1 of 2 for occupation" in drawn["checks"].caption
    assert f"{len(results.data.episodes)} coded episodes" in drawn["cases"].caption
    case = results.data.episodes["name"].iloc[0]
    assert f"{case} (occupation)" in drawn["pareto-k"].caption
    for hypothesis, row in results.hypotheses["occupation"].iterrows():
        wanted = f"{hypothesis}: Pr({row['expected']}) = {row['probability']:.2f}"
        titles = [a.get_title(loc="left") for a in drawn["hypotheses-occupation"].figure.axes]
        assert any(t.startswith(wanted) for t in titles), titles


def spans(figure) -> set[tuple[float, float]]:
    """Both ends of every interval along x."""
    lines = [line.get_xydata() for axes in figure.axes for line in axes.lines]
    return {(xy[0, 0], xy[1, 0]) for xy in lines if len(xy) == 2 and xy[0, 1] == xy[1, 1]}


def test_forest_has_every_interval_with_its_prior_and_probability(results, drawn):
    figure = drawn["forest"].figure
    there, texts = spans(figure), [t.get_text() for a in figure.axes for t in a.texts]
    for name in ("occupation", VARIANT):
        for hypothesis, row in results.hypotheses[name].iterrows():
            assert (row["lower"], row["upper"]) in there, (name, hypothesis)
            assert (row["prior_lower"], row["prior_upper"]) in there, (name, hypothesis)
            wanted = f"{probability(row['probability'])} ({probability(row['prior_probability'])})"
            assert wanted in texts, (name, hypothesis)
            labels = " ".join(t.get_text() for a in figure.axes for t in a.get_yticklabels())
            assert row["words"] in labels.replace("\n", " ")
    entries = [t.get_text() for t in figure.legends[0].get_texts()]
    assert VARIANT in entries and "not trusted" not in entries


def test_forest_tints_the_side_that_the_article_expects(results, drawn):
    first = drawn["forest"].figure.axes[0]  # rows of the occupation theory
    sides = ["above 0" if bar.get_width() > 0 else "below 0" for bar in first.patches]
    assert sides == list(results.hypotheses["occupation"]["expected"])
    low, high = first.get_xlim()
    assert low == -high


def test_forest_says_which_fit_failed(results):
    bad = {
        n: d | {"problems": ["R-hat 1.20 at x"] if n == "prospect" else []}
        for n, d in results.diagnostics.items()
    }
    held = results.hypotheses["prospect"].assign(probability=0.99)
    found = replace(results, diagnostics=bad, hypotheses=results.hypotheses | {"prospect": held})
    with plt.rc_context(RC):
        figure = dict(forests.draw(found))["forest"]
    assert "Not to be trusted (dashed): prospect." in figure.caption
    assert "support none" in figure.caption
    dashed = [li for a in figure.figure.axes for li in a.lines if li.get_linestyle() == "--"]
    assert len(dashed) == len(held)
    assert "not trusted" in [t.get_text() for t in figure.figure.legends[0].get_texts()]


def test_forest_parts_rows_of_other_scales():
    reach = {"A": 1.0, "B": 1.9, "C": 0.6, "D": 0.3, "E": 0.5, "F": 5.0}
    table = pd.DataFrame(
        {
            "words": "Words.",
            "expected": "above 0",
            "lower": [-r / 2 for r in reach.values()],
            "upper": [r / 3 for r in reach.values()],
            "prior_lower": [-r for r in reach.values()],
            "prior_upper": 0.1,
        },
        index=list(reach),
    )
    half = forests.Series("one", table.loc[["A", "C"]], "black", "o")
    parts = forests._alike([half, forests.Series("two", table, "black", "o")])
    assert [list(part.index) for part in parts] == [["A", "C", "B"], ["D", "E"], ["F"]]


def test_kaplan_meier_is_that_of_lifelines(results):
    lives = durations(results.data.episodes)
    x, y = predicted.kaplan_meier(lives)
    curve = lifelines.KaplanMeierFitter().fit(lives["duration"], lives["event"])
    np.testing.assert_allclose(y, curve.predict(x).to_numpy(), atol=1e-12)


def test_open_ended_designs_outlive_their_end(results):
    before, after = results.data.episodes, predicted.open_ended(results.data).episodes
    alive = before["start"].notna()
    assert (after.loc[alive, "ended"] == "in_force").all()
    lives = durations(after)
    assert not lives["event"].any()
    born = before.set_index("episode")["start"].reindex(lives.index)
    np.testing.assert_allclose(
        lives["duration"], (OBSERVED_UNTIL - born) / pd.Timedelta(365.2425, "D"), rtol=1e-9
    )


def test_threat_is_carried_over_gaps_and_to_the_end(results):
    data = results.data
    asia = data.years["theatre"] == "asia"
    years = data.years[~(asia & (data.years["year"].between(1990, 1992)))]
    gap = Data(data.name, data.episodes, data.clients, years, data.codings)
    after = predicted.open_ended(gap).years
    for _, rows in after.groupby(["patron", "theatre"]):
        assert rows["year"].tolist() == list(range(rows["year"].min(), OBSERVED_UNTIL.year))
    usa = after[(after["theatre"] == "asia") & (after["patron"] == "USA")].set_index("year")
    assert (usa.loc[1990:1992, "power_ratio"] == usa.at[1989, "power_ratio"]).all()
    assert after["power_ratio"].notna().any()


def test_survival_curves_are_those_of_simulated_lives(results):
    tree, data = results.trees["null"], predicted.open_ended(results.data)
    grid = np.array([0.0, 0.4, 12.0, 40.0])
    curves = predicted.survival_curves(tree, data, grid)
    assert (curves.sel(year=0.0) == 1).all()
    assert (curves.diff("year") <= 0).all()
    model = build("null", data, priors_of(tree))
    posterior = tree["posterior"].to_dataset()
    hazard = at_draws(model, posterior, {"hazard": model["hazard"]})["hazard"].to_numpy()
    hazard = hazard.reshape(-1, hazard.shape[-1])
    rows = alliance_years(data.episodes)
    chosen = (rows["episode"] == "southeast-asia-1954").to_numpy()
    exact = curves.sel(episode="southeast-asia-1954")
    np.testing.assert_allclose(
        exact.sel(year=0.4), np.exp(-0.4 * hazard[:, np.flatnonzero(chosen)[0]]), rtol=1e-9
    )
    many = np.repeat(hazard[:, chosen], 200, axis=0)
    lives = lifetimes(many, rows.loc[chosen, "exposure"].to_numpy(), seed=2)
    for year in grid[1:]:
        assert (lives > year).mean() == pytest.approx(float(exact.sel(year=year).mean()), abs=0.01)


def test_kinds_of_design_sum_to_one(results):
    for found in results.forecasts.values():
        shares = forecasted._kind_shares(found)
        assert shares.index[-1] == STACKED
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        of = found[(found["theory"] == "null") & found["cell"].str.startswith("multilateral")]
        assert shares.at["null", "multilateral"] == pytest.approx(of["probability"].sum())


def test_saves_svg_under_any_name(drawn, tmp_path: Path):
    save(drawn["credibility"], tmp_path / ".credibility.svg.part")
    assert ElementTree.parse(tmp_path / ".credibility.svg.part").getroot().tag.endswith("svg")
