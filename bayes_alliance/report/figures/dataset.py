"""A dataset by itself: alliances over time, who is bound to whom, missing values, survival."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.textpath import TextToPath
from matplotlib.transforms import ScaledTranslation
from scipy.stats import norm

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import THEATRES
from bayes_alliance.process.cells import COMMITMENTS
from bayes_alliance.process.survival import OBSERVED_UNTIL, YEAR, durations
from bayes_alliance.report.dataset import (
    KINDS,
    PERIODS,
    bound,
    decisions,
    missing,
    state_names,
    tables,
)
from bayes_alliance.report.figures.predicted import kaplan_meier
from bayes_alliance.report.figures.style import (
    PERCENT,
    RC,
    WIDTH,
    Figure,
    canvas,
    dot,
    legend,
    patch,
    rows_axis,
    settle,
    styled,
)
from bayes_alliance.report.words import listed

COLOURS = {"bilateral": "#2E8BC0", "trilateral": "#C98A00", "multilateral": "#332288"}
LINES = {"bilateral": "-", "trilateral": (0, (4, 1.2)), "multilateral": (0, (6, 1.5, 1.5, 1.5))}
COMMITMENT_COLOURS = {"none": "#8C8C8C", "consult": "#0072B2", "defend": "#882255"}
COMMITMENT_LINES = dict(zip(COMMITMENTS, LINES.values(), strict=True))
COMMITMENT_WORDS = {
    "none": "no promise",
    "consult": "promise to consult",
    "defend": "promise to defend",
}
UNKNOWN = "#6B6B6B"
"""Colour of a request that met with no proposal."""
DARK = "#333333"

SMALL = 7.0  # points
PITCH = 0.122  # inches between the rows of a timeline
HEADING = 1.35
"""Height of a patron's name, in rows."""
ERAS = {"to-1944": (1816, 1944), "1945-1991": (1945, 1991), "from-1992": (1992, 2025)}
LONGEST = 75
"""Rows of one timeline; more are cut into eras."""

DAYS = tuple(pd.Timestamp(d) for d in ("1914-07-01", "1939-08-31", "1960-12-31", "2025-12-31"))
"""Days of the matrix of patrons and clients."""
TILES = 16
"""Clients on one line of that matrix."""
MARGIN = 6.8
"""Width of the names beside them, in tiles."""
THEATRE_WORDS = {
    "europe": "Europe",
    "asia": "Asia and Pacific",
    "americas": "Americas",
    "middle-east": "Middle East",
    "africa": "Africa",
}


def dataset_figures(data: Data) -> dict[str, Figure]:
    """Draw every figure for which a dataset has something to show.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Returns
    -------
    dict of str to Figure
        In reading order; the keys serve as names of files.
    """
    with styled():
        found = dict(draw(data))
        for figure in found.values():
            settle(figure)
    return found


