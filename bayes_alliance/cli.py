"""The command line: parses, calls, prints. What is slow to import is imported when it is used."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Fit, compare and forecast with two theories of alliance design.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
DataNames = Annotated[
    list[str] | None,
    typer.Option("--data", help="europe, asia (repeat to pool), asymmetric, or a folder."),
]
OfStudy = Annotated[
    Path | None,
    typer.Option("--study", help="Show this study (compare --study) of the same data too."),
]
Frames = Annotated[bool, typer.Option(help="Use the coded frames of gain and loss.")]
CodingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--coding", help="A rule of asymmetric, as name=value (repeat): k=3, ends=treaty."
    ),
]
Fits = Annotated[list[Path], typer.Argument(help="Fits saved by the fit command.")]
Draws = Annotated[int, typer.Option(help="Draws kept by chain.")]
Tune = Annotated[int, typer.Option(help="Draws discarded by chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Information = Annotated[
    str, typer.Option(help="indicators, or commitments (with what clients had promised).")
]

EXPECTED = {
    "read the sources": 6,
    "clients": 3,
    "alliances": 3,
    "years": 10,
    "compile": 24,
    "sample": 7,
    "summarise": 7,
    "exact refit": 4,
    "forecast": 1,
    "check": 8,
}
"""Seconds that steps take on two cores; only the estimate of the time left rests on it."""


def main() -> None:
    """Run the command line; bad input gives one message and exit status 2."""
    from bayes_alliance.errors import InputError

    try:
        app()
    except InputError as error:
        print(f"bayes-alliance: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("bayes-alliance: interrupted; whole files written so far are kept", file=sys.stderr)
        sys.exit(130)


def _emit(value: Any) -> None:
    """Print plain JSON."""
    from bayes_alliance.report.summary import dumps

    print(dumps(value), end="")


def _show(frame: Any, title: str) -> None:
    """Print a DataFrame as a table, as wide as it needs to be where nobody watches."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column(str(frame.index.name or ""), overflow="fold")
    for column in frame.columns:
        number = frame[column].dtype.kind in "fiu"
        table.add_column(str(column), justify="right" if number else "left", overflow="fold")
    for index, row in frame.iterrows():
        cells = [f"{v:.3g}" if isinstance(v, float) else str(v) for v in row]
        table.add_row(str(index), *cells)
    console.print(table)


@contextmanager
def _progress(total: float) -> Iterator[Callable[[str], None]]:
    """Tell each step on stderr, with about how long is left.

    The estimate scales what the steps are expected to take by how long they have taken so far.
    """
    began, done, last = time.monotonic(), 0.0, 0.0

    def tell(step: str) -> None:
        nonlocal done, last
        done += last
        last = next((s for key, s in EXPECTED.items() if key in step), 15)
        passed = time.monotonic() - began
        pace = passed / done if done > 20 else 1.0
        left = max(0.0, total - done) * pace
        print(f"[{passed:4.0f} s, about {left:4.0f} s left] {step}", file=sys.stderr, flush=True)

    yield tell


def _load(names: list[str] | None, frames: bool = True, coding: list[str] | None = None) -> Any:
    """Data by name, both theatres by default."""
    from bayes_alliance.data.load import load

    reading = _reading(coding) if coding else None
    return load(*(names or ["europe", "asia"]), frames=frames, coding=reading)


def _reading(given: list[str]) -> dict[str, Any]:
    """Options of a coding from ``name=value``; numbers and yes or no as such."""
    from bayes_alliance.errors import InputError

    out: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError("name=value, for example k=3", column="coding", value=text)
        words = {"yes": True, "no": False, "true": True, "false": False}
        try:
            out[name] = float(value)
        except ValueError:
            out[name] = words.get(value.lower(), value)
    return out


def _open(paths: list[Path], data: list[str] | None = None) -> dict[str, Any]:
    """Fits by theory."""
    from bayes_alliance.errors import InputError
    from bayes_alliance.storage import open_fit

    trees: dict[str, Any] = {}
    for path in paths:
        tree = open_fit(path, _load(data) if data else None)
        name = tree.attrs["theory"]
        if name in trees:
            raise InputError("one fit a theory", file=str(path), column="theory", value=name)
        trees[name] = tree
    return trees


