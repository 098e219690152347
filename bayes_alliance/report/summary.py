"""The report's numbers as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from bayes_alliance.check.quantities import quantities
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.loo import difference
from bayes_alliance.fit import versions
from bayes_alliance.report.findings import findings
from bayes_alliance.report.outlook import Outlook
from bayes_alliance.report.results import Results
from bayes_alliance.theories import NULL


def summary(results: Results) -> dict[str, Any]:
    """Numbers of a report.

    Parameters
    ----------
    results : Results
        What the report shows.

    Returns
    -------
    dict
        ``versions``, ``data``, ``fits``, ``comparison``, ``stacking``, ``stages``,
        ``proper_scores``, ``unseen``, ``checks``, ``hypotheses``, ``scenarios`` (title, year of
        the decision that ``forecast`` supposes, horizon of ``outlook``), ``forecast``,
        ``outlook``, ``groupings``, ``findings`` (sentences by question) and ``warnings``. Equal
        for equal seeds but for ``seconds``.
    """
    data = results.data
    return clean(
        {
            "interval_probability": CI_PROB,
            "versions": versions(),
            "data": {
                "name": data.name,
                "hash": data.hash,
                "counts": data.describe().to_dict(),
            },
            "fits": results.diagnostics,
            "comparison": {
                information: {
                    by: {name: _row(results, (information, by), name) for name in scores}
                    for (i, by), scores in results.scores.items()
                    if i == information
                }
                for information in dict.fromkeys(i for i, _ in results.scores)
            },
            "stacking": {
                information: {
                    by: table.to_dict(orient="index")
                    for (i, by), table in results.stacked.items()
                    if i == information
                }
                for information in dict.fromkeys(i for i, _ in results.stacked)
            },
            "stages": {
                information: {name: table.to_dict(orient="index") for name, table in found.items()}
                for information, found in results.stages.items()
            },
            "proper_scores": {
                information: {
                    score: table.loc[score].to_dict(orient="index")
                    for score in table.index.unique("score")
                }
                for information, table in results.proper.items()
            },
            "unseen": results.unseen.to_dict(orient="records"),
            "checks": {
                name: {
                    quantity: {k: v for k, v in row.items() if k != "description"}
                    for quantity, row in table.to_dict(orient="index").items()
                }
                for name, table in results.checks.items()
            },
            "check_descriptions": quantities(),
            "hypotheses": {
                name: table.to_dict(orient="index") for name, table in results.hypotheses.items()
            },
            "sensitivity": {
                name: table.to_dict(orient="index") for name, table in results.sensitivity.items()
            },
            "scenarios": {
                name: {"title": scenario.title, "year": scenario.year, "horizon": scenario.horizon}
                for name, scenario in results.scenarios.items()
            },
            "forecast": {
                scenario: {
                    theory: rows.set_index("cell")[["probability", "lower", "upper"]].to_dict(
                        "index"
                    )
                    for theory, rows in table.groupby("theory", sort=False)
                }
                for scenario, table in results.forecasts.items()
            },
            "outlook": {name: _outlook(found) for name, found in results.outlooks.items()},
            "groupings": results.groupings.to_dict(orient="records"),
            "findings": findings(results),
            "warnings": results.warnings,
        }
    )


def _outlook(found: Outlook) -> dict[str, Any]:
    """Tables of an outlook as rows."""
    tables = {name: getattr(found, name) for name in Outlook.__dataclass_fields__}
    return {
        name: table.astype(object).where(table.notna(), None).to_dict(orient="records")
        for name, table in tables.items()
        if table is not None
    }


def _row(results: Results, key: tuple[str, str], name: str) -> dict[str, Any]:
    """One theory in one comparison; fits beside the theories have no weight."""
    table, score = results.comparison[key], results.scores[key][name]
    cases = [str(c) for c in score.elpd_i["case"].values]
    out: dict[str, Any] = {"elpd": score.elpd, "se": score.se, "p": score.p}
    if name in table.index:
        out |= table.loc[name].to_dict()
    if NULL in results.scores[key]:
        gap, error, _ = difference(score, results.scores[key][NULL])
        out |= {"against_null": gap, "against_null_se": error}
    out["elpd_by_case"] = dict(zip(cases, score.elpd_i.values, strict=True))
    if score.influence_pareto_k is not None:
        k = score.influence_pareto_k.values
        out["pareto_k"] = dict(zip(cases, k, strict=True))
        out["refitted"] = [c for c, v in zip(cases, k, strict=True) if v > score.good_k]
    return out


def clean(value: Any) -> Any:
    """Plain JSON: no numpy types, no NaN, floats to 10 significant digits.

    Parameters
    ----------
    value : object
        Nested dicts, lists, numbers and texts.

    Returns
    -------
    object
        The same, of plain types.
    """
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return value
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, float):
        return float(f"{number:.10g}") if math.isfinite(number) else None
    return number if isinstance(number, (int, str, bool)) else str(number)


def dumps(value: Any) -> str:
    """JSON as text.

    Parameters
    ----------
    value : object
        What `clean` can make plain.

    Returns
    -------
    str
        Indented JSON with a final newline.
    """
    return json.dumps(clean(value), indent=2, ensure_ascii=False) + "\n"
