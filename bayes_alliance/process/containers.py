"""Tables to arrays: everything the models read, as numbers with named dimensions.

Covariates are put on natural units fixed here and not on units estimated from the data
(log10 ratios, log10 kilometres, counts as log(1 + n)), so that a coefficient means the same
in every dataset and nothing leaks from a left-out episode into a fit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

from bayes_alliance.data.load import Data, confidence
from bayes_alliance.process.cells import CELLS, COMMITMENTS, DEPARTURE_LABELS, REFUSED
from bayes_alliance.process.survival import AGE_LABELS, alliance_years

STAGES = ("partners", "strong", "acceptance", "hazard")
FACTORS = ("theatre", "patron", "era")
CLIENT_COVARIATES = ("capability", "land", "distance", "occupied")
CLIENT_INDICATORS = ("fear", "disputes")
THREAT_COMPONENTS = ("power", "forces", "proximity", "ideology", "intentions")
ORDINAL = {"none": 0, "some": 1, "strong": 2, "low": 0, "moderate": 1, "high": 2}
LAND = {"sea": 0.0, "landmass": 0.5, "contiguous": 1.0}
EXPOSED = ("capability_ratio", "contiguous", "landmass", "distance_km", "occupied")
MEMORY = 5
"""Years before a decision whose mean threat is the recent status quo."""

LEAST_RATIO = 1e-4
"""A ratio of capabilities below this counts as this: an adversary without any power."""
CELLS_ONLY = {cell: i for i, cell in enumerate(CELLS)} | {"refused": 0}

BY_YEAR = ("year_episode", "year_age", "year_panel")
"""Containers that say where an alliance-year belongs."""

POSITIONS = {
    **{"case_index": "case", "client_case": "case", "case_row": "episode"},
    **{"member_episode": "episode", "member_client": "client"},
    **{"year_episode": "episode", "year_panel": "panel_year"},
}
"""Containers that say where something stands among the rows of a dimension."""

Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]


def era(date: pd.Timestamp) -> str:
    """Polarity of the system: multipolar to 1945, bipolar to 1991, unipolar to 2016, contemporary.

    Parameters
    ----------
    date : pandas.Timestamp
        Date of the decision.

    Returns
    -------
    str
        Name of the era.
    """
    for last, name in ((1945, "multipolar"), (1991, "bipolar"), (2016, "unipolar")):
        if date.year <= last:
            return name
    return "contemporary"


def codes(values: pd.Series, order: Any) -> np.ndarray:
    """Integer codes of labels; -1 where the value is not recorded.

    Parameters
    ----------
    values : pandas.Series
        Labels, possibly missing.
    order : sequence of str or dict
        The labels in the order of their codes, or a map to codes.

    Returns
    -------
    numpy.ndarray of int64
        One code a row.
    """
    table = order if isinstance(order, dict) else {name: i for i, name in enumerate(order)}
    return np.array([table[v] if isinstance(v, str) else -1 for v in values], dtype=np.int64)


def coords(data: Data, levels: dict[str, list[str]] | None = None) -> dict[str, list[str]]:
    """Coordinates of a dataset.

    Parameters
    ----------
    data : Data
        Validated tables.
    levels : dict, optional
        Levels of `FACTORS` that must be there beside the dataset's own, in order.

    Returns
    -------
    dict of str to list of str
        Labels of every dimension of the models.
    """
    episodes, roots = data.episodes, root_clients(data)
    own = {
        "theatre": list(dict.fromkeys(episodes["theatre"].astype(str))),
        "patron": list(dict.fromkeys(episodes["patron"].astype(str))),
        "era": list(dict.fromkeys(era(d) for d in episodes["date"])),
    }
    factor = {f: list(dict.fromkeys([*(levels or {}).get(f, []), *own[f]])) for f in FACTORS}
    years = alliance_years(episodes)
    clients = [f"{e}: {c}" for e, c in zip(roots["episode"], roots["client"], strict=True)]
    cases = list(dict.fromkeys(episodes["case"]))
    begun = years["episode"] + years["age_from"].map(" {:.2f}".format)
    panel_years = dict.fromkeys(_followed(episodes, years))
    members = zip(data.clients["episode"], data.clients["client"], strict=True)
    return {
        "cell": list(CELLS),
        "departure": list(DEPARTURE_LABELS),
        "stage": list(STAGES),
        "commitment_level": list(COMMITMENTS),
        "age": list(AGE_LABELS),
        **factor,
        "episode": episodes["episode"].tolist(),
        "case": cases,
        "client": clients,
        "unit": [*clients, *cases],
        "member": [f"{episode}: {client}" for episode, client in members],
        "alliance_year": begun.tolist(),
        "panel_year": [" ".join(map(str, key)) for key in panel_years],
        "covariate": list(CLIENT_COVARIATES),
        "indicator": list(CLIENT_INDICATORS),
        "component": list(THREAT_COMPONENTS),
    }


def _followed(episodes: pd.DataFrame, years: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Patron, theatre and year of each stretch of a design: its row of the panel of threat."""
    if years.empty:
        return []
    place = episodes.set_index("episode").loc[years["episode"], ["patron", "theatre"]]
    return list(zip(place["patron"], place["theatre"], years["year"], strict=True))


