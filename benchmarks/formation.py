"""How often decisions arise: whether a theory's latent variable says when, and how well.

``make formation`` fits the theories to all asymmetric alliances and the hazard of decisions to the
panel, leaves every decade out in turn, and writes ``docs/formation.md``; what is done is kept.
``--page`` only writes the page from the stored results.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from fits import commit

ROOT = Path(__file__).parent.parent
STORE = Path(__file__).parent / "formation.json"
PAGE = ROOT / "docs/formation.md"
THEORIES = ("null", "occupation", "prospect")
READINGS = {
    "all years at risk": "as above",
    "after the first decision": "years after a patron's first decision in a theatre",
    "by rule": "no judgements: formations by rule, adversaries by rule, to 2016",
}
FOLD = {"draws": 500, "tune": 500, "chains": 2}
INTERVAL = 0.9


def of_reading(name: str) -> Any:
    """Panel of years under one reading."""
    from bayes_alliance.data.panel import panel

    if name == "by rule":
        return panel({"overlay": False, "recent": False})
    years = panel()
    if name == "after the first decision":
        pair = [years["patron"], years["theatre"]]
        before = years["decisions"].groupby(pair).cumsum() - years["decisions"]
        years["decisions"] = years["decisions"].where(before > 0)
    return years


def interval(draws: Any) -> dict[str, float]:
    """Mean and central interval of draws."""
    import numpy as np

    low, high = np.quantile(draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return {"mean": float(np.mean(draws)), "lower": float(low), "upper": float(high)}


def coefficients(form: Any) -> dict[str, Any]:
    """Posterior of what multiplies the drivers, and of the share of states."""
    out = {"eta": interval(form["posterior"]["eta"].to_numpy().ravel())}
    if "b" in form["posterior"]:
        for name in form["posterior"]["driver"].to_numpy():
            draws = form["posterior"]["b"].sel(driver=name).to_numpy().ravel()
            out[str(name)] = {**interval(draws), "positive": float((draws > 0).mean())}
    return out


def whole(tree: Any, reading: str) -> dict[str, Any]:
    """One fit of all years: diagnostics, coefficients and PSIS-LOO."""
    import arviz as az
    import xarray as xr

    import bayes_alliance as ba
    from bayes_alliance.forecast.formation import formation

    form = formation(tree, of_reading(reading))
    form["log_likelihood"] = xr.DataTree(form["log_likelihood"].to_dataset().astype(float))
    found, loo = ba.diagnose(form), az.loo(form, var_name="decided", pointwise=True)
    likelihood = form["log_likelihood"]["decided"]
    at_risk = form["constant_data"]["arose"].to_numpy()
    return {
        "problems": found["problems"],
        "seconds": form.attrs["seconds"],
        "seconds_sample": form.attrs["seconds_sample"],
        "rows": int(likelihood.sizes["row"]),
        "years": int((at_risk == 1).sum()),
        "coefficients": coefficients(form),
        "loo": float(loo.elpd),
        "loo_se": float(loo.se),
        "bad_k": int((loo.pareto_k > loo.good_k).sum()),
    }


def fold(tree: Any, decade: int) -> dict[str, Any]:
    """Score and number of years with a decision of a decade that the hazard has not seen."""
    import numpy as np

    from bayes_alliance.forecast.formation import formation, hazard

    years = of_reading("all years at risk")
    inside = years["year"] // 10 * 10 == decade
    form = formation(tree, years.assign(decisions=years["decisions"].mask(inside)), **FOLD)
    rows = years[inside & (years["major"] == 1)]
    rate = hazard(form, rows).to_numpy()  # (draw, row)
    arose = rows["decisions"].to_numpy() > 0
    likelihood = np.where(arose, -np.expm1(-rate), np.exp(-rate))
    chance = np.random.default_rng(decade)
    counts = (chance.random(rate.shape) < -np.expm1(-rate)).sum(1)
    return {
        "rows": len(rows),
        "arose": int(arose.sum()),
        "elpd": float(np.log(likelihood.mean(0)).sum()),
        "predicted": interval(counts),
    }


def decades() -> list[int]:
    """Decades of the panel with a year at risk."""
    years = of_reading("all years at risk")
    return sorted(set(years.loc[years["major"] == 1, "year"] // 10 * 10))


def main() -> int:
    """Run what is missing and write the page."""
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {"theories": {}}
    if "--page" not in sys.argv:
        import bayes_alliance as ba
        from bayes_alliance.fit import versions

        stored |= {"command": "make formation", "versions": versions()}
        for name in THEORIES:
            have = stored["theories"].setdefault(name, {"readings": {}, "decades": {}})
            tasks = [("readings", r) for r in READINGS] + [("decades", str(d)) for d in decades()]
            left = [(kind, key) for kind, key in tasks if key not in have[kind]]
            tree = ba.fit(name, ba.load("asymmetric"), seed=1) if left else None
            for done, (kind, key) in enumerate(left):
                words = f"{name}: [{done + 1} of {len(left)}] {key}"
                print(words, file=sys.stderr, flush=True)
                made = whole(tree, key) if kind == "readings" else fold(tree, int(key))
                have[kind][key] = made
                have |= {"commit": commit(), "date": date.today().isoformat()}
                half = STORE.with_suffix(".half")
                half.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
                half.replace(STORE)
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def span(found: dict[str, float], digits: int = 2) -> str:
    """Mean and interval in words."""
    return (
        f"{found['mean']:.{digits}f} ({found['lower']:.{digits}f} to {found['upper']:.{digits}f})"
    )


def against_null(stored: dict[str, Any], name: str) -> tuple[float, float]:
    """Difference of the scores of unseen decades, and its standard error over decades."""
    import numpy as np

    own, null = (stored["theories"][n]["decades"] for n in (name, "null"))
    gap = np.array([own[d]["elpd"] - null[d]["elpd"] for d in null])
    return float(gap.sum()), float(np.sqrt(len(gap)) * gap.std(ddof=1))


def verdict(stored: dict[str, Any]) -> str:
    """Say what the drivers are worth."""
    parts = []
    for name in THEORIES[1:]:
        gap, error = against_null(stored, name)
        told = "told apart from" if abs(gap) >= max(4, 2 * error) else "not told apart from"
        parts.append(
            f"the {name} theory scores {gap:+.1f} (standard error {error:.1f}) on unseen decades "
            f"and is {told} the hazard without a driver"
        )
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."


def page(stored: dict[str, Any]) -> str:
    """Compose the page."""
    found = stored["theories"]
    days = sorted({row["date"] for row in found.values()})
    marks = ", ".join(sorted({row["commit"] for row in found.values()}))
    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    first = found["null"]["readings"]["all years at risk"]
    lines = [
        "# How often decisions arise",
        "",
        f"Written by `{stored['command']}` ({' to '.join(dict.fromkeys((days[0], days[-1])))}, "
        f"commits {marks}; {versions}). The model is in [the models](models.md#formation). "
        f"{first['rows']} years of major powers in theatres, with at least one decision in "
        f"{first['years']}. Intervals are 90% intervals.",
        "",
        verdict(stored),
        "",
        "## What the drivers do",
        "",
        "b is the log hazard ratio per unit of the driver: from a frame of certain gains to one of "
        "certain losses (prospect), per residual standard deviation of credibility (occupation). "
        "eta is that per unit of log(1 + unallied states): 1 would be in proportion to them.",
        "",
        "| hazard | years | rows | with a decision | b | probability of b above 0 | eta | "
        "sampling, s | all, s | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, row in found.items():
        for reading, fit in row["readings"].items():
            own = {k: v for k, v in fit["coefficients"].items() if k != "eta"}
            b = ", ".join(span(v) for v in own.values()) or "no driver"
            sure = ", ".join(f"{v['positive']:.2f}" for v in own.values())
            lines.append(
                f"| {name} | {reading} | {fit['rows']} | {fit['years']} | {b} | {sure} | "
                f"{span(fit['coefficients']['eta'])} | {fit['seconds_sample']:.0f} | "
                f"{fit['seconds']:.0f} | {'; '.join(fit['problems']) or 'ok'} |"
            )
    lines += [
        "",
        *(f"- **{name}**: {words}." for name, words in list(READINGS.items())[1:]),
        "",
        "## Scores",
        "",
        "PSIS-LOO leaves out one year of a patron in a theatre; its neighbours in time stay, which "
        "is easy. A decade left out whole is the question that a forecast asks. The theories' "
        "parameters come from fits of all designs: only whether decisions arose is left out.",
        "",
        "| hazard | PSIS-LOO | k too high | unseen decades | minus null (standard error) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in found.items():
        fit, gap = row["readings"]["all years at risk"], against_null(stored, name)
        total = sum(d["elpd"] for d in row["decades"].values())
        lines.append(
            f"| {name} | {fit['loo']:.1f} | {fit['bad_k']} | {total:.1f} | "
            f"{gap[0]:+.1f} ({gap[1]:.1f}) |"
        )
    lines += [
        "",
        "## Calibration by decade",
        "",
        "Years of a patron in a theatre with a decision: observed, and predicted by the hazard "
        "that has not seen the decade.",
        "",
        f"| decade | at risk | observed | {' | '.join(found)} |",
        f"| --- | ---: | ---: | {' | '.join('---:' for _ in found)} |",
    ]
    for decade, own in found["null"]["decades"].items():
        said = " | ".join(span(row["decades"][decade]["predicted"], 0) for row in found.values())
        lines.append(f"| {decade}s | {own['rows']} | {own['arose']} | {said} |")
    outside = {
        name: sum(
            not d["predicted"]["lower"] <= d["arose"] <= d["predicted"]["upper"]
            for d in row["decades"].values()
        )
        for name, row in found.items()
    }
    count = len(found["null"]["decades"])
    said = ", ".join(f"{n} ({name})" for name, n in outside.items())
    lines += [
        "",
        f"Of {count} decades, the observed number lies outside the 90% interval in {said}; "
        f"{count / 10:.0f} would by chance.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
