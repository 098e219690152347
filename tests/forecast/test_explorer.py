"""The explorer in Chromium: the package's numbers, quickly, by keyboard, on phones, as files."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from explorer_answers import Theory, answer, scenario_of
from playwright.sync_api import Browser, Page, sync_playwright
from typer.testing import CliRunner

from bayes_alliance.cli import app
from bayes_alliance.compare.loo import elpd
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.explore import (
    CLIENT,
    DRAWS,
    LAST_HORIZON,
    YEAR,
    bundled_groupings,
    content,
    explore,
    offered_levels,
    thinned,
)
from bayes_alliance.forecast.explorer import page as write
from bayes_alliance.forecast.forecast import design_draws
from bayes_alliance.forecast.formation import formation, hazard
from bayes_alliance.forecast.horizon import RUNGS, outlook, rows
from bayes_alliance.forecast.lasting import DESIGNS, lasting
from bayes_alliance.forecast.scenario import read
from bayes_alliance.forecast.tables import yearly_data
from bayes_alliance.process.cells import CELLS
from bayes_alliance.storage import data_of

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
EVIL = "=1+<img src=x onerror=\"document.title='run'\">"
FEW = 60
"""Draws of the page whose every number is computed again."""
SETTINGS = 50
WAIT = 120_000  # ms; a machine with other work on it is slow to start a browser

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the PATH")


@pytest.fixture(scope="session")
def forms(fits) -> dict[str, xr.DataTree]:
    return {name: formation(tree, draws=300, tune=300, chains=2) for name, tree in fits.items()}


@pytest.fixture(scope="session")
def evil():
    """A grouping whose words would run, end the script, or be a formula."""
    question = "</script><script>document.title='run'</script>"
    return replace(read("quad-status-quo"), name="evil", title=EVIL, question=question)


@pytest.fixture(scope="session")
def carried(fits, forms, evil) -> dict[str, Any]:
    scores = {name: elpd(tree, exact=False) for name, tree in fits.items()}
    asked = [*map(read, bundled_groupings()), evil]
    return {n: content(fits, forms, scores, asked, n) for n in (FEW, DRAWS)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@dataclass
class Seen:
    """A page, and what the browser said and asked for while it was open."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def files(carried, tmp_path_factory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("explorer")
    out = {n: folder / f"{n}.html" for n in carried}
    for n, path in out.items():
        path.write_text(write(carried[n]), encoding="utf-8")
    return out


@pytest.fixture
def opened(browser, files):
    """Open the page in a window of some size."""
    contexts = []

    def at(size: dict[str, int] = DESK, draws: int = DRAWS, hash_: str = "", **options) -> Seen:
        context = browser.new_context(viewport=size, accept_downloads=True, **options)
        contexts.append(context)
        context.set_default_timeout(WAIT)
        seen = Seen(context.new_page())
        seen.page.on("console", lambda m: seen.said.append(m.text))
        seen.page.on("pageerror", lambda e: seen.said.append(str(e)))
        seen.page.on("request", lambda r: seen.asked.append(r.url))
        seen.page.goto(files[draws].as_uri() + hash_)
        return seen

    yield at
    for context in contexts:
        context.close()


