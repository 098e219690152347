"""The page: sentences follow the results, what spoils a number stands beside it, HTML is sound."""

from __future__ import annotations

import base64
import copy
import html
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_outlooks import made_groupings, made_outlook

from bayes_alliance.compare.loo import difference, table
from bayes_alliance.compare.study import Study
from bayes_alliance.data.load import Data, load
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.scenario import read
from bayes_alliance.process.cells import CELLS
from bayes_alliance.report.page import page
from bayes_alliance.report.page.checked import check_sentence
from bayes_alliance.report.page.comparison import (
    best_sentence,
    carry_sentence,
    group_sentences,
    named_sentence,
    null_sentences,
    variant_sentences,
    weight_sentence,
)
from bayes_alliance.report.page.marks import fit_marks, forecast_marks, high_k
from bayes_alliance.report.page.methods import command
from bayes_alliance.report.page.outlook import (
    change_sentence,
    scenario_differences,
    scenario_facts,
    scenario_sentence,
)
from bayes_alliance.report.page.proper import proper_sentences, proper_table
from bayes_alliance.report.page.scores import case_tables, comparison_table
from bayes_alliance.report.page.stages import stage_sections
from bayes_alliance.report.page.tables import lines, red
from bayes_alliance.report.page.tables import table as write_table
from bayes_alliance.report.page.theories import (
    hypothesis_sentences,
    hypothesis_table,
    sensitivity_words,
    variant_hypotheses,
)
from bayes_alliance.report.page.trust import refit_sentence
from bayes_alliance.report.page.unseen import unseen_section, unseen_sentences
from bayes_alliance.report.page.words import number, percent, percents, signed
from bayes_alliance.report.results import ASKED, FORECAST, MAIN, Results
from bayes_alliance.report.words import left_out, listed

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3"><g id="a"><rect id="b"/></g></svg>'
THEORIES = ("occupation", "prospect", "null")
VARIANT = "prospect, without coded frames"


@dataclass(frozen=True)
class Drawn:
    """What the page reads of a figure."""

    title: str
    caption: str
    alt: str
    section: str


def score(cases: list[str], values: np.ndarray, k: float = 0.3) -> az.ELPDDataLOO:
    coords = {"case": cases}
    return az.ELPDDataLOO(
        elpd=float(values.sum()),
        se=float(np.sqrt(len(values) * values.var(ddof=1))),
        p=1.0,
        n_samples=4000,
        n_data_points=len(cases),
        scale="log",
        warning=False,
        good_k=0.7,
        elpd_i=xr.DataArray(values, coords, dims="case"),
        pareto_k=xr.DataArray(np.full(len(cases), k), coords, dims="case"),
    )


def compared(scores: dict[str, az.ELPDDataLOO], weights: dict[str, float]) -> pd.DataFrame:
    order = sorted(weights, key=lambda n: -scores[n].elpd)
    gaps = {n: difference(scores[n], scores[order[0]]) for n in order}
    return pd.DataFrame(
        {
            "elpd": [scores[n].elpd for n in order],
            "se": [scores[n].se for n in order],
            "elpd_diff": [gaps[n][0] for n in order],
            "dse": [gaps[n][1] for n in order],
            "weight": [weights[n] for n in order],
        },
        index=order,
    )


def hypotheses(probabilities: dict[str, float]) -> pd.DataFrame:
    rows = {
        name: {
            "words": f"Words of {name}.",
            "estimand": f"beta of {name}",
            "estimate": 1.25,
            "lower": -0.5,
            "upper": 3.0,
            "expected": "above 0",
            "probability": value,
            "prior_mean": 0.0,
            "prior_lower": -2.0,
            "prior_upper": 2.0,
            "prior_probability": 0.5,
            "article_finding": "supported, it says",
        }
        for name, value in probabilities.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="hypothesis")


def sensitivity(names: list[str], prior: float = 0.01, likelihood: float = 0.2) -> pd.DataFrame:
    values = {"prior": prior, "likelihood": likelihood, "diagnosis": "✓"}
    return pd.DataFrame([values] * len(names), index=names)


