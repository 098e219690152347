"""The command line: parses, calls, prints. What is slow to import is imported when it is used."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bayes_alliance.names import MAIN, NAMES

THEORIES = ", ".join(NAMES)
app = typer.Typer(
    help=f"Fit, compare and forecast with theories of alliance design: {THEORIES}.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
LEAST_ROOM = 200
"""Bytes of a file that a draw of the smallest theory takes at the least."""
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


INTERRUPTED = 130
LONGEST_NAME = 200
"""Bytes of a name: systems allow 255, and what is written beside a file has a longer name."""


def main() -> None:
    """Run the command line: one message and exit status 2 for bad input, never a traceback."""
    before = signal.getsignal(signal.SIGTERM)
    ours = threading.current_thread() is threading.main_thread() and before == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _unraised
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            status = _run()
        if status == 2 and "bayes_alliance.files" in sys.modules:
            from bayes_alliance.files import MADE

            for folder in sorted(MADE, key=lambda made: -len(made.parts)):
                with suppress(OSError):  # something is in it
                    folder.rmdir()
            MADE.clear()
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        if ours:
            signal.signal(signal.SIGTERM, before)
    sys.exit(status)


def _run() -> int:
    """Run the command and translate whatever ends it: the exit status."""
    from bayes_alliance.errors import InputError, one_line

    _ended.clear()
    _kept.clear()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):  # what the terminal cannot write is shown escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        _check_words(sys.argv[1:])
        status = app(prog_name="bayes-alliance", standalone_mode=False)
        sys.stdout.flush()
        return _interrupted() if status == INTERRUPTED else int(status or 0)
    except InputError as error:
        return _refused(str(error))
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except SystemExit as end:
        return _unread() if isinstance(end.__context__, BrokenPipeError) else int(end.code or 0)
    except MemoryError:
        return _refused("expected a task that fits into this machine's memory: fewer draws, say")
    except OSError as error:
        where = f"{one_line(os.fsdecode(error.filename), 200)}: " if error.filename else ""
        why = error.strerror or type(error).__name__
        return _refused(f"{where}expected a file or folder that can be used ({why})")
    except Exception as error:
        return _translated(error)


def _translated(error: Exception) -> int:
    """Say what typer has to say of wrong usage; what else comes here is a fault of the program."""
    from bayes_alliance.errors import one_line

    name = type(error).__name__
    if name == "Abort":  # an older typer's word for an interruption
        return _interrupted()
    if name == "NoArgsIsHelpError":
        print(error)
        return 0
    if hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        asked = context.command_path if context else "bayes-alliance"
        return _refused(f"{error.format_message()} ({one_line(asked, 60)} --help shows how)")
    if os.environ.get("BAYES_ALLIANCE_TRACEBACK"):
        raise error
    at = traceback.extract_tb(error.__traceback__)[-1]
    _refused(
        f"a fault of the program, not of what it was given: {name}: {one_line(str(error), 200)} "
        f"(line {at.lineno} of {Path(at.filename).name}); with BAYES_ALLIANCE_TRACEBACK=1 in the "
        "environment all of it is shown"
    )
    return 1


def _unread() -> int:
    """End quietly: whoever read has enough. Nothing is left to be written as Python ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


_ended: dict[str, int] = {}
"""The signal that ended the command, if one did."""
_kept: dict[str, str] = {}
"""What is kept after an interruption, in words."""


def _terminated(number: int, frame: Any) -> None:
    """End as an interruption from the keyboard would: what is whole is kept."""
    _ended["signal"] = number
    raise KeyboardInterrupt


