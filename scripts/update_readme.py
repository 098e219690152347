"""Write the README's numbers from the stored reference report; ``--check`` only compares."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
FIGURES = ("comparison", "forecasts-multilateral", "hypotheses-prospect")
START, END = "<!-- results: begin (make reference writes this) -->", "<!-- results: end -->"


def results(summary: dict) -> str:
    """Make the README's section of results."""
    percent = f"{summary['interval_probability']:.0%}"
    counts = summary["data"]["counts"]["total"]
    lines = [
        f"From the reference run on {counts['cases (a proposal with its fallbacks)']:.0f} cases "
        f"({counts['episodes']:.0f} episodes) of Europe and Asia, 1947 to 1955. Intervals are "
        f"{percent} intervals.",
        "",
        "| fit | log score of unseen cases | minus null (standard error) | stacking weight |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, row in summary["comparison"]["indicators"]["episode"].items():
        weight = f"{row['weight']:.2f}" if "weight" in row else ""
        lines.append(
            f"| {name} | {row['elpd']:.1f} | {row['against_null']:.1f} "
            f"({row['against_null_se']:.1f}) | {weight} |"
        )
    best, named, *_ = summary["findings"]["Which theory predicts best, and which cases decide?"]
    lines += [
        "",
        f"{best['text']} {named['text']}",
        "",
        "| hypothesis | estimate | interval | probability of the expected sign | prior's |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for theory, table in summary["hypotheses"].items():
        for name, row in table.items():
            lines.append(
                f"| {theory} {name}: {row['words']} | {row['estimate']:.2f} | "
                f"{row['lower']:.2f} to {row['upper']:.2f} | {row['probability']:.2f} | "
                f"{row['prior_probability']:.2f} |"
            )
    lines += [
        "",
        "| scenario, all theories stacked | multilateral and strong, if decided in | "
        "multilateral and strong by the end of, decided or not |",
        "| --- | ---: | ---: |",
    ]
    for name, table in summary["forecast"].items():
        decided = table["stacked"]["multilateral_strong"]
        later = [
            row
            for row in summary["outlook"][name]["years"]
            if (row["theory"], row["rung"]) == ("stacked", "multilateral_strong")
        ]
        last = max(later, key=lambda row: row["year"])
        when = summary["scenarios"][name]["year"]
        lines.append(f"| {name} | {when}: {_chance(decided)} | {last['year']}: {_chance(last)} |")
    bad = [f"{n}: {'; '.join(f['problems'])}" for n, f in summary["fits"].items() if f["problems"]]
    lines += [
        "",
        "Every fit passed its diagnostics."
        if not bad
        else "**Not to be trusted:** " + "; ".join(bad),
    ]
    return "\n".join(lines)


def _chance(row: dict) -> str:
    """A probability with its interval."""
    return f"{row['probability']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"


def store() -> None:
    """Copy the latest report's numbers and a few figures, and say where they come from."""
    latest, kept = ROOT / "reports/latest", ROOT / "reports/reference"
    kept.mkdir(parents=True, exist_ok=True)
    for name in ("summary.json", *(f"figures/{figure}.svg" for figure in FIGURES)):
        shutil.copy(latest / name, kept / Path(name).name)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    summary = json.loads((kept / "summary.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    (kept / "README.md").write_text(
        "# Reference report\n\n"
        f"Numbers and three figures of `make report`, run on {date.today().isoformat()} at commit "
        f"{commit} and stored by `make reference`.\n\n{versions}\n",
        encoding="utf-8",
    )


def main() -> int:
    """Store the latest report and update the README or, with ``--check``, compare."""
    checking = "--check" in sys.argv
    if not checking:
        store()
    summary = json.loads((ROOT / "reports/reference/summary.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    wanted = f"{before}{START}\n{results(summary)}\n{END}{after}"
    if not checking:
        readme.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print("README.md does not show the numbers of reports/reference: run make reference")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