def forecast(names: tuple[str, ...], strong: float) -> pd.DataFrame:
    rest = (1 - strong) / (len(CELLS) - 1)
    rows = [
        {
            "theory": name,
            "cell": cell,
            "probability": strong if cell == CELLS[-1] else rest,
            "lower": 0.02,
            "upper": min(1.0, strong + 0.2),
        }
        for name in names
        for cell in CELLS
    ]
    return pd.DataFrame(rows)


def passed() -> dict:
    return {
        "rhat_max": 1.002,
        "rhat_max_at": "beta_1",
        "ess_bulk_min": 900.0,
        "ess_bulk_min_at": "beta_1",
        "ess_tail_min": 800.0,
        "ess_tail_min_at": "beta_1",
        "divergences": 0,
        "ebfmi_min": 0.9,
        "problems": [],
        "verdict": "ok",
        "seconds": 12.0,
    }


def fitted(theory: str) -> SimpleNamespace:
    attrs = {
        "theory": theory,
        "chains": 4,
        "draws": 1000,
        "tune": 500,
        "seed": 1,
        "sampler": "nutpie",
        "priors_hash": "0123456789abcdef",
        "priors_changed": 0,
        "version_pymc": "6.1.2",
    }
    return SimpleNamespace(attrs=attrs)


def weights() -> pd.DataFrame:
    values = {"occupation": (0.3, 0.2), "prospect": (0.6, 0.7), "null": (0.1, 0.1)}
    rows = {
        name: {"weight": weight, "lower": 0.1, "upper": 0.95, "leads": leads}
        for name, (weight, leads) in values.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("theory")


def staged(cases: list[str]) -> dict[str, pd.DataFrame]:
    """Prospect leads by two a case in proposals, and nobody elsewhere."""
    total = {"occupation": -36.0, "prospect": -12.0, "null": -36.0}
    return {
        name: pd.DataFrame(
            {"proposal": value / len(cases), "design": -1.0, "survival": -0.5}, index=cases
        )
        for name, value in total.items()
    }


def proper() -> pd.DataFrame:
    """Prospect is clearly better by the log score, and Cox by concordance."""
    rows = {}
    for name, value, gap in (
        ("occupation", 1.5, 0.0),
        ("prospect", 1.2, -0.3),
        ("null", 1.5, 0.0),
        ("base rates", 1.6, 0.1),
    ):
        rows["log", name] = {"mean": value, "difference": gap, "better": "less", "note": ""}
    for name, value, gap in (("occupation", 0.5, 0.0), ("null", 0.5, 0.0), ("Cox", 0.6, 0.1)):
        rows["concordance", name] = {"mean": value, "difference": gap, "better": "more", "note": ""}
    rows["concordance", "Cox"]["note"] = "ridge penalty 0.1"
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["score", "name"])
    return table.assign(
        difference_se=table["difference"].abs() / 2 - 1e-9 * (table["difference"] < 0)
    )


def said_of(data: Data) -> pd.DataFrame:
    """Each theory gives more to every kind of design than the one before it."""
    known = data.episodes.set_index("episode")["theatre"]
    kinds = ("none", "bilateral", "trilateral", "multilateral", "strong")
    rows = [
        {"case": case, "without": out, "theory": name, "design": kind}
        | {"probability": p, "lower": p / 2, "upper": min(1, 2 * p)}
        for by in (("theatre", "episode") if known.nunique() > 1 else ("episode",))
        for case in ASKED
        if case in known.index
        for out in (known[case] if by == "theatre" else by,)
        for name, p in (("occupation", 0.2), ("prospect", 0.4), ("null", 0.1))
        for kind in kinds
    ]
    return pd.DataFrame(rows)