def draw(data: Data) -> Iterator[tuple[str, Figure]]:
    """Draw a dataset.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    rows = decisions(data)
    for slug, era in _eras(rows):
        yield slug, _timeline(data, era)
    days = [day for day in DAYS if len(bound(data, day))]
    if days:
        yield "bound", _bound(data, days)
    gaps = missing(data)
    gaps = gaps[gaps["all"] > 0]
    if len(gaps):
        yield "missingness", _missingness(data, gaps)
    yield from _lifetimes(data)


# -- timeline --------------------------------------------------------------------------------


def _eras(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """One timeline, or one an era if there are too many rows."""
    if len(rows) <= LONGEST:
        return [("timeline", rows)]
    year = rows["date"].dt.year
    parts = {slug: rows[year.between(*span)] for slug, span in ERAS.items()}
    return [(f"timeline-{slug}", part) for slug, part in parts.items() if len(part)]


def _timeline(data: Data, rows: pd.DataFrame) -> Figure:
    patrons = rows["patron"].nunique()
    height = len(rows) + HEADING * patrons
    figure, panels = canvas(1.4 + PITCH * height)
    axes = panels[0, 0]
    first, last = _year(rows["date"].min()), _year(max(rows["date"].max(), rows["end"].max()))
    axes.set_xlim(_gutter(rows, last + 0.015 * (last - first)), last + 0.015 * (last - first))
    axes.set_ylim(height - 0.4, -0.6)
    joined = _accessions(data, rows)
    y = 0.0
    for patron, group in rows.groupby("patron", sort=False):
        _heading(axes, y, state_names()[str(patron)])
        y += HEADING
        for row in group.itertuples():
            _row(axes, y, row, joined.loc[joined["accession_to"] == row.episode])
            y += 1
    _calendar(axes, first, last)
    legend(figure, _timeline_key(rows, bool(joined["alive"].any())))
    return _timeline_words(rows, joined, figure)


def _accessions(data: Data, rows: pd.DataFrame) -> pd.DataFrame:
    """Accessions to the designs of some rows: ``start``, and whether the design was ``alive``."""
    own = rows.set_index("episode")
    columns = data.episodes[["accession_to", "start"]].dropna()
    out = columns[columns["accession_to"].isin(own.index[~own["failed"]])]
    until = out["accession_to"].map(own["end"])
    return out.assign(alive=out["start"].le(until))


def _year(date: pd.Timestamp) -> float:
    """Date as a fractional year."""
    return date.year + (date - pd.Timestamp(date.year, 1, 1)).days / YEAR


def _inches(text: str) -> float:
    """Width of a small text."""
    font = FontProperties(family=RC["font.family"], size=SMALL)
    return TextToPath().get_text_width_height_descent(text, font, False)[0] / 72


def _gutter(rows: pd.DataFrame, right: float) -> float:
    """Left end of the axis that leaves room for each name beside its bar."""
    share = np.array([(_inches(name) + 0.2) / (WIDTH - 0.15) for name in rows["name"]])
    begin = np.array([_year(d) for d in rows["start"].fillna(rows["date"])])
    return float(((begin - share * right) / (1 - share)).min())


def _heading(axes: Axes, y: float, text: str) -> None:
    """Name of a patron, above its rows."""
    axes.axhline(y - 0.55, color="#BDBDBD", linewidth=0.6)
    across = axes.get_yaxis_transform()
    axes.text(0.002, y + 0.12, text, transform=across, va="center", fontsize=8, fontweight="bold")


def _row(axes: Axes, y: float, row, joined: pd.DataFrame) -> None:
    """One design or failed proposal, its name before it."""
    begin = _year(row.date if row.failed else row.start)
    if row.failed:
        known = row.kind in COLOURS
        axes.plot(
            [begin],
            [y],
            marker="D" if known else "o",
            color=COLOURS[row.kind] if known else UNKNOWN,
            markerfacecolor="white",
            markersize=4.2,
            markeredgewidth=1.1,
            gid=row.episode,
        )
    else:
        _bar(axes, y, row)
        at = [_year(day) for day in joined.loc[joined["alive"], "start"]]
        for colour, width in (("white", 3.0), ("black", 1.2)):
            axes.plot(at, [y] * len(at), "|", color=colour, markersize=6.2, markeredgewidth=width)
    axes.annotate(
        row.name,
        (begin, y),
        (-5, -0.3),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=SMALL,
    )


def _bar(axes: Axes, y: float, row) -> None:
    """Life of a design, with an arrow where it goes on."""
    begin, stop, colour = _year(row.start), _year(row.end), COLOURS[row.kind]
    bar = Rectangle(
        (begin, y - 0.36),
        stop - begin,
        0.72,
        gid=row.episode,
        facecolor=colour if row.strong else _pale(colour),
        edgecolor=colour,
        linewidth=0.8,
    )
    axes.add_patch(bar)
    if row.in_force:
        beyond = axes.transData + ScaledTranslation(3.2 / 72, 0, axes.figure.dpi_scale_trans)
        axes.plot([stop], [y], marker=">", color=colour, markersize=4.5, transform=beyond)


def _pale(colour: str) -> tuple[float, float, float]:
    """The colour thinned with white: a weak commitment."""
    red, green, blue = (1 - 0.3 * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _calendar(axes: Axes, first: float, last: float) -> None:
    """Years above and below, none of them beside the first bar."""
    step = next(s for s in (1, 2, 5, 10, 20, 50) if (last - first) / s <= 9 or s == 50)
    begin = int(np.ceil((first - 0.35 * step) / step) * step)
    axes.set_xticks(np.arange(begin, last + 0.01 * step, step))
    axes.tick_params(axis="x", top=True, labeltop=True, labelsize=8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Year", fontsize=8.5)


def _timeline_key(rows: pd.DataFrame, joined: bool) -> list[Artist]:
    """Explain what the rows show."""
    formed, failed = rows[~rows["failed"]], rows[rows["failed"]]
    out: list[Artist] = [patch(k, COLOURS[k]) for k in KINDS if (rows["kind"] == k).any()]
    if len(formed):
        out += _strengths(formed["strong"])
    if joined:
        out.append(Line2D([], [], color="black", marker="|", linestyle="none", label="accession"))
    if formed["in_force"].any():
        out.append(dot(f"in force at the end of {OBSERVED_UNTIL.year - 1}", DARK, ">"))
    if failed["kind"].notna().any():
        out.append(dot("failed proposal", DARK, "D", hollow=True))
    if failed["kind"].isna().any():
        out.append(dot("asked for, not proposed", UNKNOWN, "o", hollow=True))
    return out


def _strengths(strong: Iterable[bool]) -> list[Patch]:
    """Legend entries of strong and weak commitments, as far as there are any."""
    there = set(strong)
    looks = (("strong", to_rgb(DARK), True), ("weak", _pale(DARK), False))
    return [Patch(facecolor=c, edgecolor=DARK, label=w) for w, c, s in looks if s in there]


def _timeline_words(rows: pd.DataFrame, joined: pd.DataFrame, figure) -> Figure:
    formed, failed = rows[~rows["failed"]], rows[rows["failed"]]
    first, last = rows["date"].dt.year.min(), rows["date"].dt.year.max()
    kinds = listed(f"{(formed['kind'] == k).sum()} {k}" for k in KINDS)
    unasked, late = int(failed["kind"].isna().sum()), int((~joined["alive"]).sum())
    parts = [
        f"{_many(len(rows), 'decision')} of {_many(rows['patron'].nunique(), 'patron')} from "
        f"{first} to {last}, by patron and date",
        f"{_many(len(formed), 'design')} came of them ({kinds}, as first formed), "
        f"{int(formed['strong'].sum())} with a strong commitment and "
        f"{int(formed['in_force'].sum())} still in force at the end of {OBSERVED_UNTIL.year - 1}",
        "A bar runs from the start of a design to its end",
    ]
    if len(failed):
        parts.append(
            f"{_many(len(failed), 'hollow mark')}: proposals that failed, in the colour of what "
            f"was proposed, and, {unasked} of them, requests to which the patron proposed nothing"
        )
    if len(joined):
        parts.append(f"Ticks: {_many(len(joined) - late, 'accession')} to the designs shown")
    if late:
        parts.append(f"Not drawn: {_many(late, 'accession')} after the end of the design joined")
    return Figure(
        title=f"Which alliances did great powers make with weaker states, {first}–{last}?",
        caption=". ".join(parts) + ".",
        alt="Timeline by patron. " + " ".join(_told(p, g) for p, g in rows.groupby("patron")),
        figure=figure,
        section="data",
    )


def _many(number: int, noun: str) -> str:
    """Number and noun."""
    return f"{number} {noun}{'s' * (number != 1)}"


def _told(patron: object, rows: pd.DataFrame) -> str:
    """Rows of a patron in words."""
    return f"{state_names()[str(patron)]}: {'; '.join(map(_fate, rows.itertuples()))}."


def _fate(row) -> str:
    """What a row shows, in words."""
    if row.failed:
        return f"{row.name}, failed"
    until = "now" if row.in_force else row.end.year
    return f"{row.name}, {row.kind}, {row.start.year} to {until}"


# -- who is bound to whom --------------------------------------------------------------------


def _bound(data: Data, days: Sequence[pd.Timestamp]) -> Figure:
    found = {day: bound(data, day) for day in days}
    laid = {day: _laid_out(pairs) for day, pairs in found.items()}
    heights = [sum(-(-len(g) // TILES) for _, g in lines) for lines in laid.values()]
    figure, panels = canvas(
        0.7 + 0.21 * sum(heights) + 0.42 * len(days), len(days), 1, height_ratios=heights
    )
    for axes, (day, lines), height in zip(panels[:, 0], laid.items(), heights, strict=True):
        axes.set_title(_clients_on(day, found[day]), fontsize=9, fontweight="bold")
        axes.set_xlim(-MARGIN, TILES)
        axes.set_ylim(height, 0)
        axes.set_axis_off()
        _tiles(axes, lines)
    pairs = pd.concat(found.values())
    legend(figure, _bound_key(pairs))
    counts = listed(f"{len(p)} in {d.year}" for d, p in found.items())
    several = listed(f"{(p['designs'] > 1).sum()} in {d.year}" for d, p in found.items())
    return Figure(
        title="Who is bound to whom, and by what design?",
        caption=(
            f"Clients with a design in force, by patron and theatre, on "
            f"{listed(_date(d) for d in days)}: pairs of patron and client number {counts}. The "
            "colour is that of the widest design between the two; a dot marks pairs bound by more "
            f"than one ({several})."
            + (
                ""
                if len(data.designs)
                else " Clients that left an alliance which went on are shown as long as it did."
            )
        ),
        alt=" ".join(_bound_told(day, pairs) for day, pairs in found.items()),
        figure=figure,
        section="data",
    )


def _date(day: pd.Timestamp) -> str:
    return f"{day.day} {day:%B} {day.year}"


def _clients_on(day: pd.Timestamp, pairs: pd.DataFrame) -> str:
    clients = _many(pairs["client"].nunique(), "client")
    return f"{_date(day)}: {clients}, {_many(pairs['patron'].nunique(), 'patron')}"


def _laid_out(pairs: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Clients by patron, those with most clients first, and theatre."""
    size = pairs["patron"].value_counts()
    order = list(THEATRES)
    groups = [((str(p), str(t)), g) for (p, t), g in pairs.groupby(["patron", "theatre"])]
    return sorted(groups, key=lambda item: (-size[item[0][0]], item[0][0], order.index(item[0][1])))


