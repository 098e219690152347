"""The job of ``make report`` with the seconds of its steps: prints JSON on its last line.

``python speed_report.py FOLDER STUDY DRAWS TUNE CHAINS`` writes the report into a folder.
"""

from __future__ import annotations

import json
import sys
import threading
import time

BEGAN = time.perf_counter()
KINDS = {
    "compile": "compile",
    "sample": "sample",
    "summarise": "predict and score",
    "exact refit": "fits without a case or a theatre",
    "predict each case": "predict each case without it",
    "forecast": "forecasts",
    "what moves it": "forecasts",
    "figures": "figures and page",
    "import": "import",
}
"""What steps are shown as, by what their last words begin with."""
REST = "the rest"


def kind(step: str) -> str:
    """What a step is shown as."""
    last = step.rpartition(": ")[2]
    return next((kind for begin, kind in KINDS.items() if last.startswith(begin)), REST)


def main(folder: str, study: str, draws: str, tune: str, chains: str) -> dict[str, float]:
    """Make the report.

    Parameters
    ----------
    folder, study : str
        Where to, and the robustness study that is shown.
    draws, tune, chains : str
        Numbers of each.

    Returns
    -------
    dict of str to float
        Seconds by kind of step; those in which several processes work are shared out evenly among
        their steps, so that all add up to how long it took.
    """
    from bayes_alliance.report.reproduce import reproduce

    counts = {"draws": int(draws), "tune": int(tune), "chains": int(chains)}
    steps, main_thread = dict.fromkeys([*KINDS.values(), REST], 0.0), threading.get_ident()
    doing, last = {main_thread: "import"}, [BEGAN]

    def tell(step: str) -> None:
        now, thread = time.perf_counter(), threading.get_ident()
        if len(doing) > 1:
            doing.pop(main_thread, None)  # it waits for the others
        for one in doing.values():
            steps[kind(one)] += (now - last[0]) / len(doing)
        if thread == main_thread:
            doing.clear()
        doing[thread], last[0] = step, now

    tell("import")  # the processes that do the work begin with it
    reproduce(folder, study=study, progress=tell, **counts)
    tell("")
    return steps


if __name__ == "__main__":
    print(json.dumps({"steps": main(*sys.argv[1:])}))