def random_settings(carried: dict[str, Any], seed: int) -> dict[str, Any]:
    """A setting of everything that can be set; groups of three or five."""
    rng = np.random.default_rng(seed)
    chosen = carried["groupings"][rng.integers(len(carried["groupings"]))]["settings"]
    out = json.loads(json.dumps(chosen))
    place = carried["places"][rng.choice(list(carried["places"]))]
    out |= {"patron": place["patron"], "theatre": place["theatre"]}
    powers = [power for power in carried["powers"] if power != place["patron"]]
    out["adversary"] = str(rng.choice(powers))
    table = carried["latest"][out["adversary"]]
    states = [s for s in table if s not in (out["patron"], out["adversary"])]
    out["clients"] = []
    for state in rng.choice(states, rng.choice([3, 5]), replace=False):
        row = dict(zip(CLIENT, table[state], strict=True))
        if rng.random() < 0.5:
            row["capability_ratio"] = float(10 ** rng.uniform(-1, 3))
            row["distance_km"] = float(rng.uniform(0, 8000))
            row["land_access"] = str(rng.choice(["sea", "landmass", "contiguous"]))
            row |= {"occupied": int(rng.integers(2)), "disputes": int(rng.integers(4))}
        out["clients"].append({"state": str(state)} | row)
    moved = {
        "power_ratio": float(10 ** rng.uniform(-1.5, 1)),
        "forces_ratio": float(10 ** rng.uniform(-1.5, 1)),
        "distance_km": float(rng.uniform(0, 6000)),
        "polyarchy_gap": float(rng.uniform(-1, 1)),
        "disputes": int(rng.integers(8)),
    }
    now = place["threat"]
    out["threat"] = {
        c: now[c] if now[c] is None or rng.random() < 0.3 else v for c, v in moved.items()
    }
    out |= {
        "promises": rng.dirichlet(np.ones(3)).tolist(),
        "expected": bool(rng.random() < 0.4),
        "statement": [None, "low", "moderate", "high"][rng.integers(4)],
        "initiative": str(rng.choice(["clients", "patron"])),
        "today": str(rng.choice(RUNGS)),
        "formation": bool(rng.random() < 0.7),
        "share": float(rng.random()),
        "horizon": int(rng.integers(YEAR, LAST_HORIZON + 1)),
        "design": str(rng.choice(DESIGNS)),
    }
    return out


def worst(page: Any, package: Any, where: str = "") -> tuple[float, str]:
    """Largest difference between two answers, and where it is."""
    if isinstance(package, dict):
        assert list(page) == list(package), where
        return max(worst(page[k], v, f"{where} {k}") for k, v in package.items())
    if isinstance(package, list):
        pairs = zip(page, package, strict=True)
        return max(worst(a, b, f"{where} {i}") for i, (a, b) in enumerate(pairs))
    return abs(page - package), where


# --- the numbers ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def small(fits, forms, carried) -> dict[str, tuple[xr.DataTree, xr.DataTree]]:
    """Fits and hazards of the draws that the page of few draws carries."""
    levels = offered_levels(carried[FEW]["places"])
    return {n: (thinned(fits[n], levels, FEW), thinned(forms[n], levels, FEW)) for n in fits}


@needs_browser
def test_any_setting_has_the_package_s_numbers(opened, carried, small):
    page = opened(draws=FEW).page
    found = carried[FEW]
    base = data_of(next(iter(small.values()))[0])
    theories = {name: Theory(*small[name], base, found["sobol"]) for name in found["theories"]}
    weights = {name: one["weight"] for name, one in found["theories"].items()}
    for seed in range(SETTINGS):
        settings = random_settings(found, seed)
        on_page = page.evaluate("s => explorer.answer(s)", settings)
        gap, where = worst(on_page, answer(theories, weights, settings))
        assert gap < 1e-4, f"settings {seed}:{where} differs by {gap}"


@needs_browser
def test_the_groupings_have_the_numbers_of_the_whole_functions(opened, carried, small):
    """Of the same draws, by the functions that a user calls."""
    page, found = opened(draws=FEW).page, carried[FEW]
    grouping = found["groupings"][bundled_groupings().index("trilateral-status-quo")]
    settings = grouping["settings"] | {"supposed": {}}  # the functions are asked of certain inputs
    on_page = page.evaluate("s => explorer.answer(s)", settings)
    scenario = scenario_of(settings, settings["horizon"])
    for name, (tree, form) in small.items():
        design = design_draws(tree, scenario).mean(0)
        assert [on_page["cells"][c][name][0] for c in CELLS] == pytest.approx(design, abs=1e-4)
        standing = lasting(tree, scenario).sel(cell=settings["design"]).mean("draw")
        lives = [age[name][0] for age in on_page["survival"]]
        assert lives == pytest.approx(standing.to_numpy(), abs=1e-4)
        asked = rows(scenario, yearly_data(scenario, data_of(tree)))
        total = hazard(form, asked).to_numpy().cumsum(1)
        arisen = -np.expm1(-settings["share"] * total).mean(0)
        decided = [year["decision"][name][0] for year in on_page["ladder"]]
        assert decided == pytest.approx(arisen, abs=1e-4)


