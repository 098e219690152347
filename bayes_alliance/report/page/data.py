"""What the data are: counts, how sure the codings are, the coded episodes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.data.load import confidence
from bayes_alliance.data.schema import OBSERVED_UNTIL
from bayes_alliance.process.cells import MULTILATERAL, STRONG, label
from bayes_alliance.process.designs import designs
from bayes_alliance.report.page.marks import Said
from bayes_alliance.report.page.tables import lines, note, table
from bayes_alliance.report.page.words import (
    FEW,
    MISSING,
    cases_of,
    count,
    number,
    opening,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import PLACES, listed


def data_section(results: Results) -> dict[str, Any]:
    """Counts, coded episodes and what to know of them."""
    return {
        "said": [
            counts_sentence(results),
            *designs_sentences(results),
            coding_sentence(results),
            hindsight_sentence(results),
        ],
        "counts": counts_table(results),
        "episodes": episode_table(results),
    }


def counts_sentence(results: Results) -> Said:
    """Say how much data there is."""
    episodes = results.data.episodes
    years = episodes["date"].map(lambda d: pd.Timestamp(d).year)
    cases = episodes["case"].nunique()
    theatres = listed(PLACES[t] for t in dict.fromkeys(episodes["theatre"]))
    text = (
        f"{count(len(episodes), 'coded decision')} about an alliance between {years.min()} and "
        f"{years.max()} in {theatres}. A refused proposal and what came of it are one case, so "
        f"there are {count(cases, 'case')}. How long the alliances lasted is followed to "
        f"{OBSERVED_UNTIL}."
    )
    if cases < FEW:
        text += (
            " With so few cases expect wide intervals; where they are wide, the data leave the "
            "question open."
        )
    return Said(text)


def designs_sentences(results: Results) -> list[Said]:
    """Say by theatre how many cases ended in a multilateral design."""
    ended = designs(results.data)
    out = []
    for theatre, cases in cases_of(results).items():
        cells = ended.loc[cases].to_numpy()
        many = int(MULTILATERAL[cells].sum())
        strong = int((MULTILATERAL * STRONG)[cells].sum())
        out.append(
            Said(
                f"In {PLACES[theatre]} {many} of {count(len(cases), 'case')} ended in a "
                f"multilateral alliance, {strong} of them with a strong commitment."
            )
        )
    return out


def coding_sentence(results: Results) -> Said:
    """Say how sure the codings are, and name the least sure."""
    episodes = results.data.episodes
    sure = pd.concat(
        {c: confidence(results.data, "episodes", c) for c in ("proposal", "outcome", "commitment")}
    ).dropna()
    if sure.empty:
        return Said("The tables do not say how sure the codings are.")
    column, row = sure.idxmin()
    low = int((sure < 0.7).sum())
    column = "promise among the clients" if column == "commitment" else column
    return Said(
        f"Coders gave each value the probability that another careful coder would enter the same. "
        f"Of {len(sure)} proposals, outcomes and promises {low} have less than 0.7; the least "
        f"sure is the {column} at {episodes['name'][row]} ({number(float(sure.min()))}). "
        "This doubt enters the models for promises and indicators; proposals and outcomes are "
        "taken as they stand."
    )


def hindsight_sentence(results: Results) -> Said:
    """Warn of frames that were coded knowing the outcome."""
    frames = results.data.episodes["frame"].notna().sum()
    if not frames:
        return Said("No frame of gain or loss is coded in these data.")
    return Said(
        f"The {count(int(frames), 'coded frame')} of gain or loss follow an account that was "
        "written knowing what was chosen."
    )


def counts_table(results: Results) -> Markup:
    """Table of the size of the data."""
    counts = results.data.describe()
    return table(
        "table-counts",
        "Counts of the coded tables.",
        ["Count", *(opening(c) for c in counts.columns)],
        [[opening(str(i)), *(int(v) for v in row)] for i, row in counts.iterrows()],
    )


def episode_table(results: Results) -> Markup:
    """Table of the coded episodes."""
    data = results.data
    sure = {
        c: confidence(data, "episodes", c) for c in ("proposal", "outcome", "frame", "commitment")
    }
    rows = []
    for i, row in data.episodes.iterrows():
        cells = [
            MISSING
            if pd.isna(row[column])
            else lines(label(row[column]), "" if pd.isna(values[i]) else note(number(values[i])))
            for column, values in sure.items()
        ]
        fallback = Markup('<span aria-label="fallback:">↳</span> ')
        date = pd.Timestamp(row["date"]).date().isoformat()
        rows.append(
            [
                fallback + row["name"] if pd.notna(row["fallback_of"]) else row["name"],
                Markup('<span class="one">{}</span>').format(date),
                opening(PLACES[row["theatre"]]),
                row["patron"],
                *cells,
                _ending(row),
            ]
        )
    head = [
        *("Episode", "Date", "Theatre", "Patron"),
        *("Proposal", "Outcome", "Frame", "Promise", "How it ended"),
    ]
    return table(
        "table-episodes",
        "Coded episodes. Below each value stands its confidence: the coders' probability that "
        "another careful coder would enter the same. An arrow marks what came of the refused "
        "proposal of its case. The promise is what clients had promised each other before the "
        "patron promised anything.",
        head,
        rows,
        words=head,
        wide=True,
    )


def _ending(row: pd.Series) -> str:
    """How and when a design ended."""
    if pd.isna(row["ended"]):
        return MISSING
    if pd.isna(row["end"]):
        return str(row["ended"]).replace("_", " ")
    return f"{row['ended']} {pd.Timestamp(row['end']).year}"
