"""The answers in short, for the top of the page."""

from __future__ import annotations

from collections import Counter

from bayes_alliance.compare.hypotheses import verdict
from bayes_alliance.report.page.answers import by_year_sentence
from bayes_alliance.report.page.comparison import best_sentence, named_sentence, variant_sentences
from bayes_alliance.report.page.marks import Said
from bayes_alliance.report.page.outlook import change_sentence, scenario_sentence
from bayes_alliance.report.page.theories import hypothesis_sentences
from bayes_alliance.report.page.words import FEW, count
from bayes_alliance.report.results import MAIN, Results


def in_short(results: Results) -> list[Said]:
    """Answers in a few sentences."""
    out = [best_sentence(results, MAIN), named_sentence(results, MAIN)]
    out += variant_sentences(results, MAIN)[-1:]
    for name in results.trees:
        out += hypothesis_sentences(results, name)[:1]
    if results.forecasts:
        first = next(iter(results.forecasts))
        out.append(scenario_sentence(results, first))
        out += [by_year_sentence(results, first)] if first in results.outlooks else []
        change = change_sentence(results)
        out += [change] if change else []
    return [*out, caution_sentence(results)]


def caution_sentence(results: Results) -> Said:
    """Say how many cases carry it all."""
    cases = results.data.episodes["case"].nunique()
    settled = Counter(
        verdict(p)
        for name in results.trees
        for p in results.hypotheses[name].get("probability", ())
    )
    text = f"All of this rests on {count(cases, 'case')}"
    if cases < FEW:
        text += "; standard errors from fewer than about 100 are themselves unsure"
    total = settled.total()
    if total:
        text += f". {settled['undecided']} of {count(total, 'hypothesis', 'hypotheses')} "
        text += "stay" if settled["undecided"] != 1 else "stays"
        text += " undecided"
    return Said(text + ".")