@needs_browser
def test_the_page_agrees_with_the_full_forecast(opened, carried, fits, forms):
    """Other draws of the same posterior and of what a scenario is unsure of: ends included."""
    page, found = opened().page, carried[DRAWS]
    settings = found["groupings"][0]["settings"]
    on_page = page.evaluate("s => explorer.answer(s)", settings)
    scenario = read(found["groupings"][0]["name"])
    assert {t["count"] for t in found["theories"].values()} == {DRAWS}
    for name, tree in fits.items():
        whole = outlook(tree, forms[name], scenario)
        pairs = [(on_page["cells"][c], whole["design"][:, 0, i]) for i, c in enumerate(CELLS)]
        last = on_page["ladder"][-1]
        pairs += [(last[r], whole["state"][:, -1, k]) for k, r in enumerate(RUNGS)]
        for of, draws in pairs:
            middle, low, high = of[name]
            draws = draws.to_numpy()
            both = 4 * np.sqrt(1 / DRAWS + 1 / len(draws))  # errors of both sets of draws
            error, slack = draws.std() * both, np.sqrt(0.05 * 0.95) * both
            assert abs(middle - draws.mean()) <= error + 1e-9, (name, middle, draws.mean())
            if draws.std() > 1e-9:
                assert abs((draws < low).mean() - 0.05) < slack, name
                assert abs((draws > high).mean() - 0.05) < slack, name


@needs_browser
def test_a_move_takes_less_than_fifty_milliseconds(opened, carried):
    """The median over fifty moves, after some for the compiler to see what is hot.

    Of the time that the page's thread had the processor, so that other work on the machine does
    not count.
    """
    page = opened().page
    moves = [random_settings(carried[DRAWS], seed) for seed in range(SETTINGS)]
    page.evaluate("moves => { for (const move of moves) explorer.answer(move); }", moves)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def spent() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in found if m["name"] == "ThreadTime")

    times = []
    for move in moves:
        before = spent()
        page.evaluate("move => { explorer.answer(move); }", move)
        times.append(spent() - before)
    assert min(times) > 0.1, "nothing was measured"
    assert np.median(times) < 50, times


# --- the page -------------------------------------------------------------------------------------


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_says_and_loads_nothing(opened, files, size, scheme):
    seen = opened(size, color_scheme=scheme)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert seen.page.evaluate(width) == 0
    seen.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert seen.page.evaluate(width) == 0, "with all details open"
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [files[DRAWS].as_uri()]
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(paper.split("(")[1].split(",")[0]) < 60) == (scheme == "dark")
    assert files[DRAWS].stat().st_size < 3_000_000


@needs_browser
def test_names_are_text(opened, carried):
    seen = opened()
    seen.page.select_option("#grouping", "evil")
    assert seen.page.inner_text("#title") == EVIL
    assert "</script>" in seen.page.inner_text("#question")
    assert seen.page.locator("img").count() == 0
    assert seen.page.title() != "run"
    assert seen.said == []


@needs_browser
def test_every_control_has_a_label_and_the_keyboard_reaches_it(opened):
    page = opened().page
    bare = "all => all.filter(e => !e.labels.length && !e.ariaLabel).map(e => e.outerHTML)"
    assert page.eval_on_selector_all("input, select", bare) == []
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    wanted = page.eval_on_selector_all(
        "input, select, button, summary",
        "all => all.filter(e => !e.disabled).map(e => e.id || e.textContent)",
    )
    reached, outlined = [], set()
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        now = page.evaluate("""() => {
          const e = document.activeElement, style = getComputedStyle(e);
          return [e.id || e.textContent, style.outlineStyle];
        }""")
        reached.append(now[0])
        if now[0] in wanted:  # beyond the last control it is the page itself
            outlined.add(now[1])
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted
    assert "none" not in outlined