def make(data: Data, lead: float = 0.1, noise: float = 1.0) -> Results:
    """Results in which prospect leads occupation by ``lead`` a case, give or take ``noise``."""
    cases = list(dict.fromkeys(data.episodes["case"]))
    n = len(cases)
    zigzag = noise * np.resize([1.0, -1.0], n)
    base = -2.0 - np.arange(n) / 10
    theatres = data.episodes["theatre"].nunique()
    scores, comparison = {}, {}
    for by in ("episode", "theatre")[: min(2, theatres)]:
        for information in ("indicators", "commitments"):
            found = {
                "occupation": score(cases, base),
                "prospect": score(cases, base + lead + zigzag),
                "null": score(cases, base - 0.3 * np.resize([1.0, 0.9], n)),
                VARIANT: score(cases, base + lead / 2),
            }
            scores[information, by] = found
            comparison[information, by] = compared(
                found, {"occupation": 0.3, "prospect": 0.6, "null": 0.1}
            )
    checks = pd.DataFrame.from_dict(
        {
            "multilateral_europe": {
                "description": "share of European cases",
                "observed": 0.8,
                "mean": 0.5,
                "lower": 0.2,
                "upper": 0.9,
                "tail": 0.1,
            }
        },
        orient="index",
    ).rename_axis(index="quantity")
    asked = {name: read(name) for name in FORECAST}
    return Results(
        trees={name: fitted(name) for name in THEORIES},
        data=data,
        diagnostics={name: passed() for name in (*THEORIES, VARIANT)},
        scores=scores,
        comparison=comparison,
        hypotheses={
            "occupation": hypotheses({"H1": 0.97, "H2": 0.5}),
            "prospect": hypotheses({"H1": 0.99, "H2": 0.02}),
            "null": hypotheses({}),
        },
        sensitivity={
            "occupation": sensitivity(["H1", "H2"]),
            "prospect": sensitivity(["H1", "H2"], prior=0.3, likelihood=0.01),
            "null": pd.DataFrame(columns=["prior", "likelihood", "diagnosis"]),
        },
        checks=dict.fromkeys(THEORIES, checks),
        scenarios=asked,
        forecasts={
            name: forecast((*THEORIES, STACKED), 0.1 + 0.2 * i) for i, name in enumerate(asked)
        },
        stacked={key: weights() for key in comparison},
        stages={"indicators": staged(cases)},
        proper={"indicators": proper()},
        unseen=said_of(data),
        outlooks={name: made_outlook(THEORIES, name) for name in asked},
        groupings=made_groupings(THEORIES),
        warnings=["The comparison rests on few cases."],
    )


@pytest.fixture(scope="module")
def data() -> Data:
    return load("europe", "asia")


@pytest.fixture
def results(data: Data) -> Results:
    return make(data)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Drawn]:
    sections = ("forecast", "data", "theory", "fit", "compare", "check")
    return {f"figure-of-{s}": Drawn(f"Title {s}", f"Caption {s}", f"Alt {s}", s) for s in sections}


def written(results: Results, drawn: dict[str, Drawn] | None = None) -> str:
    return page(results, drawn or {}, dict.fromkeys(drawn or {}, SVG))


def plain(text: str) -> str:
    """The page as it is read: no tags, spaces as spaces."""
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def rows_of(text: str) -> list[list[str]]:
    """HTML of the cells of a table's rows, the name of the row first."""
    body = re.search(r"<tbody.*?</tbody>", text, re.S)[0]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.S) for r in body.split("</tr>")]
    return [cells for cells in found if cells]


def broken(results: Results, name: str, problem: str = "R-hat 1.050 at beta_1") -> None:
    results.diagnostics[name] |= {
        "rhat_max": 1.05,
        "problems": [problem],
        "verdict": "not to be trusted",
    }