def _unraised(lost: Any) -> None:
    """Interrupt again what was interrupted where Python lets no exception out (a callback, say)."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    number = _ended.get("signal", signal.SIGINT)
    again = threading.Timer(0.05, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


def _interrupted() -> int:
    """Say what is kept after an interruption: the exit status, by the signal."""
    words = _kept.get("words", "whole files written so far are kept")
    _say(f"bayes-alliance: interrupted; {words}", sys.stderr)
    return 128 + _ended.get("signal", signal.SIGINT)


def _check_words(words: list[str]) -> None:
    """Refuse arguments that no name of a file and no text can hold."""
    from bayes_alliance.errors import InputError

    for number, word in enumerate(words, 1):
        if "\0" in word or any("\ud800" <= c <= "\udfff" for c in word):
            words_ = "text in UTF-8 without NUL characters"
            raise InputError(words_, column=f"argument {number}", value=word)


def _refused(words: str) -> int:
    """Say on one line why nothing was done."""
    _say(f"bayes-alliance: {words}", sys.stderr)
    return 2


def _say(text: str, to: Any = None) -> None:
    """Print a line that may hold what a user or a file supplied: it does nothing to a terminal."""
    from bayes_alliance.errors import one_line

    if to is None:
        print(one_line(text, 5000))
    else:
        with suppress(OSError):  # nobody listens
            print(one_line(text), file=to, flush=True)


def _warned(message: Any, category: Any, filename: str, *rest: Any, **options: Any) -> None:
    """Show this package's own warnings on one line; a library's are for its programmers."""
    ours = Path(filename).is_relative_to(Path(__file__).parent)
    if ours and issubclass(category, UserWarning):
        _say(f"note: {message}", sys.stderr)


def _emit(value: Any) -> None:
    """Print plain JSON, in characters that every terminal and every encoding has."""
    from bayes_alliance.report.summary import clean

    print(json.dumps(clean(value), indent=2))


def _show(frame: Any, title: str, problems: Sequence[str] = ()) -> None:
    """Print a DataFrame as a table, as wide as it needs to be where nobody watches."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bayes_alliance.errors import one_line

    console = Console(width=None if sys.stdout.isatty() else 160)

    def shown(text: object) -> Text:  # never markup
        return Text(one_line(str(text), 2000))

    below = shown("; ".join(problems)) if problems else None
    table = Table(title=shown(title), caption=below, title_justify="left", caption_justify="left")
    table.add_column(shown(frame.index.name or ""), overflow="fold")
    for column in frame.columns:
        number = frame[column].dtype.kind in "fiu"
        table.add_column(shown(column), justify="right" if number else "left", overflow="fold")
    for index, row in frame.iterrows():
        cells = [f"{v:.3g}" if isinstance(v, float) else v for v in row]
        table.add_row(shown(index), *map(shown, cells))
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
        _say(f"[{passed:4.0f} s{_left((total - done) * pace)}] {step}", sys.stderr)

    yield tell


def _left(seconds: float) -> str:
    """About how long is left, in a unit that fits; nothing where more was done than expected."""
    if not 0 < seconds < 100 * 3600:
        return ""
    for unit, length in (("s", 1), ("min", 60)):
        if seconds < 100 * length:
            return f", about {seconds / length:4.0f} {unit} left"
    return f", about {seconds / 3600:4.0f} h left"


def _file_to_write(out: Path, endings: tuple[str, ...], read: Sequence[Path | str] = ()) -> None:
    """Refuse, before any work, what cannot become a file of some kind, or is one that is read."""
    from bayes_alliance.errors import InputError

    if out.suffix not in endings:
        words = f"a file name ending in {' or '.join(endings)}"
        raise InputError(words, file=str(out), column="out")
    if len(os.fsencode(out.name)) > LONGEST_NAME:
        words = f"a file name of at most {LONGEST_NAME} bytes"
        raise InputError(words, file=str(out), column="out")
    if out.suffix != ".zarr" and out.is_dir():
        raise InputError("a file, or a name that is free: not a folder", file=str(out))
    if out.exists() and any(Path(one).exists() and out.samefile(one) for one in read):
        raise InputError("another file than those that are read", file=str(out), column="out")


def _load(names: list[str] | None, frames: bool = True, coding: list[str] | None = None) -> Any:
    """Data by name, both theatres by default."""
    from bayes_alliance.data.load import load

    reading = _reading(coding) if coding else None
    data = load(*(names or ["europe", "asia"]), frames=frames, coding=reading)
    for sentence in data.notes:
        _say(f"note: {sentence}", sys.stderr)
    return data


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
    from bayes_alliance.storage import accepted, read

    trees: dict[str, Any] = {}
    for path in paths:
        tree = read(path)
        name = str(tree.attrs.get("theory"))
        own = name if name in _own_theories else None
        accepted(tree, path, _load(data) if data else None, theory=own)
        if name in trees:
            raise InputError("one fit a theory", file=str(path), column="theory", value=name)
        trees[name] = tree
    return trees


_own_theories: list[str] = []
"""Theories of the user's own that fits may be of: those that the command line names."""


@app.callback()
def common(
    theory: Annotated[
        list[str] | None,
        typer.Option(help="A theory of your own, by its dotted name, that saved fits may be of."),
    ] = None,
) -> None:
    """Take what all commands share."""
    _own_theories[:] = theory or []


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
        from bayes_alliance.files import writable

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
                "notes": list(tables.notes),
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
            _say(str(path), sys.stderr)


