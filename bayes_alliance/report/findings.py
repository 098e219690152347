"""What was found, as sentences by question."""

from __future__ import annotations

from collections.abc import Iterable

from bayes_alliance.report.page.checked import check_sentence
from bayes_alliance.report.page.comparison import (
    best_sentence,
    carry_sentence,
    group_sentences,
    named_sentence,
    null_sentences,
    variant_sentences,
)
from bayes_alliance.report.page.marks import Said
from bayes_alliance.report.page.proper import proper_sentences
from bayes_alliance.report.page.stages import stage_sentence
from bayes_alliance.report.page.theories import hypothesis_sentences
from bayes_alliance.report.page.trust import diagnostics_sentence
from bayes_alliance.report.page.unseen import unseen_sentences
from bayes_alliance.report.results import MAIN, Results


def findings(results: Results) -> dict[str, list[dict[str, object]]]:
    """Say what was found, by question.

    Parameters
    ----------
    results : Results
        What a report shows.

    Returns
    -------
    dict of str to list of dict
        Question to sentences: ``text``, and ``marks``, what spoils its numbers. Questions that the
        data do not allow are left out.
    """
    known = MAIN[0]
    groups = [key for key in results.scores if key[0] == known and key[1] != "episode"]
    asked: dict[str, Iterable[Said]] = {
        "Can the fits be trusted?": [diagnostics_sentence(results)],
        "Which theory predicts best, and which cases decide?": [
            best_sentence(results, MAIN),
            named_sentence(results, MAIN),
            carry_sentence(results, MAIN),
            *null_sentences(results, MAIN),
            *variant_sentences(results, MAIN),
        ],
        "What does it predict better: proposals, designs or lives?": [
            stage_sentence(results, known)
        ]
        if known in results.stages
        else [],
        "Better than usual regressions?": proper_sentences(results, known)
        if known in results.proper
        else [],
        "And of a theatre or a patron that it has never seen?": [
            said for key in groups for said in group_sentences(results, key)
        ],
        "What would it have said of 1949, 1951 and 1954?": unseen_sentences(results),
        "What becomes of the hypotheses?": [
            said for name in results.trees for said in hypothesis_sentences(results, name)
        ],
        "What do the fitted theories miss?": [
            check_sentence(results, name) for name in results.trees
        ],
    }
    return {
        question: [{"text": said.text, "marks": list(said.marks)} for said in found]
        for question, found in ((q, list(s)) for q, s in asked.items())
        if found
    }
