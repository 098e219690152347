"""The job of ``make report`` with the seconds of its steps: prints JSON on its last line.

``python speed_report.py FOLDER STUDY DRAWS TUNE CHAINS`` writes the report into a folder.
"""

from __future__ import annotations

import json
import sys
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
    "the fits of each theatre alone": "wait for fits made meanwhile",
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
        Seconds by kind of step.
    """
    from bayes_alliance.report.report import reproduce

    counts = {"draws": int(draws), "tune": int(tune), "chains": int(chains)}
    steps, last = dict.fromkeys([*KINDS.values(), REST], 0.0), ["import", BEGAN]

    def tell(step: str) -> None:
        now = time.perf_counter()
        steps[kind(str(last[0]))] += now - float(last[1])
        last[:] = [step, now]

    tell("")
    reproduce(folder, study=study, progress=tell, **counts)
    tell("")
    return steps


if __name__ == "__main__":
    print(json.dumps({"steps": main(*sys.argv[1:])}))