@data_app.command("check")
def check_tables(
    files: Annotated[list[Path], typer.Argument(help="Tables, or one folder of tables.")],
) -> None:
    """Validate your own tables against the schema."""
    from bayes_alliance.data.load import check_files

    for said in check_files(files):
        _say(said)


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
        Path | None, typer.Option(help="Folder to write, which can then be loaded as data.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Write nothing; exit 1 if the bundled tables, or those of --out, differ.",
        ),
    ] = False,
) -> None:
    """Make the computed tables again from the published data."""
    from bayes_alliance.bundled import bundled
    from bayes_alliance.data import build as builder

    folder = sources or builder.sources()
    place = (out or bundled("data")) if check else builder.place(out)
    builder.check_sources(folder)
    if not check:
        from bayes_alliance.files import writable

        writable(place)
    with _progress(25) as tell:
        wanted = builder.build(bundled("data"), folder, tell)
    if check:
        lines = builder.differences(place, wanted)
        for line in lines or ["every computed table is as the sources have it"]:
            _say(line)
        raise typer.Exit(int(bool(lines)))
    changed = builder.write(place, wanted)
    _say(f"{len(wanted)} tables, {len(changed)} changed: {place}")


@app.command()
def theories(json_: Json = False) -> None:
    """List the theories with their hypotheses."""
    from bayes_alliance.theories import theories as known

    if json_:
        _emit(known())
        return
    for name, about in known().items():
        _say(f"{name}: {about['description']}")
        _say(f"  {about['reference']}")
        for hypothesis, words in about["hypotheses"].items():
            _say(f"  {hypothesis}: {words}")


