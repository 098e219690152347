"""The speed benchmark: this package beside PyMC, nutpie, NumPyro and Stan on the same data.

``make bench`` runs it. Every part is measured in processes of its own (`speed_one.py`) and kept in
``reports/speed``; what is there is not measured again unless code, versions or settings differ. A
part that would not end within ``--minutes`` is left for the next run. ``--page`` measures nothing:
it only writes ``docs/speed.md`` and its figures from ``benchmarks/speed/speed.json``.
"""

from __future__ import annotations

import argparse
import ast
import functools
import hashlib
import inspect
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import speed_page
import stan_model
from fits import ROOT, commit
from speed_one import REFITS, SIZES, TOOLS

FOLDER = ROOT / "reports/speed"
PACKAGES = (
    "bayes-alliance",
    "pymc",
    "pytensor",
    "nutpie",
    "llvmlite",
    "numba",
    "numpyro",
    "jax",
    "arviz",
)
STUDY = "benchmarks/study/europe+asia.json"
STARTS = 10
"""Starts of the package and of its command line."""
POINTS = 100
"""Points at which Stan's log density is set against ours."""
LIMIT = 900
"""Seconds after which a process is ended, and its part has failed."""
COUNTS = ("draws", "tune", "chains")
FEWER = {"nutpie": 4, "pymc": 4, "numpyro": 4, "stan": 4}
"""Tools that would take many minutes, and by what their draws are divided; the page says so."""
EXPECTED = {
    "import": 40,
    "help": 10,
    "gradient": 50,
    "growth": 15,
    "many": 60,
    "report": 200,
    "ours": 50,
    "nutpie": 140,
    "pymc": 170,
    "stan": 190,
    "numpyro": 80,
}
"""About how many seconds a part takes, until it was measured once."""