def _tiles(axes: Axes, lines: list[tuple[tuple[str, str], pd.DataFrame]]) -> None:
    """One tile a client, with the patron and the theatre before the line."""
    y, before = 0, None
    for (patron, theatre), clients in lines:
        if patron != before:
            name = state_names()[patron]
            axes.text(-MARGIN, y + 0.5, name, va="center", fontsize=7.5, fontweight="bold")
            axes.axhline(y, color="#BDBDBD", linewidth=0.6)
        axes.text(-0.2, y + 0.5, THEATRE_WORDS[theatre], ha="right", va="center", fontsize=SMALL)
        for i, row in enumerate(clients.itertuples()):
            _tile(axes, i % TILES, y + i // TILES, row)
        y += -(-len(clients) // TILES)
        before = patron


def _tile(axes: Axes, x: float, y: float, row) -> None:
    kind, _, strength = row.outcome.partition("_")
    strong = strength == "strong"
    box = Rectangle(
        (x + 0.04, y + 0.08),
        0.92,
        0.84,
        facecolor=COLOURS[kind] if strong else _pale(COLOURS[kind]),
        edgecolor=COLOURS[kind],
        linewidth=0.8,
        gid=f"{row.patron}-{row.client}",
    )
    axes.add_patch(box)
    ink = "white" if strong and kind == "multilateral" else "black"
    axes.text(x + 0.5, y + 0.54, row.client, ha="center", va="center", fontsize=SMALL, color=ink)
    if row.designs > 1:
        axes.plot([x + 0.885], [y + 0.2], "o", color=ink, markersize=2.4, markeredgewidth=0)


def _bound_key(pairs: pd.DataFrame) -> list[Artist]:
    cells = pairs["outcome"].astype(str).str.split("_", expand=True)
    out: list[Artist] = [patch(k, COLOURS[k]) for k in KINDS if (cells[0] == k).any()]
    out += _strengths(cells[1] == "strong")
    if (pairs["designs"] > 1).any():
        few = dot("more than one design", "black", "o")
        few.set_markersize(3)
        out.append(few)
    return out


def _bound_told(day: pd.Timestamp, pairs: pd.DataFrame) -> str:
    """Matrix of a day in words."""
    names = state_names()
    groups = [
        f"{names[p]} with {listed(names[c] for c in pairs.loc[pairs['patron'] == p, 'client'])}"
        for p in pairs["patron"].value_counts().index
    ]
    return f"{_date(day)}: {'; '.join(groups)}."


# -- missing values --------------------------------------------------------------------------


def _missingness(data: Data, gaps: pd.DataFrame) -> Figure:
    parts = {name: part.droplevel(0) for name, part in gaps.groupby(level=0, sort=False)}
    heights = [len(part) for part in parts.values()]
    figure, panels = canvas(
        0.5 + 0.215 * sum(heights) + 0.72 * len(parts),
        len(parts),
        2,
        height_ratios=heights,
        width_ratios=[1, 1.25],
    )
    content = tables(data)
    for bars in panels[:-1, 0]:
        bars.tick_params(axis="x", labelbottom=False)
    for (bars, cells), (name, part) in zip(panels, parts.items(), strict=True):
        rows = len(content[name][0])
        bars.set_title(f"{TABLE_WORDS[name]} ({rows} rows)", fontsize=9, fontweight="bold")
        _shares(bars, part)
        _heat(cells, part[list(PERIODS.values())])
    panels[-1, 0].set_xlabel("Share of rows missing", fontsize=8.5)
    panels[-1, 1].set_xlabel("By period (shades: the same share)", fontsize=8.5)
    return _missing_words(data, gaps, figure)


TABLE_WORDS = {
    "episodes": "Episodes",
    "clients": "Clients",
    "years": "Years of threat",
    "designs": "Alliance-years",
}


def _percent(share: float) -> str:
    """Share in words; what is neither none nor all does not look so."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def _shares(axes: Axes, part: pd.DataFrame) -> None:
    """A bar a column, with its share."""
    at = rows_axis(axes, [str(column) for column in part.index])
    axes.tick_params(axis="y", labelsize=8)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.barh(at, part["all"], height=0.62, color="#5B6F82")
    for y, share in zip(at, part["all"], strict=True):
        axes.text(share + 0.02, y, _percent(share), va="center", fontsize=7.5)
    axes.set_xlim(0, 1.2)
    axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])


def _heat(axes: Axes, shares: pd.DataFrame) -> None:
    """Share by period: a shade and a number."""
    for y, (_, row) in enumerate(shares.iterrows()):
        for x, share in enumerate(row):
            known = pd.notna(share)
            shade = 1 - 0.75 * share if known else 1.0
            box = Rectangle((x - 0.48, y - 0.42), 0.96, 0.84, color=str(round(shade, 4)))
            axes.add_patch(box)
            ink = "white" if known and share > 0.7 else "black"
            words = _percent(share) if known else "no rows"
            axes.text(x, y, words, ha="center", va="center", fontsize=7.5, color=ink)
    axes.set_xlim(-0.5, shares.shape[1] - 0.5)
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xticks(range(shares.shape[1]), list(shares.columns))
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.set_yticks([])
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _missing_words(data: Data, gaps: pd.DataFrame, figure) -> Figure:
    held = {name: table.shape[1] for name, (table, _) in tables(data).items()}
    with_gap = gaps.index.get_level_values(0).value_counts()
    whole = listed(
        f"{n - with_gap.get(name, 0)} of {TABLE_WORDS[name].lower()}" for name, n in held.items()
    )
    table, column = gaps["all"].idxmax()
    words = (
        f"Share of values that are missing, over all rows and by period, in the "
        f"{_many(len(gaps), 'column')} with a gap; complete are {whole}. Most is missing of "
        f"{column} ({TABLE_WORDS[table].lower()}): {_percent(gaps['all'].max())}. Keys are left "
        "out, and so are columns in which an empty cell says something, such as the end of a "
        "design in force."
    )
    lone = data.episodes.loc[data.episodes["adversary"].isna(), "episode"]
    if len(lone):
        words += (
            f" {_many(int(data.clients['episode'].isin(lone).sum()), 'row')} of clients belong to "
            f"the {_many(len(lone), 'episode')} without an adversary: nothing that is measured "
            "against one is known of them."
        )
    return Figure(
        title="What do the tables not know, and for when?",
        caption=words,
        alt="Bars and a shaded table of missing values. "
        + "; ".join(f"{t}, {c}: {_percent(share)}" for (t, c), share in gaps["all"].items())
        + ".",
        figure=figure,
        section="data",
    )


# -- survival --------------------------------------------------------------------------------


def numbers_at_risk(lives: pd.DataFrame, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """Count the designs that were observed up to each time.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration``.
    times : sequence of float
        Years since the design entered into force.

    Returns
    -------
    numpy.ndarray of int
        Designs that had neither ended nor been censored before each time.
    """
    ordered = np.sort(lives["duration"].to_numpy(float))
    return len(ordered) - np.searchsorted(ordered, np.asarray(times, float), side="left")


def survival_curve(lives: pd.DataFrame, prob: float = CI_PROB) -> pd.DataFrame:
    """Kaplan-Meier estimate with pointwise intervals.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration`` and ``event``, see `bayes_alliance.process.survival.durations`.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Indexed by years, from 0 on: ``share`` still standing, ``lower`` and ``upper``, by
        Greenwood's variance on the log-log scale; NaN once no design is left, since the variance
        is not finite there.

    References
    ----------
    Kalbfleisch & Prentice (2002), *The Statistical Analysis of Failure Time Data*, section 1.4.
    """
    years, share = kaplan_meier(lives)
    ended = np.sort(lives.loc[lives["event"] == 1, "duration"].to_numpy(float))
    deaths = np.searchsorted(ended, years, side="right") - np.searchsorted(ended, years)
    left = numbers_at_risk(lives, years)
    certain, over = share == 1, share == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.cumsum(deaths / (left * (left - deaths))))
        factor = np.exp(norm.ppf((1 + prob) / 2) * error / -np.log(share))
        bounds = [np.where(over, np.nan, share**power) for power in (factor, 1 / factor)]
    lower, upper = (np.where(certain, 1.0, values) for values in bounds)
    index = pd.Index(years, name="years")
    return pd.DataFrame({"share": share, "lower": lower, "upper": upper}, index=index)


def median_life(curve: pd.DataFrame) -> dict[str, float]:
    """Years after which half of the designs had ended.

    Parameters
    ----------
    curve : pandas.DataFrame
        From `survival_curve`.

    Returns
    -------
    dict of str to float
        ``median``, ``lower`` and ``upper``, the times at which the curve and its bounds fall to
        one half; NaN where they do not.
    """
    columns = {"median": "share", "lower": "lower", "upper": "upper"}
    half = 0.5 + 1e-9  # a product of fractions may miss one half by a rounding error
    fallen = {name: curve.index[curve[column] <= half] for name, column in columns.items()}
    return {name: float(at[0]) if len(at) else np.nan for name, at in fallen.items()}


def _lifetimes(data: Data) -> Iterator[tuple[str, Figure]]:
    """Survival by design and by prior commitment, if any design ended."""
    lives = durations(data.episodes)
    if not lives["event"].any():
        return
    rows = data.episodes.set_index("episode").reindex(lives.index)
    lives = lives.assign(
        kind=rows["outcome"].astype(str).str.partition("_")[0],
        commitment=rows["commitment"].astype(object),
        replaced=rows["ended"] == "replaced",
    )
    yield (
        "survival-design",
        _survival(
            {"All designs": lives},
            "kind",
            "How long do designs last, by the number of their clients?",
        ),
    )
    several = lives["kind"] != "bilateral"
    samples = {"Designs of more than one client": lives[several], "All designs": lives}
    known = {name: part.dropna(subset="commitment") for name, part in samples.items()}
    known = {name: part for name, part in known.items() if len(part)}
    if known:
        title = "Do designs last longer where the clients had promised each other something?"
        yield "survival-commitment", _survival(known, "commitment", title)


LOOKS = {
    "kind": {k: (k, COLOURS[k], LINES[k]) for k in KINDS},
    "commitment": {
        c: (COMMITMENT_WORDS[c], COMMITMENT_COLOURS[c], COMMITMENT_LINES[c]) for c in COMMITMENTS
    },
}
"""Words, colour and line of each group of designs."""


def _survival(samples: dict[str, pd.DataFrame], by: str, title: str) -> Figure:
    """A panel a sample: curves of its groups, and how many are at risk."""
    split = {name: _groups(lives, by) for name, lives in samples.items()}
    ratios = [part for groups in split.values() for part in (2.6, 0.2 + 0.17 * len(groups))]
    figure, panels = canvas(
        0.75 + sum(ratios) + 0.35 * len(split), len(ratios), 1, height_ratios=ratios, sharex=True
    )
    longest = max(lives["duration"].max() for lives in samples.values())
    for k, (name, groups) in enumerate(split.items()):
        upper, lower = panels[2 * k, 0], panels[2 * k + 1, 0]
        if len(split) > 1:
            upper.set_title(f"{name} ({len(samples[name])})", fontsize=9, fontweight="bold")
        for group, lives in groups.items():
            _curve(upper, lives, *LOOKS[by][group][1:])
        upper.set_ylim(0, 1.04)
        upper.set_xlim(0, longest)
        upper.set_ylabel("Share still standing", fontsize=8.5)
        upper.grid(True, axis="both")
        upper.tick_params(labelsize=8, labelbottom=True)
        _at_risk(lower, groups, by, longest)
    panels[-1, 0].set_xlabel("Years since the design entered into force", fontsize=8.5)
    shown = {group for groups in split.values() for group in groups}
    legend(figure, _survival_key([LOOKS[by][g] for g in LOOKS[by] if g in shown]))
    said = ". ".join(
        f"{name}: {'; '.join(_lived(LOOKS[by][g][0], lives) for g, lives in groups.items())}"
        for name, groups in split.items()
    )
    whole = samples["All designs"]
    return Figure(
        title=title,
        caption=(
            f"Kaplan-Meier curves of {_many(len(whole), 'design')}, grouped as first formed, with "
            f"pointwise {PERCENT} intervals (Greenwood, log-log scale). "
            f"{int(whole['event'].sum())} ended; the others are censored, "
            f"{int(whole['replaced'].sum())} as another design replaced them, the rest at the end "
            f"of {OBSERVED_UNTIL.year - 1}. Median life with its {PERCENT} interval. {said}. The "
            "groups differ in more than their name, so a gap between curves is no effect."
        ),
        alt=f"Survival curves, medians with {PERCENT} intervals. {said}.",
        figure=figure,
        section="data",
    )


def _groups(lives: pd.DataFrame, by: str) -> dict[str, pd.DataFrame]:
    """Designs by group, in order, without empty groups."""
    parts = {group: lives[lives[by] == group] for group in LOOKS[by]}
    return {group: part for group, part in parts.items() if len(part)}


def _curve(axes: Axes, lives: pd.DataFrame, colour: str, line) -> None:
    """Curve, interval and censored designs of a group."""
    curve = survival_curve(lives)
    years = curve.index.to_numpy()
    lower, upper = (curve[name].ffill() for name in ("lower", "upper"))
    axes.fill_between(years, lower, upper, step="post", color=colour, alpha=0.15, linewidth=0)
    axes.step(years, curve["share"], where="post", color=colour, linewidth=1.7, linestyle=line)
    censored = lives.loc[lives["event"] == 0, "duration"].to_numpy()
    if len(censored):  # an empty line that is not clipped would count as one at the corner
        at = curve["share"].to_numpy()[np.searchsorted(years, censored, side="right") - 1]
        axes.plot(censored, at, "|", color=colour, markersize=6, markeredgewidth=1, clip_on=False)


def _at_risk(axes: Axes, groups: dict[str, pd.DataFrame], by: str, longest: float) -> None:
    """Numbers at risk, one row a group, below a curve."""
    step = next(s for s in (1, 2, 5, 10, 20, 50) if longest / s <= 9 or s == 50)
    times = np.arange(0, longest, step)
    axes.set_title("Designs at risk", fontsize=8)
    at = rows_axis(axes, [LOOKS[by][group][0] for group in groups])
    axes.tick_params(axis="y", labelsize=8, pad=12)
    for y, lives in zip(at, groups.values(), strict=True):
        for time, number in zip(times, numbers_at_risk(lives, times), strict=True):
            axes.text(time, y, str(number), ha="center", va="center", fontsize=8)
    axes.set_xticks(times)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _survival_key(looks: list[tuple]) -> list[Artist]:
    out: list[Artist] = [
        Line2D([], [], color=colour, linestyle=line, linewidth=1.7, label=words)
        for words, colour, line in looks
    ]
    out.append(Patch(color="#999999", alpha=0.3, label=f"{PERCENT} interval"))
    return [*out, Line2D([], [], color=DARK, marker="|", linestyle="none", label="censored")]


def _lived(words: str, lives: pd.DataFrame) -> str:
    """Number, ends and median life of a group in words."""
    median = median_life(survival_curve(lives))
    counted = f"{words} ({_many(len(lives), 'design')}, {int(lives['event'].sum())} ended)"
    if np.isnan(median["median"]):
        return f"{counted} not reached"
    ends = [median["lower"], median["upper"]]
    if np.isnan(ends[0]):
        return f"{counted} {median['median']:.1f} years (too few for an interval)"
    low, high = (f"{end:.1f}" if np.isfinite(end) else "not reached" for end in ends)
    return f"{counted} {median['median']:.1f} years ({low} to {high})"
