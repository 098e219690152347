"""The past with another future, for tests that forecasts do not see it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_alliance.data import Data
from bayes_alliance.forecast.known import day_before


def with_other_outcomes(data: Data, origin: int, seed: int) -> Data:
    """The same past and the same questions after it, with other answers; some cases twice."""
    rng = np.random.default_rng(seed)
    day = day_before(origin)
    episodes = data.episodes.copy()
    later = episodes["date"] >= day
    for column in ("outcome", "proposal", "frame", "threat_statement"):
        episodes[column] = permuted(episodes[column], later, rng)
    open_ = episodes["start"].notna() & ~(episodes["end"] < day)
    days = pd.to_timedelta(rng.integers(1, 9000, len(episodes)), "D")
    begun = episodes["start"].where(episodes["start"] >= day, day)
    episodes["end"] = episodes["end"].where(~open_, begun + days)
    ways = rng.choice(["dissolved", "lapsed", "shrunk", "replaced"], len(episodes))
    episodes["ended"] = episodes["ended"].where(~open_, ways)
    late = episodes["start"] >= day
    episodes["start"] = episodes["start"].where(~late, episodes["start"] + days)
    again = episodes[later].sample(min(3, int(later.sum())), random_state=seed).index
    of = {data.episodes.loc[i, "episode"]: f"another-{k}" for k, i in enumerate(again)}
    episodes = episodes.loc[[*episodes.index, *again]].reset_index(drop=True)
    new = episodes.index >= len(data.episodes)
    episodes.loc[new, "episode"] = episodes.loc[new, "case"] = list(of.values())
    episodes.loc[new, "fallback_of"] = None
    copied = data.clients[data.clients["episode"].isin(of)]
    copied = copied.assign(episode=copied["episode"].map(of))
    return replace(
        data,
        episodes=episodes,
        clients=pd.concat([data.clients, copied], ignore_index=True),
    )


def permuted(values: pd.Series, chosen: pd.Series, rng: np.random.Generator) -> pd.Series:
    """The same column with some of its values in another order."""
    out = values.astype(object)
    out[chosen] = rng.permutation(out[chosen].to_numpy())
    return out.astype(values.dtype)


def with_another_future(data: Data, origin: int, seed: int) -> Data:
    """The same past; after it other outcomes, ends, threat and indicators, some cases twice."""
    other = with_other_outcomes(data, origin, seed)
    rng = np.random.default_rng(seed)
    episodes, clients = other.episodes.copy(), other.clients.copy()
    later = episodes["date"] >= day_before(origin)
    for column in ("commitment", "initiative", "adversary"):
        episodes[column] = permuted(episodes[column], later, rng)
    changed = clients["episode"].isin(set(episodes.loc[later, "episode"]))
    threat, codings = data.years.copy(), data.codings.copy()
    for table, chosen in ((clients, changed), (threat, threat["year"] >= origin)):
        for column in ("capability_ratio", "power_ratio", "distance_km", "disputes"):
            if column in table:
                factor = rng.uniform(0.1, 3.0, len(table))
                other_values = (table[column] * factor).astype(table[column].dtype)
                table[column] = table[column].where(~chosen, other_values)
    about = codings["episode"].isin(set(clients.loc[changed, "episode"]))
    codings.loc[about, "confidence"] = rng.uniform(0.3, 1.0, int(about.sum()))
    return replace(data, episodes=episodes, clients=clients, years=threat, codings=codings)