def root_clients(data: Data) -> pd.DataFrame:
    """Clients of proposals only: the clients of a fallback are the same states in the same year.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    pandas.DataFrame
        Rows of ``data.clients`` whose episode is its own case, in the order of the table.
    """
    roots = data.episodes.loc[data.episodes["episode"] == data.episodes["case"], "episode"]
    return data.clients[data.clients["episode"].isin(set(roots))].reset_index(drop=True)


def arrays(data: Data, levels: dict[str, list[str]] | None = None) -> Arrays:
    """All arrays of a dataset with their dimensions.

    Parameters
    ----------
    data : Data
        Validated tables.
    levels : dict, optional
        See `coords`.

    Returns
    -------
    dict of str to (tuple of str, numpy.ndarray)
        Name to dimensions and values. Labels are integer codes with -1 for unrecorded.
    """
    labels = coords(data, levels)
    episodes = data.episodes.reset_index(drop=True)
    at = {name: {v: i for i, v in enumerate(labels[name])} for name in ("episode", "case")}
    case = episodes["case"].map(at["case"]).to_numpy(np.int64)
    fallback = episodes["fallback_of"].notna().to_numpy()
    proposal, outcome = codes(episodes["proposal"], CELLS), outcome_codes(episodes["outcome"])
    commitment = codes(episodes["commitment"], COMMITMENTS)
    out: Arrays = {
        # the proposal is scored once, in the row in which it was refused
        "outcome": (("episode",), encode(np.where(fallback, -1, proposal), outcome)),
        "proposed_to_fallback": (("episode",), np.where(fallback, proposal, -2)),
        "commitment": (("episode",), commitment),
        "commitment_observed": (("episode",), commitment),
        "imposed": (("episode",), (episodes["initiative"] == "patron").to_numpy(float)),
        "case_index": (("episode",), case),
        "case_row": (("case",), np.unique(case, return_index=True)[1].astype(np.int64)),
        "commitment_confidence": (("episode",), _sure(data, "episodes", "commitment")),
    }
    for name, column, order in (
        ("frame", "frame", ("gain", "loss")),
        ("statement", "threat_statement", ORDINAL),
    ):
        code, sure = codes(episodes[column], order), _sure(data, "episodes", column)
        first = _first_recorded(code, case)
        out[name] = (("case",), np.where(first >= 0, code[first], -1))
        out[f"{name}_confidence"] = (("case",), np.where(first >= 0, sure[first], 1.0))
    factor = {**episodes[["theatre", "patron"]].astype(str), "era": episodes["date"].map(era)}
    for name in FACTORS:
        out[f"{name}_index"] = (("episode",), codes(factor[name], labels[name]))
    rows = alliance_years(episodes)
    return out | _clients(data, at) | _threat(data, rows) | _survival(episodes, rows, at)