@needs_browser
def test_a_key_moves_a_control_and_the_answer(opened):
    page = opened().page
    before = page.inner_text("#headline")
    page.focus("#share-slider")
    for _ in range(5):
        page.keyboard.press("PageUp")
    page.wait_for_function("before => document.getElementById('headline').innerText !== before",
                           arg=before)  # fmt: skip
    assert page.evaluate("document.activeElement.id") == "share-slider"
    assert page.evaluate("explorer.settings().share") > 0.2


@needs_browser
def test_the_address_holds_the_settings(opened):
    page = opened().page
    start = page.evaluate("explorer.settings()")
    page.select_option("#grouping", "nordic-baltic-status-quo")
    page.select_option("#adversary", "FRN")
    page.select_option("#place", "USA europe")
    page.select_option("#newcomer", "POL")
    page.click("#add")
    page.click("#client-SWD summary")
    page.click("#remove-SWD")
    page.fill("#threat-power_ratio", "3.25")
    page.check("#expected")
    page.uncheck("#formation")
    page.select_option("#horizon", "2031")
    page.click("#client-POL summary")
    page.fill("#client-POL-capability_ratio", "12.5")
    page.keyboard.press("Tab")
    wanted = page.evaluate("explorer.settings()")
    assert wanted["threat"]["power_ratio"] == 3.25 and wanted["expected"]
    assert [c["state"] for c in wanted["clients"]][-1] == "POL"
    assert wanted["clients"][-1]["capability_ratio"] == 12.5
    shared = opened(hash_=page.evaluate("location.hash")).page
    assert shared.evaluate("explorer.settings()") == wanted
    assert shared.input_value("#threat-power_ratio") == "3.25"
    page.go_back()
    assert page.evaluate("explorer.settings().clients.at(-1).capability_ratio") != 12.5
    page.go_forward()
    assert page.evaluate("explorer.settings()") == wanted
    page.select_option("#grouping", "quad-status-quo")
    assert page.evaluate("explorer.settings()") == start


@needs_browser
@pytest.mark.parametrize("seed", range(5))
def test_promises_in_an_address_come_back_as_they_were(opened, seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(3))
    page = opened(hash_=f"#g=quad-status-quo&promises={','.join(map(repr, p.tolist()))}").page
    assert page.evaluate("explorer.settings().promises") == p.tolist()


@needs_browser
def test_what_an_address_says_wrongly_is_passed_over(opened):
    start = opened().page.evaluate("explorer.settings()")
    seen = opened(
        hash_="#g=quad-status-quo&clients=XXX,USA,CHN,JPN,AUL,IND,JPN&share=7&horizon=1999.5"
        "&c.JPN=-1,x,moon,2,9e9&t.power_ratio=abc&promises=1,2&adversary=USA&today=all"
    )
    assert seen.page.evaluate("explorer.settings()") == start
    assert seen.said == []


@needs_browser
def test_reset_takes_back_what_was_moved(opened):
    page = opened().page
    start = page.evaluate("explorer.settings()")
    page.fill("#share", "0.9")
    page.fill("#threat-disputes", "7")
    assert page.evaluate("explorer.settings()") != start
    page.click("#reset")
    assert page.evaluate("explorer.settings()") == start


@needs_browser
def test_a_number_that_cannot_be_is_not_used(opened):
    page = opened().page
    start = page.evaluate("explorer.settings()")
    page.fill("#share", "1.5")
    page.fill("#threat-power_ratio", "-2")
    assert page.evaluate("explorer.settings()") == start
    assert page.eval_on_selector("#share", "e => e.matches(':invalid')")


@needs_browser
def test_beyond_the_range_of_the_data_it_warns(opened, carried):
    page = opened().page
    high = carried[DRAWS]["places"]["USA asia"]["ranges"]["power_ratio"][1]
    said = "() => document.getElementById('warnings').innerText"
    assert "capabilities, adversary over patron" not in page.evaluate(said)
    page.fill("#threat-power_ratio", str(high * 2))
    page.wait_for_function("document.getElementById('warnings').innerText.includes('over patron')")
    page.select_option("#grouping", "sahel-status-quo")
    page.wait_for_function("document.getElementById('warnings').innerText.includes('no years of')")
    assert "patron RUS" in page.evaluate(said) and "theatre africa" in page.evaluate(said)