data_app = typer.Typer(help="Describe, check and rebuild the coded tables.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command()
def describe(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="europe, asia (both by default), asymmetric, or a folder."),
    ] = None,
    frames: Frames = True,
    coding: CodingOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the figures.")] = None,
    json_: Json = False,
) -> None:
    """Count what the tables hold, what is missing and how coders and rules agree; draw it."""
    if out is not None:
        from bayes_alliance.writable import writable

        writable(out)
    tables = _load(names, frames, coding)
    import pandas as pd

    from bayes_alliance.data.agreement import agreement, overrides

    empty = pd.concat(
        {name: getattr(tables, name).isna().mean() for name in ("episodes", "clients", "years")}
    )
    empty = empty[empty > 0].rename("share").rename_axis(["table", "column"]).reset_index()
    wide = names == ["asymmetric"]
    found = {"agreement": agreement(), "overrides": overrides()} if wide else {}
    if json_:
        _emit(
            {
                "name": tables.name,
                "hash": tables.hash,
                "counts": tables.describe().to_dict(),
                "missing": empty.to_dict(orient="records"),
            }
            | {name: table.to_dict(orient="index") for name, table in found.items()}
        )
    else:
        _show(tables.describe(), f"Data: {tables.name}")
        _show(empty.set_index("table"), "Share of cells that are empty")
        if wide:
            _show(found["agreement"], "Agreement of hand coding with the rules")
            _show(found["overrides"], "Judgements that override a rule")
    if out is not None:
        from bayes_alliance.report.describe import write_figures

        for path in write_figures(tables, out):
            print(path, file=sys.stderr)


@data_app.command("check")
def check_tables(
    files: Annotated[list[Path], typer.Argument(help="Tables, or one folder of tables.")],
) -> None:
    """Validate your own tables against the schema."""
    from bayes_alliance.data.load import check_files

    for said in check_files(files):
        print(said)


@data_app.command()
def variants(json_: Json = False) -> None:
    """What each reading of the contestable rules changes in the asymmetric dataset."""
    from bayes_alliance.report.describe import variants_table

    table = variants_table()
    if json_:
        _emit(table.to_dict(orient="index"))
    else:
        _show(table, "Asymmetric alliances by reading of the rules")


@data_app.command()
def build(
    sources: Annotated[
        Path | None,
        typer.Option(help="Folder of the published files; else BAYES_ALLIANCE_SOURCES."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; else the tables of this checkout.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if anything differs.")
    ] = False,
) -> None:
    """Make the computed tables again from the published data."""
    from bayes_alliance.bundled import bundled
    from bayes_alliance.data import build as builder

    folder = sources or builder.sources()
    builder.check_sources(folder)
    place = out or bundled("data")
    if not check:
        from bayes_alliance.writable import writable

        writable(place)
    with _progress(25) as tell:
        wanted = builder.build(bundled("data"), folder, tell)
    if check:
        lines = builder.differences(place, wanted)
        print("\n".join(lines) or "every computed table is as the sources have it")
        raise typer.Exit(int(bool(lines)))
    changed = builder.write(place, wanted)
    print(f"{len(wanted)} tables, {len(changed)} changed: {place}")


@app.command()
def theories(json_: Json = False) -> None:
    """List the theories with their hypotheses."""
    from bayes_alliance.theories import theories as known

    if json_:
        _emit(known())
        return
    for name, about in known().items():
        print(f"{name}: {about['description']}\n  {about['reference']}")
        for hypothesis, words in about["hypotheses"].items():
            print(f"  {hypothesis}: {words}")


@app.command()
def fit(
    theory: Annotated[
        str, typer.Argument(help="Name of a theory; the theories command lists them.")
    ],
    out: Annotated[Path, typer.Option(help="File to write, .nc or .zarr.")],
    data: DataNames = None,
    frames: Frames = True,
    coding: CodingOption = None,
    priors: Annotated[Path | None, typer.Option(help="TOML with changes to the priors.")] = None,
    draws: Draws = 1000,
    tune: Tune = 500,
    chains: Chains = 4,
    seed: Seed = 1,
    sampler: Annotated[str | None, typer.Option(help="nutpie, pymc or numpyro.")] = None,
    json_: Json = False,
) -> None:
    """Fit a theory, save the fit and print its diagnostics."""
    from bayes_alliance.errors import InputError
    from bayes_alliance.writable import writable

    if out.suffix not in (".nc", ".zarr"):
        raise InputError("a file name ending in .nc or .zarr", file=str(out))
    writable(out.parent)
    tables = _load(data, frames, coding)
    from bayes_alliance.diagnostics import diagnose
    from bayes_alliance.fit import fit as fit_theory
    from bayes_alliance.storage import save

    with _progress(38) as tell:
        tree = fit_theory(
            theory,
            tables,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            sampler=sampler,
            priors=priors,
            progress=tell,
        )
    save(tree, out)
    found = diagnose(tree)
    if json_:
        _emit({"file": str(out), "seconds": tree.attrs["seconds"]} | found)
    else:
        print(f"{out}: {found['verdict']}")
        for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "ebfmi_min"):
            print(f"  {name:13} {found[name]:.4g}")
        for problem in found["problems"]:
            print(f"  problem: {problem}")
    if tree.attrs["interrupted"]:
        print("bayes-alliance: interrupted; what was sampled is kept", file=sys.stderr)
        raise typer.Exit(130)