def starts(command: list[str | Path], asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a command that is over at once.

    Parameters
    ----------
    command : list of str
        Command.
    asked : argparse.Namespace
        Options; none is read.

    Returns
    -------
    dict
        ``seconds``, one a start; the first, which fills Python's own caches, is not among them.
    """
    child(command)
    return {"seconds": [child(command)["wall"] for _ in range(STARTS)]}


def one(arguments: tuple, asked: argparse.Namespace) -> dict[str, Any]:
    """One measurement of `speed_one.py`, as often as its timings are asked for.

    Parameters
    ----------
    arguments : tuple
        What to measure.
    asked : argparse.Namespace
        Options.

    Returns
    -------
    dict
        What it prints, with ``wall`` and ``rss``.
    """
    repeats = () if arguments[0] == "many" else (asked.repeats,)
    return child(script(*arguments, *repeats))


def fit(theory: str, tool: str, asked: argparse.Namespace) -> dict[str, Any]:
    """A fit with empty caches, and again with what the first left in them.

    Parameters
    ----------
    theory, tool : str
        Theory, and what fits it.
    asked : argparse.Namespace
        Options.

    Returns
    -------
    dict
        ``cold`` and ``warm``; of Stan also ``equal``, whether its program is the same model.
    """
    if tool == "stan":
        stan_model.install()
    fewer = FEWER.get(tool, 1)
    counts = {name: max(10, getattr(asked, name) // fewer) for name in ("draws", "tune")}
    if tool == "ours":
        counts["tune"] = own_tune()
    command = script("fit", theory, tool, *counts.values(), asked.chains, 1)
    with tempfile.TemporaryDirectory() as caches:
        made = {when: counts | child(command, caches) for when in ("cold", "warm")}
        if tool == "stan":
            made["equal"] = child(script("equal", theory, POINTS), caches)
    return made


@functools.cache
def own_tune() -> int:
    """Iterations of warm-up that this package makes unless asked otherwise."""
    import bayes_alliance as ba

    return int(inspect.signature(ba.fit).parameters["tune"].default)


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """The job of ``make report`` with empty caches, and again into another folder.

    Parameters
    ----------
    asked : argparse.Namespace
        Options.

    Returns
    -------
    dict
        ``cold`` and ``warm``, each with ``steps``, seconds by kind of step.
    """
    counts = [str(value) for value in (asked.draws, own_tune(), asked.chains)]
    job, made = Path(__file__).with_name("speed_report.py"), {}
    with tempfile.TemporaryDirectory() as caches, tempfile.TemporaryDirectory() as out:
        for when in ("cold", "warm"):
            command = [sys.executable, job, Path(out, when), ROOT / STUDY, *counts]
            made[when] = child(command, caches)
    return made


def parts() -> dict[str, Callable[[argparse.Namespace], dict[str, Any]]]:
    """What is measured, by name, the cheap parts first."""
    again = functools.partial
    fits = [(theory, tool) for tool in TOOLS for theory in stan_model.THEORIES]
    return {
        "import": again(starts, [sys.executable, "-c", "import bayes_alliance"]),
        "help": again(starts, [binary(), "--help"]),
        **{f"gradient-{t}": again(one, ("gradient", t)) for t in stan_model.THEORIES},
        **{f"growth-{size}": again(one, ("growth", "occupation", size)) for size in SIZES},
        "many": again(one, ("many", "null", REFITS)),
        "report": report,
        **{f"fit-{theory}-{tool}": again(fit, theory, tool) for theory, tool in fits},
    }


def script(*arguments: Any) -> list[str | Path]:
    """Command of a measurement."""
    return [sys.executable, Path(__file__).with_name("speed_one.py"), *map(str, arguments)]


def binary() -> Path:
    """The command line of the package."""
    return Path(sys.executable).with_name("bayes-alliance")


def child(command: list[str | Path], caches: str | None = None) -> dict[str, Any]:
    """Run a command to its end.

    Parameters
    ----------
    command : list of str
        Command.
    caches : str, optional
        Folder for all caches, in place of the user's.

    Returns
    -------
    dict
        What it printed on its last line, if that is JSON; ``wall`` (seconds) and ``rss`` (kB, of
        the largest process); ``failed``, what it said last, if it failed.
    """
    environment = dict(os.environ)
    if caches:
        environment |= {
            "PYTENSOR_FLAGS": f"base_compiledir={caches}/pytensor",
            "NUMBA_CACHE_DIR": f"{caches}/numba",
            "JAX_COMPILATION_CACHE_DIR": f"{caches}/jax",
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "XDG_CACHE_HOME": caches,
        }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=err, start_new_session=True
        )
        end = functools.partial(os.killpg, process.pid, signal.SIGKILL)
        timer = threading.Timer(LIMIT, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            end()
            raise
        finally:
            timer.cancel()
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said, complaint = (
            (stream.seek(0), stream.read().decode(errors="replace").strip().splitlines())[1]
            for stream in (out, err)
        )
    made: dict[str, Any] = {"rss": usage.ru_maxrss, "wall": wall}
    if wall > LIMIT:
        return made | {"failed": f"not done in {LIMIT} s"}
    if process.returncode:
        return made | {"failed": complaint[-1] if complaint else f"exit {process.returncode}"}
    try:
        # what a measurement says of itself (Stan's memory) goes before what is seen from outside
        return made | {k: v for k, v in json.loads(said[-1]).items() if k != "wall"}
    except (IndexError, ValueError, AttributeError):
        return made


@functools.cache
def versions() -> dict[str, str]:
    """Versions of all that is measured; what is missing is said to be."""
    if stan_model.PYTHON.exists():
        ask = (
            "from importlib.metadata import version; print(version('pystan'), version('httpstan'))"
        )
        done = subprocess.run([stan_model.PYTHON, "-c", ask], capture_output=True, text=True)
        pystan, httpstan = done.stdout.split() or ("none", "none")
    else:
        pystan, httpstan = (wanted.partition("==")[2] for wanted in stan_model.PACKAGES)
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "pystan": pystan,
        "httpstan": httpstan,
    }


def machine() -> dict[str, Any]:
    """Platform, processor, cores and memory."""
    cpu, info = platform.processor(), Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "platform": platform.platform(),
        "processor": cpu,
        "cores": os.cpu_count(),
        "gigabytes": round(memory / 1e9, 1),
    }


@functools.cache
def digest(whole: bool) -> str:
    """Digest of the code that a part runs; comments and layout do not count.

    Parameters
    ----------
    whole : bool
        Of the whole package; else of what a fit depends on and of the benchmark.

    Returns
    -------
    str
        Hexadecimal.
    """
    from bayes_alliance.compare.study import CODE, imported, module_file

    package, here = ROOT / "bayes_alliance", Path(__file__).parent
    if whole:
        files = sorted(package.rglob("*.py"))
    else:
        own = [here / f"{name}.py" for name in ("speed_one", "stan_model", "stan_run", "floor")]
        theories = sorted((package / "theories").glob("*.py"))
        files = imported([*map(module_file, CODE), *theories]) + own
    found = hashlib.sha256()
    for file in files:
        found.update(ast.dump(ast.parse(file.read_text(encoding="utf-8"))).encode())
    other = sorted([*(here / "stan").glob("*"), *(ROOT / "models").glob("*.toml")])
    for file in [*other, *sorted((ROOT / "data/asymmetric").glob("*.csv"))]:
        found.update(file.read_bytes())
    return found.hexdigest()


def inputs(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """What the result of a part depends on."""
    kind = name.partition("-")[0]
    read = {"fit": COUNTS, "report": COUNTS, "gradient": ("repeats",), "growth": ("repeats",)}
    return {
        **{key: getattr(asked, key) for key in read.get(kind, ())},
        "versions": versions(),
        "machine": machine(),
        "code": digest(kind in ("import", "help", "report")),
    }


def failed(result: dict[str, Any]) -> bool:
    """Whether anything in a part's result failed."""
    rows = [result, *(row for row in result.values() if isinstance(row, dict))]
    return any("failed" in row for row in rows)


def kept(name: str) -> dict[str, Any]:
    """What is kept of a part; nothing of one that was never measured."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def expected(name: str) -> float:
    """About how many seconds a part will take."""
    kind, _, rest = name.partition("-")
    usual = EXPECTED[rest.partition("-")[2] if kind == "fit" else kind]
    return kept(name).get("seconds", usual)


def measure(name: str, asked: argparse.Namespace) -> None:
    """Measure a part and keep it."""
    began = time.perf_counter()
    try:
        result = parts()[name](asked)
    except RuntimeError as error:  # Stan's environment cannot be made
        result = {"failed": str(error)}
    made = {
        "inputs": inputs(name, asked),
        "result": result,
        "seconds": time.perf_counter() - began,
        "commit": commit(),
        "date": date.today().isoformat(),
    }
    write(FOLDER / f"{name}.json", made)
    if failed(result):
        print(f"  {name} failed: see {FOLDER / name}.json", file=sys.stderr)


def write(path: Path, value: dict[str, Any]) -> None:
    """Write JSON whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    half.replace(path)


def main(given: list[str] | None = None) -> int:
    """Measure what is missing and write the page."""
    asked = arguments(given)
    if not asked.page:
        run(asked)
        store(asked)
    if speed_page.STORE.is_file():
        speed_page.write()
    return 0


def run(asked: argparse.Namespace) -> None:
    """Measure what is missing while there is time."""
    names = [
        n
        for n in parts()
        if n.startswith(asked.only)
        and (kept(n).get("inputs") != inputs(n, asked) or failed(kept(n).get("result", {})))
    ]
    ends = time.perf_counter() + 60 * asked.minutes
    for done, name in enumerate(names):
        left = sum(map(expected, names[done:]))
        print(
            f"[{done + 1} of {len(names)}] {name} [about {left / 60:.0f} min left]",
            file=sys.stderr,
            flush=True,
        )
        if time.perf_counter() + expected(name) > ends:
            print("  left for the next run: no time for it", file=sys.stderr)
            continue
        measure(name, asked)


def store(asked: argparse.Namespace) -> None:
    """Store the parts that are there and were measured as this run asks."""
    rows = {name: kept(name) for name in parts()}
    rows = {n: row for n, row in rows.items() if row and row["inputs"] == inputs(n, asked)}
    stored = {
        "command": "make bench",
        "machine": machine(),
        "versions": versions(),
        **{name: getattr(asked, name) for name in (*COUNTS, "repeats")},
        "parts": {n: {k: v for k, v in row.items() if k != "inputs"} for n, row in rows.items()},
    }
    write(speed_page.STORE, stored)


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    parser.add_argument("--only", default="", metavar="PART", help="parts whose names begin so")
    parser.add_argument("--minutes", type=float, default=30, help="begin nothing that lasts longer")
    for name, value in {"draws": 1000, "tune": 1000, "chains": 4, "repeats": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args(given)
    if not any(name.startswith(asked.only) for name in parts()):
        parser.error(f"no part begins with {asked.only!r}; there are {', '.join(parts())}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