@app.command()
def fit(
    theory: Annotated[str, typer.Argument(help=f"{THEORIES}, or the dotted name of a module.")],
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
    from bayes_alliance.files import target

    _file_to_write(out, (".nc", ".zarr"), [priors] if priors else [])
    target(out, room=LEAST_ROOM * draws * chains)
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
        _say(f"{out}: {found['verdict']}")
        for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences", "ebfmi_min"):
            _say(f"  {name:13} {found[name]:.4g}")
        for problem in found["problems"]:
            _say(f"  problem: {problem}")
    if tree.attrs["interrupted"]:
        _kept["words"] = "what was sampled is kept"
        raise KeyboardInterrupt


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
            shown = frame.drop(columns=["estimand", "article_finding"])
            _show_marked(shown.assign(fit=name), f"{name}, 90 % intervals")


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
        typer.Option(help=f"Study: one of {THEORIES} (repeat); by default {', '.join(MAIN)}."),
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
        title = f"Log score of unseen cases ({information}, by {by})"
        _show_marked(frame.rename_axis("theory").assign(fit=frame.index), title)


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
        left = _left(passed / done * (total - done)) if done else ""
        at = f"{done} of {total}{left}" if total else "study"
        _say(f"[{at}] {words}", sys.stderr)

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
        _say(sentence)
    _say(f"tables and figures: {out}")


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
        _show_marked(frame.assign(fit=name), f"{name}: 90 % intervals of replications")


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
    year: Annotated[
        int | None, typer.Option(help="Year of the decision; the scenario's first by default.")
    ] = None,
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
        from bayes_alliance.files import target, write_text

        _file_to_write(out, (".csv",), [scenario, *fits])
        target(out)
    from bayes_alliance.forecast.decided import condition, decision_year, untouched, years_to_show
    from bayes_alliance.forecast.forecast import STACKED, as_csv, stacking_weights
    from bayes_alliance.forecast.forecast import forecast as forecast_fits
    from bayes_alliance.storage import data_of

    if year is not None or not by_year:
        decision_year(asked, year)
    trees = _open(fits, data)
    weights = stacking_weights(trees)
    if by_year:
        paths = dict(zip(trees, fits, strict=True))
        frame, years = _by_year(paths, trees, asked, weights)
        shown = years_to_show(asked) if year is None else [year]
    else:
        frame, years = forecast_fits(trees, asked, weights, year), None
        shown = frame["year"].unique().tolist()
    rows = frame if years is None else years
    problems = _problems(rows[rows["theory"] != STACKED], "theory")
    notes = warnings(asked, data_of(next(iter(trees.values()))))
    notes += [note for one in shown for note in untouched(asked, one)] if len(shown) == 1 else []
    if out is not None:
        write_text(out, as_csv(_one_table(frame, years), asked))
    for problem in problems:
        _say(problem, sys.stderr)
    if json_:
        first = frame[frame["year"] == shown[0]]
        rows = {
            theory: part.set_index("cell").drop(columns="theory").to_dict(orient="index")
            for theory, part in first.groupby("theory", sort=False)
        }
        about = {"scenario": asked.name, "title": asked.title, "condition": condition(shown[0])}
        found = {}
        if years is not None:
            found = {"by_year": years.to_dict(orient="records")}
            found |= {"if_decided": frame.to_dict(orient="records")}
        _emit({**about, "forecast": rows, **found, "problems": problems, "warnings": notes})
        return
    words = f"{asked.title}: probability (90 % interval)"
    for one in shown:
        _show(_wide(frame[frame["year"] == one], "cell"), f"{words}, {condition(one)}", problems)
    if years is not None:
        last = years[years["year"] == asked.horizon]
        end = f"{words}, what it is at the end of {asked.horizon}, decided or not"
        _show(_wide(last, "rung"), end, problems)
    for note in notes:
        _say(f"note: {note}")


def _one_table(frame: Any, years: Any) -> Any:
    """Designs if decided, and what the grouping is by the end of each year, as one table."""
    import pandas as pd

    if years is None:
        return frame
    named = frame.rename(columns={"cell": "outcome"}), years.rename(columns={"rung": "outcome"})
    return pd.concat(named, ignore_index=True)


def _explore(given: list[str], out: Path | None, data: list[str] | None) -> None:
    """Write the explorer's page: scenarios (bundled ones, or TOML files) and fits in any order."""
    from bayes_alliance.errors import InputError
    from bayes_alliance.forecast.explore import check, explore
    from bayes_alliance.forecast.scenario import bundled_scenarios, read

    asked = [name for name in given if name in bundled_scenarios() or name.endswith(".toml")]
    fits = [Path(name) for name in given if name not in asked]
    if not fits:
        raise InputError("one fit or more", column="fits")
    page = out or Path("explorer.html")
    _file_to_write(page, (".html", ".htm"), given)
    trees = _open(fits, data)
    paths = dict(zip(trees, fits, strict=True))
    scenarios = [read(name) for name in asked]
    check(trees, page, scenarios)
    with _progress(70 * len(paths)) as tell:
        explore(trees, page, _hazards(paths, trees, tell), scenarios, tell)
    _say(f"explorer: {page}")


def _show_marked(frame: Any, title: str) -> None:
    """Print a table, and below it which of its fits are not to be trusted, and why."""
    _show(frame.drop(columns=["fit", "problems"]), title, _problems(frame, "fit"))


def _problems(frame: Any, of: str) -> list[str]:
    """A line for each fit that is not to be trusted."""
    found = dict(zip(frame[of], frame["problems"], strict=True))
    return [f"not to be trusted: {name}: {words}" for name, words in found.items() if words]


def _wide(frame: Any, rows: str) -> Any:
    """Probabilities with their intervals, a column a theory."""
    shown = [f"{r.probability:.2f} ({r.lower:.2f}, {r.upper:.2f})" for r in frame.itertuples()]
    wide = frame.assign(shown=shown).pivot(index=rows, columns="theory", values="shown")
    return wide.loc[frame[rows].unique(), frame["theory"].unique()]


def _by_year(
    paths: dict[str, Path], trees: dict[str, Any], asked: Any, weights: dict[str, float]
) -> Any:
    """Designs if decided in each year, and what a grouping is at the end of each year."""
    from bayes_alliance.diagnostics import marked
    from bayes_alliance.forecast.horizon import by_year, designs_by_year, outlooks

    with _progress(55 * len(trees)) as tell:
        forms = _hazards(paths, trees, tell)
        tell("what the grouping is by year")
        found = outlooks(trees, forms, asked)
        designs, ladder = designs_by_year(found, weights), by_year(found, weights)
        return (
            marked(designs, trees, designs["theory"]),
            marked(ladder, trees, ladder["theory"], forms),
        )


def _hazards(paths: dict[str, Path], trees: dict[str, Any], tell: Any) -> dict[str, Any]:
    """Hazards of decisions of the fits; they stay beside the fits."""
    from bayes_alliance.files import writable
    from bayes_alliance.forecast.kept import file_of, kept
    from bayes_alliance.report.results import DECISIONS, labelled

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
        _say(f"{name:<36}{title}")


@app.command()
def report(
    fits: Fits,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    data: DataNames = None,
    study: OfStudy = None,
    json_: Json = False,
) -> None:
    """Write figures, index.html and summary.json from saved fits."""
    from bayes_alliance.files import writable

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
    from bayes_alliance.files import writable

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
        _emit(numbers)
        return
    for name, found in numbers["fits"].items():
        for problem in found["problems"]:
            _say(f"not to be trusted: {name}: {problem}")
    _say(f"report: {out / 'index.html'}")


if __name__ == "__main__":
    main()