@app.command()
def hypotheses(fits: Fits, data: DataNames = None, json_: Json = False) -> None:
    """What each fit says of its article's hypotheses."""
    from bayes_alliance.compare.hypotheses import hypotheses as table

    found = {name: table(tree) for name, tree in _open(fits, data).items()}
    if json_:
        _emit({name: frame.to_dict(orient="index") for name, frame in found.items()})
        return
    for name, frame in found.items():
        if len(frame):
            _show(frame.drop(columns=["estimand", "finding"]), f"{name}, 90 % intervals")


@app.command()
def compare(
    fits: Annotated[
        list[Path] | None, typer.Argument(help="Fits saved by the fit command; none for a study.")
    ] = None,
    information: Information = "indicators",
    by: Annotated[str, typer.Option(help="Leave out by episode, theatre or patron.")] = "episode",
    exact: Annotated[bool, typer.Option(help="Refit where Pareto k is too high.")] = True,
    data: DataNames = None,
    study: Annotated[
        bool, typer.Option("--study", help="Fit and compare under many specifications.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Study: its folder; what is there is not fitted again.")
    ] = Path("reports/study"),
    theories: Annotated[
        list[str] | None,
        typer.Option(help="Study: a theory (repeat); occupation, prospect and null by default."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Study: only the first specifications.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Study: address of a dask scheduler, tcp://host:8786.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Study: processes on this machine, else one a core.")
    ] = None,
    draws: Draws = 1000,
    tune: Tune = 500,
    chains: Chains = 4,
    seed: Seed = 1,
    json_: Json = False,
) -> None:
    """Compare theories on cases that they have not seen; with --study under all choices."""
    from bayes_alliance.errors import InputError

    if study:
        if fits or by != "episode":
            words = "no fits and one case left out at a time: a study makes its own fits"
            raise InputError(words, column="study", value=by if not fits else str(fits[0]))
        settings = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
        place = {"scheduler": scheduler, "workers": workers}
        _study(out, data or ["asymmetric"], theories, limit, information, json_, settings | place)
        return
    of_study = {"theories": theories, "limit": limit, "scheduler": scheduler, "workers": workers}
    for name, value in of_study.items():
        if value is not None:
            raise InputError("--study with it", column=name, value=value)
    if not fits:
        raise InputError("fits saved by the fit command, or --study", column="fits")
    from bayes_alliance.compare.loo import compare as compare_fits

    trees = _open(fits, data)
    with _progress(9 * len(trees)) as tell:
        frame = compare_fits(trees, information, by, exact, tell)
    if json_:
        _emit(frame.to_dict(orient="index"))
    else:
        _show(frame.rename_axis("theory"), f"Log score of unseen cases ({information}, by {by})")


def study_progress() -> Callable[[int, int, str], None]:
    """Tell on stderr how many fits of a study are done, with about how long is left.

    Returns
    -------
    callable
        As `bayes_alliance.compare.study.run` calls it.
    """
    began = time.monotonic()

    def tell(done: int, total: int, words: str) -> None:
        passed = time.monotonic() - began
        left = f", about {passed / done * (total - done) / 60:4.0f} min left" if done else ""
        at = f"{done} of {total}{left}" if total else "study"
        print(f"[{at}] {words}", file=sys.stderr, flush=True)

    return tell


def _study(
    out: Path,
    data: list[str],
    theories: list[str] | None,
    limit: int | None,
    information: str,
    json_: bool,
    options: dict[str, Any],
) -> None:
    """Run a study, or what is left of it, and write and print what comes of it."""
    from bayes_alliance.compare.specifications import of_study
    from bayes_alliance.compare.study import open_study, run
    from bayes_alliance.errors import InputError
    from bayes_alliance.report.figures.specifications import write
    from bayes_alliance.theories import MAIN

    if limit is not None and limit < 1:
        raise InputError("a whole number of at least 1", column="limit", value=limit)
    if information not in ("indicators", "commitments"):
        raise InputError("indicators or commitments", column="information", value=information)
    asked = of_study(data, options["seed"])
    run(asked[:limit], theories or list(MAIN), out, tell=study_progress(), **options)
    found = write(open_study(out), out, information)
    if json_:
        tables = {
            name: found[name].to_dict(orient="records") for name in ("comparison", "hypotheses")
        }
        _emit(tables | {"sentences": found["sentences"]})
        return
    for sentence in found["sentences"].values():
        print(sentence)
    print(f"tables and figures: {out}")


@app.command()
def check(
    fits: Fits,
    quantity: Annotated[str | None, typer.Option(help="One test quantity only.")] = None,
    data: DataNames = None,
    json_: Json = False,
) -> None:
    """Compare what happened with what each fit would have seen."""
    import pandas as pd

    from bayes_alliance.check.quantities import check as check_one
    from bayes_alliance.check.quantities import checks

    found = {
        name: checks(tree)
        if quantity is None
        else pd.DataFrame.from_dict({quantity: check_one(tree, quantity).attrs}, orient="index")
        for name, tree in _open(fits, data).items()
    }
    if json_:
        _emit({name: frame.to_dict(orient="index") for name, frame in found.items()})
        return
    for name, frame in found.items():
        _show(frame, f"{name}: 90 % intervals of replications")


@app.command()
def forecast(
    scenario: Annotated[
        str | None,
        typer.Argument(help="A bundled scenario or a TOML file; --explore may do without."),
    ] = None,
    fits: Annotated[
        list[Path] | None, typer.Argument(help="Fits saved by the fit command.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the bundled scenarios.")] = False,
    by_year: Annotated[
        bool, typer.Option("--by-year", help="Also whether a decision arises, up to the horizon.")
    ] = False,
    explore: Annotated[
        bool, typer.Option("--explore", help="Write a page on which to change what is supposed.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the probabilities, as CSV; the page of --explore, as HTML."),
    ] = None,
    data: DataNames = None,
    json_: Json = False,
) -> None:
    """Forecast the design of an alliance, by theory and stacked."""
    from bayes_alliance.errors import InputError
    from bayes_alliance.forecast.beyond import warnings
    from bayes_alliance.forecast.scenario import bundled_scenarios, read

    if list_:
        _scenarios({name: read(name).title for name in bundled_scenarios()}, json_)
        return
    if explore:
        _explore([*([scenario] if scenario else []), *map(str, fits or [])], out, data)
        return
    if scenario is None or not fits:
        raise InputError("a scenario and one fit or more; --list has the scenarios", column="fits")
    asked = read(scenario)
    if out is not None:
        from bayes_alliance.writable import writable

        writable(out.parent)
    from bayes_alliance.forecast.forecast import as_csv, stacking_weights
    from bayes_alliance.forecast.forecast import forecast as forecast_fits
    from bayes_alliance.storage import data_of

    trees = _open(fits, data)
    weights = stacking_weights(trees)
    frame = forecast_fits(trees, asked, weights)
    paths = dict(zip(trees, fits, strict=True))
    years = _by_year(paths, trees, asked, weights) if by_year else None
    notes = warnings(asked, data_of(next(iter(trees.values()))))
    if out is not None:
        half = out.with_name(f"{out.name}.half")
        half.write_text(as_csv(frame, asked), encoding="utf-8", newline="")
        half.replace(out)
    if json_:
        rows = {
            theory: part.set_index("cell").drop(columns="theory").to_dict(orient="index")
            for theory, part in frame.groupby("theory", sort=False)
        }
        found = {} if years is None else {"by_year": years.to_dict(orient="records")}
        _emit({"scenario": asked.name, "forecast": rows, **found, "warnings": notes})
        return
    words = f"{asked.title}: probability (90 % interval)"
    _show(_wide(frame, "cell"), f"{words}, if the question is decided")
    if years is not None:
        last = years[years["year"] == asked.horizon]
        _show(_wide(last, "rung"), f"{words}, what it is at the end of {asked.horizon}")
    for note in notes:
        print(f"note: {note}")


def _explore(given: list[str], out: Path | None, data: list[str] | None) -> None:
    """Write the explorer's page: scenarios (bundled ones, or TOML files) and fits in any order."""
    from bayes_alliance.errors import InputError
    from bayes_alliance.forecast.explore import check, explore
    from bayes_alliance.forecast.scenario import bundled_scenarios, read

    asked = [name for name in given if name in bundled_scenarios() or name.endswith(".toml")]
    fits = [Path(name) for name in given if name not in asked]
    if not fits:
        raise InputError("one fit or more", column="fits")
    trees = _open(fits, data)
    paths = dict(zip(trees, fits, strict=True))
    page = out or Path("explorer.html")
    scenarios = [read(name) for name in asked]
    check(trees, page, scenarios)
    with _progress(70 * len(paths)) as tell:
        explore(trees, page, _hazards(paths, trees, tell), scenarios, tell)
    print(f"explorer: {page}")


def _wide(frame: Any, rows: str) -> Any:
    """Probabilities with their intervals, a column a theory."""
    shown = [f"{r.probability:.2f} ({r.lower:.2f}, {r.upper:.2f})" for r in frame.itertuples()]
    wide = frame.assign(shown=shown).pivot(index=rows, columns="theory", values="shown")
    return wide.loc[frame[rows].unique(), frame["theory"].unique()]


def _by_year(
    paths: dict[str, Path], trees: dict[str, Any], asked: Any, weights: dict[str, float]
) -> Any:
    """What a grouping is at the end of each year."""
    from bayes_alliance.forecast.horizon import horizon

    with _progress(55 * len(trees)) as tell:
        forms = _hazards(paths, trees, tell)
        tell("what the grouping is by year")
        return horizon(trees, forms, asked, weights)


def _hazards(paths: dict[str, Path], trees: dict[str, Any], tell: Any) -> dict[str, Any]:
    """Hazards of decisions of the fits; they stay beside the fits."""
    from bayes_alliance.forecast.kept import file_of, kept
    from bayes_alliance.report.results import DECISIONS, labelled
    from bayes_alliance.writable import writable

    for path in paths.values():
        writable(path.parent)
    return {
        name: kept(tree, file_of(paths[name]), partial(labelled, tell, f"{name}, {DECISIONS}"))
        for name, tree in trees.items()
    }


def _scenarios(titles: dict[str, str], json_: bool) -> None:
    """List scenarios with their titles."""
    if json_:
        _emit(titles)
        return
    for name, title in titles.items():
        print(f"{name:<36}{title}")


@app.command()
def report(
    fits: Fits,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    data: DataNames = None,
    study: OfStudy = None,
    json_: Json = False,
) -> None:
    """Write figures, index.html and summary.json from saved fits."""
    from bayes_alliance.writable import writable

    writable(out)
    from bayes_alliance.report.report import report as write_report

    trees = _open(fits, data)
    with _progress(300) as tell:
        numbers = write_report(trees, out, study=study, progress=tell)
    _done(numbers, out, json_)


@app.command()
def reproduce(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("reports/latest"),
    draws: Draws = 1000,
    tune: Tune = 500,
    chains: Chains = 4,
    seed: Seed = 1,
    study: OfStudy = None,
    json_: Json = False,
) -> None:
    """Run everything on the bundled data and write the report."""
    from bayes_alliance.writable import writable

    writable(out)
    from bayes_alliance.report.reproduce import reproduce as reproduce_all

    with _progress(800) as tell:
        numbers = reproduce_all(
            out, draws=draws, tune=tune, chains=chains, seed=seed, study=study, progress=tell
        )
    _done(numbers, out, json_)


def _done(numbers: dict[str, Any], out: Path, json_: bool) -> None:
    """Say where the report is and what is wrong with it, or print its numbers."""
    if json_:
        print(json.dumps(numbers, indent=2, ensure_ascii=False))
        return
    for name, found in numbers["fits"].items():
        for problem in found["problems"]:
            print(f"not to be trusted: {name}: {problem}")
    print(f"report: {out / 'index.html'}")


if __name__ == "__main__":
    main()