def encode(proposal: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """One integer for a recorded or unrecorded pair of proposal and outcome.

    Parameters
    ----------
    proposal : numpy.ndarray of int
        Cell of the proposal, -1 where unrecorded.
    outcome : numpy.ndarray of int
        Cell of the outcome, `REFUSED`, or -1 where unrecorded.

    Returns
    -------
    numpy.ndarray of int64
        ``(proposal + 1) * 9 + outcome + 1``.
    """
    return ((proposal + 1) * (REFUSED + 2) + outcome + 1).astype(np.int64)


def without_design(code):
    """Codes of the same proposals with the designs unrecorded.

    Parameters
    ----------
    code : numpy.ndarray or TensorVariable of int, shape (episode,)
        What `encode` gave.

    Returns
    -------
    numpy.ndarray or TensorVariable of int, shape (episode,)
        Codes.
    """
    return code // (REFUSED + 2) * (REFUSED + 2)


def outcome_codes(outcome: pd.Series) -> np.ndarray:
    """Codes of outcomes, `REFUSED` included.

    Parameters
    ----------
    outcome : pandas.Series
        Cells or ``refused``.

    Returns
    -------
    numpy.ndarray of int64
        One code a row, -1 where unrecorded.
    """
    return codes(outcome, (*CELLS, "refused"))


def hold_out(values: Arrays, cases: list[int]) -> Arrays:
    """Arrays with the outcomes of some cases unrecorded; their indicators stay.

    Parameters
    ----------
    values : dict
        What `arrays` gave.
    cases : list of int
        Positions of the cases to leave out.

    Returns
    -------
    dict
        Changed containers only: proposal, design, commitment and survival drop out.
    """
    out_episode = np.isin(values["case_index"][1], cases)
    out_year = out_episode[values["year_episode"][1]]
    blank = {
        "outcome": np.where(out_episode, 0, values["outcome"][1]),
        "commitment_observed": np.where(out_episode, -1, values["commitment_observed"][1]),
        "exposure": np.where(out_year, 0.0, values["exposure"][1]),
        "ended": np.where(out_year, 0, values["ended"][1]),
    }
    return {name: (values[name][0], new) for name, new in blank.items()}


def only(values: Arrays, cases: Sequence[int]) -> Arrays:
    """Arrays of some cases alone.

    Parameters
    ----------
    values : dict
        What `arrays` gave, for a whole dataset.
    cases : sequence of int
        Positions of the cases to keep.

    Returns
    -------
    dict
        The rows of these cases, their episodes, clients and lives, in the order that they had;
        indices are positions in what is left.
    """
    episode = np.isin(values["case_index"][1], cases)
    year = episode[values["year_episode"][1]]
    keep = {
        "episode": episode,
        "case": np.isin(np.arange(len(values["case_row"][1])), cases),
        "client": np.isin(values["client_case"][1], cases),
        "member": episode[values["member_episode"][1]],
        "alliance_year": year,
        "panel_year": np.isin(
            np.arange(len(values["panel_threat_now"][1])), values["year_panel"][1][year]
        ),
    }
    out: Arrays = {}
    for name, (dims, value) in values.items():
        kept = value[keep[dims[0]]] if dims[0] in keep else value
        if name in POSITIONS:
            kept = (np.cumsum(keep[POSITIONS[name]]) - 1)[kept].astype(value.dtype)
        out[name] = dims, kept
    return out


def stretches(values: Mapping[str, np.ndarray], used: Collection[str]) -> dict[str, np.ndarray]:
    """Alliance-years that a model cannot tell apart, added up: the same likelihood of fewer rows.

    Rows of one design and age have the same hazard in a theory that reads nothing by year; their
    years at risk and their endings are sufficient.

    Parameters
    ----------
    values : mapping of str to numpy.ndarray
        Contents of containers, all those by alliance-year among them.
    used : collection of str
        Containers that the model reads.

    Returns
    -------
    dict of str to numpy.ndarray, shape (stretch,)
        The containers by alliance-year, one row a stretch.

    References
    ----------
    Holford (1980), "The analysis of rates and of survivorship using log-linear models".
    """
    told_by = [name for name in BY_YEAR if name in used]
    rows = np.column_stack([values[name] for name in told_by])
    first, same = np.unique(rows, axis=0, return_index=True, return_inverse=True)[1:]
    same = same.ravel()
    summed = {
        name: np.bincount(same, values[name]).astype(values[name].dtype)
        for name in ("exposure", "ended")
    }
    return {name: values[name][first] for name in told_by} | summed


def register(data: Data, levels: dict[str, list[str]] | None = None) -> SimpleNamespace:
    """Put the arrays into the model on the context stack as ``pm.Data`` containers.

    Parameters
    ----------
    data : Data
        Validated tables.
    levels : dict, optional
        See `coords`.

    Returns
    -------
    types.SimpleNamespace
        The containers by name.
    """
    return SimpleNamespace(
        **{
            name: pm.Data(name, value, dims=dims)
            for name, (dims, value) in arrays(data, levels).items()
        }
    )


def _first_recorded(code: np.ndarray, case: np.ndarray) -> np.ndarray:
    """Row of the first recorded code of each case; -1 where none is."""
    out = np.full(case.max() + 1, -1, dtype=np.int64)
    for row in reversed(np.flatnonzero(code >= 0)):
        out[case[row]] = row
    return out


def _sure(data: Data, table: str, column: str) -> np.ndarray:
    """Coders' confidence in each value; 1 where none is given."""
    return confidence(data, table, column).fillna(1.0).to_numpy(float)


def _clients(data: Data, at: dict[str, dict[str, int]]) -> Arrays:
    """Covariates and indicators by client, and who belongs to which episode."""
    roots = root_clients(data)
    key = {pair: i for i, pair in enumerate(zip(roots["episode"], roots["client"], strict=True))}
    case_of = dict(zip(data.episodes["episode"], data.episodes["case"], strict=True))
    pairs = zip(data.clients["episode"], data.clients["client"], strict=True)
    member = np.array([(at["episode"][e], key[case_of[e], c]) for e, c in pairs])
    land = roots["land_access"].astype(object).map(LAND)
    covariates = np.column_stack(
        [
            # centred where the adversary is ten times as strong, at 500 km: the usual client
            np.log10(np.maximum(roots["capability_ratio"].to_numpy(float), LEAST_RATIO)) - 1.0,
            land.to_numpy(float) - 0.5,
            nearness(roots["distance_km"].to_numpy(float)),
            roots["occupied"].to_numpy(float) - 0.5,
        ]
    )  # (client, covariate)
    disputes = roots["disputes"].to_numpy(float)
    few = np.where(np.isnan(disputes), -1, np.minimum(np.nan_to_num(disputes), 2)).astype(np.int64)
    indicators = np.column_stack([codes(roots["fear"], ORDINAL), few])  # (client, indicator)
    rows = _rows(data.clients, key)
    sure = np.column_stack([_sure(data, "clients", c)[rows] for c in CLIENT_INDICATORS])
    return {
        **_members(member, len(at["episode"])),
        "client_case": (("client",), roots["episode"].map(at["case"]).to_numpy(np.int64)),
        # an unrecorded covariate stands at its centre
        "client_covariates": (("client", "covariate"), np.nan_to_num(covariates)),
        "client_indicators": (("client", "indicator"), indicators),
        "client_indicator_confidence": (("client", "indicator"), sure),
        "client_disparity": (("client",), np.nan_to_num(_disparity(roots))),
        "client_likeness": (("client",), np.nan_to_num(_likeness(data, roots))),
        "client_disputes": (("client",), np.log1p(np.nan_to_num(disputes))),
    }


def _members(member: np.ndarray, episodes: int) -> Arrays:
    """Who belongs to which episode, and has which share in a mean over it."""
    episode, client = member[np.lexsort(member.T[::-1])].T  # (member,) each, in order
    count = np.bincount(episode, minlength=episodes)  # (episode,)
    return {
        "group_size": (("episode",), count.astype(float)),
        "member_episode": (("member",), episode),
        "member_client": (("member",), client),
        "member_share": (("member",), 1 / count[episode]),
    }


def _rows(clients: pd.DataFrame, key: dict[tuple[str, str], int]) -> list[int]:
    """Rows of the clients of proposals, in the order of the key."""
    pairs = zip(clients["episode"], clients["client"], strict=True)
    row = {pair: i for i, pair in enumerate(pairs)}
    return [row[pair] for pair in key]


def _disparity(roots: pd.DataFrame) -> np.ndarray:
    """log10 of the patron's capabilities over the client's; 0 where it is about thirty times."""
    return np.log10(roots["patron_ratio"].to_numpy(float)) - 1.5


def _likeness(data: Data, roots: pd.DataFrame) -> np.ndarray:
    """1/2 minus the distance of the regimes of client and patron, both against the adversary."""
    columns = (data.years[name] for name in ("patron", "theatre", "year", "polyarchy_gap"))
    year = {(p, t, y): gap for p, t, y, gap in zip(*columns, strict=True)}
    columns = (data.episodes[name] for name in ("episode", "patron", "theatre", "date"))
    own = {episode: year[p, t, d.year] for episode, p, t, d in zip(*columns, strict=True)}
    patron = np.array([own[episode] for episode in roots["episode"]], dtype=float)
    return 0.5 - np.abs(roots["polyarchy_gap"].to_numpy(float) - patron)


def nearness(km: np.ndarray) -> np.ndarray:
    """Proximity on a log scale: 0 at 500 km, +1 at contiguity, -1 at about 5 500 km.

    Parameters
    ----------
    km : numpy.ndarray
        Distance in kilometres, at least 0.

    Returns
    -------
    numpy.ndarray
        ``-log10((km + 50) / 550)``.
    """
    return -np.log10((km + 50.0) / 550.0)


def threat_components(years: pd.DataFrame) -> np.ndarray:
    """Walt's components of threat on natural units.

    Parameters
    ----------
    years : pandas.DataFrame
        Patron x theatre x year panel.

    Returns
    -------
    numpy.ndarray, shape (row, component)
        log10 of the ratios of capabilities and of forces, nearness, the gap in polyarchy,
        log(1 + disputes begun in five years). Unrecorded values stand at 0.

    References
    ----------
    Walt (1987), *The Origins of Alliances*, ch. 2.
    """
    return np.nan_to_num(
        np.column_stack(
            [
                np.log10(np.maximum(years["power_ratio"].to_numpy(float), LEAST_RATIO)),
                np.log10(np.maximum(years["forces_ratio"].to_numpy(float), LEAST_RATIO)),
                nearness(years["distance_km"].to_numpy(float)),
                years["polyarchy_gap"].to_numpy(float) - 0.5,
                np.log1p(years["disputes"].to_numpy(float)) - 1.0,
            ]
        )
    )


def threat_history(years: pd.DataFrame) -> dict[str, np.ndarray]:
    """Threat in each year, and the two levels to which it can be compared.

    Parameters
    ----------
    years : pandas.DataFrame
        Patron x theatre x year panel, sorted by these and indexed from 0.

    Returns
    -------
    dict of str to numpy.ndarray, shape (row, component)
        ``threat_now``; ``threat_recent``, the mean of the five years before; ``threat_long_run``,
        the mean of all years before. A first year is its own reference.
    """
    now = threat_components(years)
    row = np.arange(len(now))
    pair = years[["patron", "theatre"]].astype(object).to_numpy()
    begins = np.append(True, (pair[1:] != pair[:-1]).any(1))[: len(now)]
    first = np.maximum.accumulate(np.where(begins, row, 0))  # (row,) of the same pair
    before = np.concatenate([np.zeros((1, now.shape[1])), np.cumsum(now, axis=0)])

    def mean_since(begin: np.ndarray) -> np.ndarray:
        count = (row - begin)[:, None]
        return np.where(count > 0, (before[:-1] - before[begin]) / np.maximum(count, 1), now)

    recent = mean_since(np.maximum(first, row - MEMORY))
    return {"threat_now": now, "threat_recent": recent, "threat_long_run": mean_since(first)}


def exposed_covariates(years: pd.DataFrame) -> np.ndarray:
    """What credibility of occupation reads, as means over the states that a patron could take on.

    Parameters
    ----------
    years : pandas.DataFrame
        Patron x theatre x year panel with the columns ``exposed_*``.

    Returns
    -------
    numpy.ndarray, shape (row, covariate)
        On the units of `arrays`' ``client_covariates``. Unrecorded values stand at their centre.
    """
    value = {name: years[f"exposed_{name}"].to_numpy(float) for name in EXPOSED}
    return np.nan_to_num(
        np.column_stack(
            [
                np.log10(np.maximum(value["capability_ratio"], LEAST_RATIO)) - 1.0,
                LAND["contiguous"] * value["contiguous"]
                + LAND["landmass"] * value["landmass"]
                - 0.5,
                nearness(value["distance_km"]),
                value["occupied"] - 0.5,
            ]
        )
    )


def _threat(data: Data, stretches: pd.DataFrame) -> Arrays:
    """Threat at each decision and in each year with a design, and the two reference levels.

    Designs of one patron and theatre share their years: ``year_panel`` finds the year of a stretch.
    """
    years = data.years.sort_values(["patron", "theatre", "year"]).reset_index(drop=True)
    keys = years[["patron", "theatre", "year"]].itertuples(index=False, name=None)
    row = {key: i for i, key in enumerate(keys)}
    episodes = data.episodes
    at_episode = [
        row[p, t, d.year]
        for p, t, d in zip(episodes["patron"], episodes["theatre"], episodes["date"], strict=True)
    ]
    followed = _followed(episodes, stretches)
    place = {key: i for i, key in enumerate(dict.fromkeys(followed))}
    at_panel = [row[key] for key in place]
    year_panel = np.array([place[key] for key in followed], dtype=np.int64)
    out: Arrays = {"year_panel": (("alliance_year",), year_panel)}
    for name, values in threat_history(years).items():
        out[name] = (("episode", "component"), values[at_episode])
        out[f"panel_{name}"] = (("panel_year", "component"), values[at_panel])
    return out


def _survival(episodes: pd.DataFrame, rows: pd.DataFrame, at: dict[str, dict[str, int]]) -> Arrays:
    """Exposure and endings, one row a stretch of a design within a calendar year and an age."""
    return {
        "year_episode": (
            ("alliance_year",),
            np.array([at["episode"][e] for e in rows["episode"]], dtype=np.int64),
        ),
        "year_age": (("alliance_year",), rows["age"].to_numpy(np.int64)),
        "exposure": (("alliance_year",), rows["exposure"].to_numpy(float)),
        "ended": (("alliance_year",), rows["event"].to_numpy(np.int64)),
        "cell_of_design": (("episode",), np.maximum(codes(episodes["outcome"], CELLS_ONLY), 0)),
    }
