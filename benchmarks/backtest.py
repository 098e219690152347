"""Forecasts from the past: what the theories would have said, knowing only what was known then.

``make backtest`` fits the theories to what was known at each origin, has them forecast the next
fifteen years, and writes ``docs/backtest.md`` with its figures. Fits are kept in
``reports/backtest`` and what they said in ``benchmarks/backtest``, one file an origin; neither is
made again. ``--only YEAR`` does one origin; ``--page`` only writes the page from what is stored.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import xarray as xr
from fits import ROOT, commit

from bayes_alliance.errors import InputError
from bayes_alliance.files import write_text

STORE = Path(__file__).parent / "backtest"
FITS = ROOT / "reports/backtest"
ORIGINS = (1900, 1920, 1935, 1946, 1955, 1970, 1990, 2010)
THEORIES = ("null", "occupation", "prospect")
DIGITS = 5


def main(given: list[str] | None = None) -> int:
    """Do what is missing and write the page."""
    asked = arguments(given)
    if not asked.page:
        began, left = time.perf_counter(), [o for o in asked.only or ORIGINS if not done(o, asked)]
        # a process of its own: nothing that one origin holds in memory is there in the next
        alone = multiprocessing.get_context("spawn")
        for i, origin in enumerate(left):
            passed = time.perf_counter() - began
            rest = f", about {passed / i * (len(left) - i) / 60:.0f} minutes left" if i else ""
            print(f"[{i + 1} of {len(left)}] {origin}{rest}", file=sys.stderr, flush=True)
            try:
                with ProcessPoolExecutor(1, mp_context=alone) as pool:
                    stored = pool.submit(one, origin, asked).result()
            except InputError as error:
                print(error, file=sys.stderr)
                return 2
            text = json.dumps(stored, separators=(",", ":"), allow_nan=False)
            asked.store.mkdir(parents=True, exist_ok=True)
            write_text(asked.store / f"{origin}.json", text + "\n")
    from backtest_page import write

    write(asked.store, asked.page_file)
    return 0


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="fit nothing, write the page")
    parser.add_argument("--only", type=int, nargs="+", help="these origins alone")
    parser.add_argument("--theories", nargs="+", default=list(THEORIES), help="these alone")
    parser.add_argument("--horizon", type=int, default=15, help="years ahead")
    parser.add_argument("--fits", type=Path, default=FITS, help="folder of the fits")
    parser.add_argument("--store", type=Path, default=STORE, help="folder of the results")
    parser.add_argument("--page-file", type=Path, default=ROOT / "docs/backtest.md")
    for name, value in {"draws": 1000, "tune": 1000, "chains": 4, "seed": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args(given)


def settings(asked: argparse.Namespace) -> dict[str, int]:
    """How each fit is made."""
    return {name: getattr(asked, name) for name in ("draws", "tune", "chains", "seed")}


def done(origin: int, asked: argparse.Namespace) -> bool:
    """Whether an origin is stored, made as asked."""
    path = asked.store / f"{origin}.json"
    if not path.is_file():
        return False
    stored = json.loads(path.read_text(encoding="utf-8"))
    same = stored["settings"] == settings(asked) and stored["until"] == origin + asked.horizon
    return same and list(stored["fits"]) == asked.theories


def one(origin: int, asked: argparse.Namespace) -> dict[str, Any]:
    """Fit what is not saved, forecast, and gather what is to be stored of an origin."""
    import bayes_alliance as ba
    from bayes_alliance.data.panel import panel
    from bayes_alliance.fit import versions
    from bayes_alliance.forecast.backtest import (
        forecast_designs,
        forecast_lives,
        forecast_years,
        weights_of,
    )
    from bayes_alliance.forecast.known import known_at, known_panel

    began = time.perf_counter()

    def tell(step: str) -> None:
        passed = time.perf_counter() - began
        print(f"[{passed:5.0f} s] {origin}: {step}", file=sys.stderr, flush=True)

    data, years, until = ba.load("asymmetric"), panel(), origin + asked.horizon
    known, known_years = known_at(data, origin), known_panel(years, origin)
    folder, how = asked.fits / str(origin), settings(asked)
    trees, forms = {}, {}
    for theory in asked.theories:
        tell(f"fit {theory}")
        trees[theory] = fitted(theory, known, folder / f"{theory}.nc", how)
        tell(f"years of {theory}")
        place = folder / f"{theory}-formation.nc"
        forms[theory] = formed(trees[theory], known_years, place, how)
    tell("forecast")
    weights = weights_of(trees)
    found = {
        "designs": forecast_designs(trees, weights, data, origin, until),
        "years": forecast_years(forms, weights, years, origin, until, asked.seed),
        "lives": forecast_lives(trees, weights, data, origin, until),
    }
    tell("done")
    of_cases = known.episodes.drop_duplicates("case")
    return {
        "command": "make backtest",
        "versions": versions(),
        "commit": commit(),
        "date": date.today().isoformat(),
        "seconds": time.perf_counter() - began,
        "settings": how,
        "origin": origin,
        "until": until,
        "known": {
            "cases": len(of_cases),
            "designs": int(known.episodes["start"].notna().sum()),
            "decisions": int((known_years["decisions"] > 0).sum()),
        },
        "fits": {
            theory: {"weight": weights[theory], **trust(trees[theory], forms[theory])}
            for theory in asked.theories
        },
        **{subject: plain(table) for subject, table in found.items()},
    }


def trust(tree: xr.DataTree, form: xr.DataTree) -> dict[str, Any]:
    """Diagnostics of the two fits of a theory."""
    from bayes_alliance.compare.loo import pareto
    from bayes_alliance.diagnostics import diagnose

    _, k, good = pareto(tree)
    return {
        "problems": diagnose(tree)["problems"],
        "years_problems": diagnose(form)["problems"],
        "high_k": int((k > good).sum()),
        "seconds": tree.attrs["seconds"] + form.attrs["seconds"],
    }


def fitted(theory: str, known: Any, path: Path, how: dict[str, int]) -> xr.DataTree:
    """The fit of a theory to what was known, made if it is not saved as asked."""
    import bayes_alliance as ba

    if path.exists():
        try:
            saved = ba.open(path, known)
            if all(saved.attrs[name] == value for name, value in how.items()):
                return saved
        except InputError:
            pass  # of other tables or priors
    path.with_name(f"{theory}-formation.nc").unlink(missing_ok=True)  # it was made from the old fit
    ba.save(ba.fit(theory, known, **how), path)
    return ba.open(path, known)


def formed(tree: xr.DataTree, years: Any, path: Path, how: dict[str, int]) -> xr.DataTree:
    """The hazard of decisions in the known years, made if it is not saved as asked."""
    import bayes_alliance as ba
    from bayes_alliance.forecast.formation import check_years, formation

    if path.exists():
        with xr.open_datatree(path, engine="netcdf4") as opened:
            saved = opened.load()
        wanted = check_years(years, ("major", "decisions")).to_csv(index=False)
        same = all(saved.attrs[name] == value for name, value in how.items())
        if same and str(saved["tables"]["panel"].item()) == wanted:
            return saved
    made = formation(tree, years, **how)
    ba.save(made, path)
    return made


def plain(table: xr.Dataset) -> dict[str, Any]:
    """A dataset as JSON has it, numbers to a few digits."""
    floats = {name: v.round(DIGITS) for name, v in table.data_vars.items() if v.dtype.kind == "f"}
    return table.assign(floats).to_dict(data="list")


if __name__ == "__main__":
    sys.exit(main())