class Tags(HTMLParser):
    """Collects start tags and checks that they close in order."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


# ------------------------------------------------------------------ words for numbers


@pytest.mark.parametrize(
    ("value", "words"),
    [(-1.204, "−1.20"), (-0.001, "0.00"), (3.0, "3.00"), (float("nan"), "–"), (np.inf, "–")],
)
def test_number(value, words):
    assert number(value) == words


def test_sign():
    assert [signed(v) for v in (0.44, -0.44, 0.01, -0.01)] == ["+0.4", "−0.4", "0.0", "0.0"]


def test_percent():
    assert percent(0.123) == "12\u00a0%"
    assert percents(0.001, 0.4) == "under\u00a01 to 40\u00a0%"
    assert percent(0.999) == "over\u00a099\u00a0%"


def test_lists():
    assert listed([]) == "none"
    assert listed(["a", "b", "c"]) == "a, b and c"


# ------------------------------------------------------------------ sentences follow the results


def test_small_difference_is_called_small(data):
    text = best_sentence(make(data, lead=0.1), MAIN).text
    assert text.startswith("The prospect theory has the highest log score")
    assert "ahead of the occupation theory by 1.2" in text
    assert "do not tell the two apart" in text


def test_clear_difference_is_called_clear(data):
    text = best_sentence(make(data, lead=2.0, noise=0.1), MAIN).text
    assert "by 24.0" in text
    assert "more than two standard errors, though an error from 12\u00a0cases is itself" in text


def test_sure_but_tiny_difference_is_called_small(data):
    text = best_sentence(make(data, lead=0.1, noise=0.01), MAIN).text
    assert "more than two standard errors, but a difference below 4 is small" in text


def test_other_theory_wins_other_text(data):
    text = best_sentence(make(data, lead=-1.0), MAIN).text
    assert text.startswith("The occupation theory has the highest log score")
    assert "The largest stacking weight, 0.60, goes to the prospect theory." in text


def test_standard_error_is_that_of_the_table(results):
    scores = {name: results.scores[MAIN][name] for name in THEORIES}
    rows = table(scores)
    best = rows.index[0]
    for name in rows.index[1:]:
        gap, error, _ = difference(scores[name], scores[best])
        assert (gap, error) == pytest.approx((rows["elpd_diff"][name], rows["dse"][name]))


def test_cases_that_carry_the_difference(results):
    values = results.scores[MAIN]["prospect"].elpd_i
    values[2] = values[2] + 9
    text = carry_sentence(results, MAIN).text
    assert "most are North Atlantic 1949 (+10.1)" in text
    assert "Without North Atlantic 1949 it would be +0.1." in text


def test_without_its_best_case_the_other_theory_leads(data):
    results = make(data, lead=-0.5)
    found = results.scores[MAIN]["prospect"].elpd_i
    found[2] = found[2] + 20
    results.comparison[MAIN] = results.comparison[MAIN].loc[["prospect", "occupation", "null"]]
    assert "in favour of the occupation theory" in carry_sentence(results, MAIN).text


def test_null_is_named(results):
    said = [s.text for s in null_sentences(results, MAIN)]
    assert any("higher than the null model" in s for s in said)
    scores = {k: v for k, v in results.scores[MAIN].items() if k != "null"}
    assert null_sentences(replace(results, scores={MAIN: scores}), MAIN) == []


@pytest.mark.parametrize(
    ("lead", "noise", "words"),
    [
        (2.0, 0.1, "The prospect theory predicts best: it is told apart from every other theory."),
        (0.1, 0.01, "is not told apart from the occupation theory"),  # sure, but small
        (1.0, 4.0, "is not told apart from the occupation theory"),  # large, but unsure
        (-2.0, 0.1, "The cases cannot tell which theory predicts best: the occupation theory"),
    ],
)
def test_a_theory_is_named_only_if_it_is_told_apart(data, lead, noise, words):
    assert words in named_sentence(make(data, lead=lead, noise=noise), MAIN).text


def test_weights_say_how_sure_they_are(results):
    text = plain(weight_sentence(results, MAIN).text)
    assert "prospect 0.60 (0.10 to 0.95)" in text
    assert "The prospect theory has the largest weight in 70 % of the replications." in text
    assert "0.60 0.10 to 0.95" in plain(written(results))


def test_stages_are_set_against_the_null(results):
    (section,) = stage_sections(results)
    rows = {name: cells for name, *cells in rows_of(section["table"])}
    assert plain(rows["prospect"][0]) == "−12.0 +24.0 (0.0)"
    assert plain(rows["null"][0]) == "−36.0 –"
    assert (
        "the prospect theory above it by 24.0 in what the patron proposes" in section["said"].text
    )
    assert "occupation" not in section["said"].text


def test_yardsticks_stand_beside_the_theories(results):
    said = " ".join(s.text for s in proper_sentences(results, "indicators"))
    assert "better than the best yardstick by log score of the design (the prospect theory" in said
    assert "as well or better by concordance of survival (the occupation theory 0.50, Cox" in said
    assert "the prospect theory by the log score of the design (better)" in said
    assert "the occupation theory by the" not in said
    assert "Cox: ridge penalty" in said
    rows = {name: cells for name, *cells in rows_of(proper_table(results, "indicators"))}
    assert [plain(cell) for cell in rows["Cox"]] == ["–", "0.600 +0.10 (0.05)"]
    assert 'class="best"' in rows["Cox"][1]


def test_asked_cases_are_told_with_what_happened(results):
    first, *_, last = (s.text for s in unseen_sentences(results))
    assert first.startswith("North Atlantic 1949 ended in: multilateral, strong. Trained without")
    assert "all cases of Europe" in first and "a multilateral design" in first
    assert "Trained without this case alone" in last and "most by the prospect theory" in last
    found = unseen_section(results)["table"]
    first = "North Atlantic 1949, trained without all cases of Europe"
    groups = [i for i, cells in enumerate(rows_of(found)) if len(cells) == 1]
    assert groups[:2] == [0, 6] and rows_of(found)[0] == [first]
    happened = [r for r in rows_of(found)[1:6] if any('class="best"' in cell for cell in r)]
    assert [plain(r[0]) for r in happened] == ["Multilateral", "Strong"]
    assert all('class="best"' in cell for r in happened for cell in r)
    assert unseen_section(replace(results, unseen=pd.DataFrame())) is None


def test_theatres(results):
    key = ("indicators", "theatre")
    said = [s.text for s in group_sentences(results, key)]
    assert [s.split(",")[0] for s in said] == ["Trained without Europe", "Trained without Asia"]


def test_groups_left_out_have_names_that_a_reader_knows() -> None:
    assert left_out("middle-east") == "the Middle East"
    assert left_out("UKG") == "the patron Britain"


def test_fit_without_frames_is_set_beside(results):
    (said,) = variant_sentences(results, MAIN)
    assert said.text.startswith("Fitted without coded frames, the prospect theory scores")
    assert "a change of −0.6" in said.text
    assert "It is then 0.6 above the occupation theory" in said.text
    assert "not weighted" in plain(written(results))


def test_hypotheses_follow_the_probabilities(results):
    first = hypothesis_sentences(results, "prospect")[0].text
    assert "supports H1 and refutes H2." in first
    results.hypotheses["prospect"] = hypotheses({"H1": 0.94, "H2": 0.06})
    first = hypothesis_sentences(results, "prospect")[0].text
    assert "supports none and leaves all 2 undecided." in first


def test_what_the_prior_gave_is_told(results):
    results.hypotheses["occupation"].loc["H1", "prior_probability"] = 0.96
    said = " ".join(s.text for s in hypothesis_sentences(results, "occupation"))
    assert "H1 had as much probability before the data" in said


@pytest.mark.parametrize(
    ("prior", "likelihood", "words"),
    [
        (0.3, 0.01, "potential strong prior / weak likelihood"),
        (0.3, 0.3, "potential prior-data conflict"),
        (0.01, 0.3, "the data move it"),
        (0.01, 0.01, "neither moves it much"),
        (np.nan, 0.3, "not computed"),
    ],
)
def test_sensitivity(prior, likelihood, words):
    assert sensitivity_words(sensitivity(["H1"], prior, likelihood).iloc[0])[0] == words


def test_prior_only_hypotheses_are_marked(results):
    text = plain(written(results))
    assert "For H1 and H2 power-scaling finds a potential strong prior / weak likelihood." in text
    assert text.count("⚠ potential strong prior / weak likelihood") == 2


def test_hypotheses_without_codings(results):
    results.hypotheses[VARIANT] = hypotheses({"H1": 0.6, "H2": 0.3})
    said = variant_hypotheses(results, "prospect")[0].text
    assert "Fitted without coded frames" in said
    assert "H1 0.60 (from 0.99)" in said
    text = plain(written(results))
    assert "1 of 4 hypotheses stays undecided" in text  # those of the theories alone
    assert "Hypotheses of prospect, without" not in text


def test_checks_name_what_is_missed(results):
    assert check_sentence(results, "null").text.endswith("of the replications.")
    missed = results.checks["null"].assign(observed=0.95)
    said = check_sentence(replace(results, checks={"null": missed}), "null").text
    assert "0 of 1\u00a0observed quantity" in said
    assert said.endswith("outside: share of European cases.")


def test_forecast_sentences(results):
    name = list(results.scenarios)[1]
    said = plain(scenario_sentence(results, name).text)
    assert "the theories stacked give a multilateral alliance with a strong commitment 30 %" in said
    assert "(90 % interval 2 to 50 %)" in said
    assert "rises by 40 percentage points" in change_sentence(results).text
    results.comparison[MAIN]["weight"] = [1.0, 0.0, 0.0]
    said = scenario_sentence(results, name).text
    assert "the theories stacked (prospect has nearly all the weight)" in said
    assert "if the question is decided in 2027" in said


def test_the_likeliest_kind_of_design_is_compared_with_kinds(results):
    """Seven cells, of which none is the largest, and two bilateral ones that are more together."""
    name = next(iter(results.scenarios))
    table = results.forecasts[name].copy()
    chances = [0.25, 0.2, 0.17, 0.08, 0.06, 0.08, 0.16]
    for theory in table["theory"].unique():
        table.loc[table["theory"] == theory, "probability"] = chances
    results.forecasts[name] = table
    said = plain(scenario_sentence(results, name).text)
    assert "the likeliest kind of design is a bilateral alliance (37 %)" in said


def test_every_forecast_of_designs_says_its_condition_and_year(results):
    page = plain(written(results))
    for found in re.finditer("if the question is decided", page):
        assert re.match(r" in 20\d\d| at all", page[found.end() :]), page[found.start() - 80 :][
            :160
        ]


def test_scenarios_show_where_they_differ(results):
    differ, same = scenario_differences(list(results.scenarios.values()))
    assert "JPN: occupied" in differ
    assert same["Patron"] == "USA"


def test_paths_interventions_and_their_sources_are_shown(results):
    evil = "<script>alert(1)</script>"
    name = next(iter(results.scenarios))
    rich = read("trilateral-credible-occupation")
    late = replace(rich.interventions[0], source=evil)
    results.scenarios[name] = replace(rich, path={"disputes": {2030: 2}}, interventions=(late,))
    facts = scenario_facts(results.scenarios[name])
    assert facts["2027 to 2035, JPN: occupied"] == "1"
    assert facts["2027 to 2035, threat: disputes"] == "3"
    assert facts["Threat: disputes from 2030"] == "2"
    text = written(results)
    assert "what is changed from 2027 to 2035" in text
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text


def test_another_dataset_gives_another_text():
    one = make(load("asia"))
    text = plain(written(one))
    assert "10 coded decisions" in text
    assert "Europe 4 of" not in text
    assert "Trained without Asia" not in text
    assert "all cases of" not in text
    assert "no single command" in text


def test_command_follows_the_settings(results):
    assert command(results) == "bayes-alliance reproduce --out reports/latest"
    for tree in results.trees.values():
        tree.attrs["seed"] = 7
    assert command(results).endswith(" --seed 7")
    shown = replace(results, study=Study([], [], {}, "my study.json"))
    assert command(shown).endswith(" --seed 7 --study 'my study.json'")
    results.trees["null"].attrs["priors_changed"] = 1
    assert command(results) == ""


# ------------------------------------------------------------------ what spoils a number


def test_nothing_is_red_when_all_is_well(results):
    text = written(results)
    assert 'class="bad' not in text
    assert 'id="failed"' not in text
    assert "All 4 fits pass every diagnostic." in plain(text)


def test_failed_fit_is_red_beside_its_numbers(results):
    broken(results, "prospect")
    text = written(results)
    mark = '<strong class="bad">✗ fit of prospect failed: R-hat 1.050 at beta_1</strong>'
    assert 'id="failed"' in text
    rows = re.findall(r"<tr.*?</tr>", text, re.S)
    hypothesis = [r for r in rows if "beta of H1" in r]
    assert [mark in r for r in hypothesis] == [False, True]
    comparison = [r for r in rows if re.search(r'<th scope="row"[^>]*>prospect</th>', r)]
    assert len(comparison) > 3
    assert all("✗" in r for r in comparison if "nutpie" not in r)
    strong = [r for r in rows if 'class="target"' in r]
    assert len(strong) == len(results.scenarios)
    assert all(r.count(mark) == 2 for r in strong)  # its own, and stacked
    assert mark in str(re.findall(r"<li>.*?</li>", text, re.S))  # in short
    assert "1 of 4 fits fail a diagnostic" in plain(text)


def test_failed_fit_does_not_spoil_others(results):
    broken(results, "prospect")
    assert fit_marks(results, "occupation") == ()
    assert "✗" not in hypothesis_table(results, "occupation", "theory-0")
    assert forecast_marks(results, "null") == ()


def test_high_pareto_k_is_red_beside_the_score(results):
    found = results.scores[MAIN]["occupation"] = copy.deepcopy(results.scores[MAIN]["occupation"])
    found.pareto_k[0] = 0.93
    rows = {name: cells for name, *cells in rows_of(comparison_table(results, MAIN))}
    assert red("Pareto k of occupation 0.93 at Dunkirk 1947") in rows["occupation"][0]
    assert "✗" not in rows["prospect"][0]
    assert red("weights rest on occupation") in rows["null"][-1]
    case, first, *others = rows_of(case_tables(results)[0])[0]
    assert case == "Dunkirk 1947"
    assert red("Pareto k 0.93") in first
    assert "✗" not in "".join(others)
    assert "Pareto k of occupation is 0.93 at Dunkirk 1947" in plain(written(results))


def test_undefined_pareto_k_counts_as_high(results):
    results.scores[MAIN]["null"].pareto_k[1] = np.nan
    assert list(high_k(results.scores[MAIN]["null"])) == ["brussels-1948"]
    assert "Brussels 1948" in plain(written(results))


def test_refitted_cases_are_told_and_not_red(results):
    found = results.scores[MAIN]["null"]
    found.influence_pareto_k = found.pareto_k.copy()
    found.influence_pareto_k[0] = 0.9
    found.pareto_k[0] = 0.0
    text = written(results)
    assert "Dunkirk 1947 (null)" in refit_sentence(results).text
    assert "†" in text
    assert 'class="bad' not in text


# ------------------------------------------------------------------ robustness


def test_without_forecasts_and_warnings(results):
    bare = replace(results, forecasts={}, scenarios={}, warnings=[])
    text = written(bare)
    assert "Asian NATO" not in text
    assert "There are no warnings." in text


def test_without_hypotheses_sensitivity_and_checks(results):
    none = dict.fromkeys(THEORIES, pd.DataFrame())
    text = plain(written(replace(results, hypotheses=none, sensitivity={}, checks=none)))
    assert "It has no hypotheses" in text
    assert "The data have none of the quantities" in text


def test_without_codings(results):
    data = results.data
    bare = Data(data.name, data.episodes, data.clients, data.years, data.codings.iloc[:0])
    assert "do not say how sure" in plain(written(replace(results, data=bare)))


# ------------------------------------------------------------------ HTML


def test_texts_are_escaped(results):
    name = next(iter(results.scenarios))
    evil = "<script>alert(1)</script>"
    results.scenarios[name] = replace(
        results.scenarios[name], title=evil, notes=evil, sources={evil: evil}
    )
    text = written(replace(results, warnings=[evil]), {"f": Drawn(evil, evil, '"><b>', "data")})
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert '"><b>' not in text


def test_cells_and_labels_of_tables_are_escaped():
    evil = "<script>{{x}}</script>"
    marked = lines(evil, red(evil))
    text = write_table(
        *("evil", evil, [evil, evil, evil], [[evil, evil, marked]]),
        spanners=[(evil, 2)],
        groups=[evil],
    )
    assert "<script" not in text
    assert (
        html.unescape(text).count(evil) == 1 + 3 + 1 + 1 + 4
    )  # title, labels, spanner, group, cells
    assert '<strong class="bad">✗ &lt;script&gt;' in text


def test_names_of_fits_are_escaped(results):
    evil = "prospect, <script>"
    for scores in results.scores.values():
        scores[evil] = scores.pop(VARIANT)
    results.diagnostics[evil] = results.diagnostics.pop(VARIANT)
    text = written(results)
    assert "<script" not in text
    assert "prospect, &lt;script&gt;" in text


def test_numbers_end_at_the_right_and_words_begin_at_the_left():
    text = write_table("t", "T", ["Name", "Word", "N"], [["a", "b", "1"]], words=["Word"])
    classes = re.findall(r"<t[hd][^>]*class=\"([^\"]*)\"[^>]*>([^<]*)</t[hd]>", text)
    sides = {label: re.findall("left|right", names) for names, label in classes}
    assert [sides[label] for label in ("Word", "b", "N", "1")] == [
        *(["left"], ["left"], ["right"], ["right"])
    ]


def test_tables_bring_no_styles(results):
    text = written(results)
    assert text.count("<style") == 1
    assert "style=" not in "".join(re.findall(r"<table.*?</table>", text, re.S))


def test_html_is_sound(results, drawn):
    broken(results, "prospect")
    text = written(results, drawn)
    tags = Tags(text)
    assert tags.open == []
    ids = [a["id"] for _, a in tags.found if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attrs in tags.found:
        if (attrs.get("href") or "").startswith("#"):
            assert attrs["href"][1:] in ids
        if "aria-labelledby" in attrs:
            assert attrs["aria-labelledby"] in ids
    levels = [int(t[1]) for t, _ in tags.found if re.fullmatch("h[1-6]", t)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert ("html", {"lang": "en"}) in tags.found


def test_tables_are_accessible(results):
    text = written(results)
    tables = re.findall(r"<table.*?</table>", text, re.S)
    assert len(tables) > 15
    for found in tables:
        name = re.match(r'<table [^>]*aria-labelledby="([^"]+)"', found)[1]
        title = re.search(rf'id="{name}"[^>]*>(.*?)</td>', found, re.S)[1]
        assert plain(title).endswith("."), title
        assert f'role="region" tabindex="0" aria-labelledby="{name}"' in text
        assert "<th" in found
        assert all("scope=" in th for th in re.findall(r"<th\b[^>]*>", found))
        ids = set(re.findall(r'<th\b[^>]*\bid="([^"]+)"', found))
        for cell in re.findall(r"<td\b[^>]*>", found.partition("<tbody")[2]):
            assert set(re.search(r'headers="([^"]+)"', cell)[1].split()) <= ids
    scrolls = [a for t, a in Tags(text).found if t == "div" and "scroll" in (a.get("class") or "")]
    assert len(scrolls) >= len(tables)
    for attrs in scrolls:
        assert attrs["tabindex"] == "0" and attrs["role"] == "region"
        assert attrs.get("aria-label") or attrs.get("aria-labelledby")


def test_nothing_is_loaded_from_anywhere(results, drawn):
    for tag, attrs in Tags(written(results, drawn)).found:
        assert tag not in ("script", "iframe", "object", "embed")
        for key in ("src", "srcset", "data", "poster"):
            assert (attrs.get(key) or "data:").startswith("data:")
        if tag == "link":
            assert attrs["href"].startswith("data:")
        if tag == "a":
            assert attrs["href"].startswith(("#", "https://doi.org/"))
    style = re.search(r"<style>(.*?)</style>", written(results), re.S)[1]
    assert "url(" not in style and "@import" not in style


def test_figures_stand_in_their_sections_in_order(results, drawn):
    text = written(results, drawn)
    images = [a for t, a in Tags(text).found if t == "img"]
    order = ["data", "theory", "fit", "compare", "check", "forecast"]
    assert [a["alt"] for a in images] == [f"Alt {s}" for s in order]
    assert [int(n) for n in re.findall(r"<strong>Figure (\d+)\.", text)] == [1, 2, 3, 4, 5, 6]
    code = images[0]["src"].removeprefix("data:image/svg+xml;base64,")
    assert base64.b64decode(code).decode() == SVG
    assert text.index('id="data"') < text.index("Alt data") < text.index('id="theories"')


def test_figure_of_another_section_is_kept_and_one_without_svg_left_out(results):
    some = {"a": Drawn("A", "", "Alt a", "elsewhere"), "b": Drawn("B", "", "Alt b", "data")}
    text = page(results, some, {"a": SVG})
    assert "Alt a" in text and "Alt b" not in text


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_contrast(results):
    style = re.search(r"<style>(.*?)</style>", written(results), re.S)[1]
    blocks = re.findall(r":root \{(.*?)\}", style, re.S)
    assert len(blocks) == 3  # light, dark, print
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#\w+)", block))
        for paper in ("paper", "shade", "bad-paper"):
            for ink in ("ink", "soft", "link", "bad", "warn"):
                if paper == "bad-paper" and ink not in ("ink", "bad"):
                    continue
                a, b = sorted((luminance(colours[ink]), luminance(colours[paper])))
                assert (b + 0.05) / (a + 0.05) >= 4.5, (ink, paper, block)
