"""Where scores come from, and what the theories say of what they have not seen."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from bayes_alliance.compare.stages import STAGES, lead
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.designs import designs
from bayes_alliance.report.figures.style import (
    PERCENT,
    Figure,
    canvas,
    legend,
    mark,
    offsets,
    rows_axis,
    theatre_label,
    theory_colour,
    theory_legend,
    theory_marker,
    wrap,
)
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.report.words import STAGE_WORDS, case_names, listed
from bayes_alliance.theories import NULL

ASKED = {"multilateral": "Probability of a multilateral design", "strong": "... of a strong one"}


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the scores by stage and the predictions of the asked cases.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    found = results.stages.get(MAIN[0], {})
    if NULL in found and len(found) > 1:
        yield "stages", _stages(found)
    if not results.unseen.empty:
        yield "unseen", _unseen(results)


def _stages(found: dict[str, pd.DataFrame]) -> Figure:
    names = [n for n in found if n != NULL]
    figure, panels = canvas(1.4 + 0.5 * len(STAGES))
    axes = panels[0, 0]
    at = rows_axis(axes, [wrap(STAGE_WORDS[s], 28) for s in STAGES])
    said = []
    for shift, name in zip(offsets(len(names), 0.5), names, strict=True):
        for y, stage in zip(at, STAGES, strict=True):
            gap, error = lead(found, name, NULL, stage)
            colour, marker = theory_colour(name), theory_marker(name)
            mark(axes, gap, y + shift, gap - error, gap + error, colour, marker)
            said.append((name, stage, gap, error))
    axes.axvline(0, color="black", linewidth=0.9, linestyle=":")
    axes.set_xlabel(f"Log score (elpd) minus that of {NULL}, ± 1 standard error")
    legend(figure, theory_legend(names))
    most = {n: max((s for s in said if s[0] == n), key=lambda s: abs(s[2])) for n in names}
    return Figure(
        title="In which stage do the theories predict better?",
        caption=(
            f"Log score of left-out cases by stage, minus that of {NULL}; to the right is "
            "better. The largest difference is "
            + listed(
                f"{gap:+.1f} (standard error {error:.1f}) in {STAGE_WORDS[stage]} for {name}"
                for name, stage, gap, error in most.values()
            )
            + "."
        ),
        alt="; ".join(f"{n}, {s}: {g:+.1f} ± {e:.1f}" for n, s, g, e in said) + ".",
        figure=figure,
        section="stage",
    )


def _unseen(results: Results) -> Figure:
    tables = {
        (str(case), str(out)): rows.set_index(["theory", "design"])
        for (case, out), rows in results.unseen.groupby(["case", "without"], sort=False)
    }
    names, words, ended = list(results.trees), case_names(results), designs(results.data)
    labels = [
        wrap(f"{words[case]}, without {'it' if out == 'episode' else theatre_label(out)}", 34)
        for case, out in tables
    ]
    figure, panels = canvas(1.8 + 0.52 * len(labels), 1, len(ASKED), sharex=True, sharey=True)
    said = []
    for axes, (kind, title) in zip(panels[0], ASKED.items(), strict=True):
        at = rows_axis(axes, labels)
        for y, ((case, out), table) in zip(at, tables.items(), strict=True):
            happened = kind in CELLS[int(ended[case])]
            axes.plot([float(happened)], [y], marker="|", color="black", ms=16, mew=2.5)
            for shift, name in zip(offsets(len(names), 0.6), names, strict=True):
                row = table.loc[(name, kind)]
                colour, marker = theory_colour(name), theory_marker(name)
                mark(
                    axes, row["probability"], y + shift, row["lower"], row["upper"], colour, marker
                )
                said.append((words[case], out, name, kind, row["probability"], happened))
        axes.set_title(title, fontsize=9.5)
        axes.set_xlim(-0.04, 1.04)
    figure.supxlabel(
        f"Mean and {PERCENT} interval over draws; black bar: what happened (0 or 1)", fontsize=9.5
    )
    legend(figure, theory_legend(names))
    gaps = pd.DataFrame(said, columns=["case", "out", "name", "kind", "p", "happened"])
    gaps["off"] = (gaps["p"] - gaps["happened"].astype(float)).abs()
    wide = gaps[(gaps["out"] != "episode") & (gaps["kind"] == "multilateral")]
    mean = (wide if len(wide) else gaps).groupby("name", sort=False)["off"].mean()
    left_out = "without the theatre" if len(wide) else "without the case"
    return Figure(
        title="What would each theory have said of 1949, 1951 and 1954?",
        caption=(
            f"Probability of a multilateral and of a strong design, by fits that have not seen the "
            f"case, nor the other cases of its theatre where one is named. Mean distance of the "
            f"probability of a multilateral design from what happened, {left_out}: "
            + listed(f"{d:.2f} ({n})" for n, d in mean.items())
            + "; a coin's is 0.50."
        ),
        alt="; ".join(
            f"{c}, without {o}, {n}: {k} {p:.2f}, happened {'yes' if h else 'no'}"
            for c, o, n, k, p, h in said
        )
        + ".",
        figure=figure,
        section="unseen",
    )