@needs_browser
def test_the_csv_has_the_numbers_and_no_formula(opened):
    page = opened().page
    page.select_option("#grouping", "evil")
    page.wait_for_function("title => document.title !== title", arg="")
    with page.expect_download() as saved:
        page.click("#csv")
    assert saved.value.suggested_filename == "evil.csv"
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text)))
    assert {row["title"] for row in found} == {f"'{EVIL}"}
    answer_ = page.evaluate("explorer.answer(explorer.settings())")
    given = {
        (row["state"], row["theory"]): row for row in found if row["question"].startswith("design")
    }
    for cell, of in answer_["cells"].items():
        for name, values in of.items():
            row = given[cell, name]
            assert [float(row[k]) for k in ("probability", "lower", "upper")] == values
    count = len(answer_["cells"]) + 6 * len(answer_["ladder"]) + len(answer_["survival"])
    assert len(found) == 4 * count


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_png_shows_the_figures(opened, scheme):
    page = opened(color_scheme=scheme).page
    page.select_option("#grouping", "evil")
    with page.expect_download() as saved:
        page.click("#png")
    image = Path(saved.value.path()).read_bytes()
    assert image.startswith(b"\x89PNG")
    width, height = (int.from_bytes(image[i : i + 4], "big") for i in (16, 20))
    assert width == 1520 and height > 2000
    assert len(image) > 50_000, "nothing was drawn"


# --- what is exported -----------------------------------------------------------------------------


def test_limits_say_what_the_comparison_says(carried):
    said = " ".join(carried[FEW]["limits"])
    assert "do not tell apart" in said and "the null model" in said
    assert "12 cases" in said and "judgement" in said and "'contemporary'" in said
    assert f"{FEW} of 600 draws" in said


def test_seen_levels_keep_their_effects_and_unseen_ones_are_drawn_once(fits, carried):
    levels = offered_levels(carried[FEW]["places"])
    tree = fits["null"]
    made = thinned(tree, levels, 600)["posterior"].to_dataset()
    whole = tree["posterior"].to_dataset().stack(sample=("chain", "draw"))
    for level in whole["theatre"].to_numpy():
        seen = whole["z_theatre"].sel(theatre=level).transpose("sample", "stage").to_numpy()
        assert made["z_theatre"].sel(theatre=level)[0].to_numpy() == pytest.approx(seen, rel=1e-6)
    unseen = made["z_era"].sel(era="contemporary").to_numpy().ravel()
    assert abs(unseen.mean()) < 4 / np.sqrt(len(unseen))
    assert abs(unseen.std() - 1) < 4 / np.sqrt(2 * len(unseen))


def test_text_cannot_end_the_script(carried):
    text = write(carried[FEW])
    assert text.count("</script>") == 3
    assert "<img" not in text


def test_what_the_page_has_no_equations_for_is_refused(fits, tmp_path):
    other = fits["null"].copy()
    other.attrs["theory"] = "geography"
    with pytest.raises(InputError, match="fits of occupation, prospect, null"):
        explore({"geography": other}, tmp_path / "a.html")
    late = replace(read("quad-status-quo"), year=YEAR + 1)
    with pytest.raises(InputError, match=f"{YEAR}, the first year"):
        explore({"null": fits["null"]}, tmp_path / "a.html", scenarios=[late])
    with pytest.raises(InputError, match=r"ending in \.html"):
        explore({"null": fits["null"]}, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_the_command_needs_a_fit(tmp_path):
    asked = ["forecast", "--explore", "quad-status-quo", "--out", str(tmp_path / "a.html")]
    found = CliRunner().invoke(app, asked)
    assert isinstance(found.exception, InputError)
    assert "one fit or more" in str(found.exception)


def test_one_theory_makes_a_page(fits, forms, tmp_path):
    path = explore({"null": fits["null"]}, tmp_path / "a.html", {"null": forms["null"]})
    assert '"null"' in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
