"""How it was done: settings, versions, the command to reproduce, references."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from bayes_alliance.bundled import bundled
from bayes_alliance.data.load import load
from bayes_alliance.data.schema import BUNDLED
from bayes_alliance.fit import versions
from bayes_alliance.report.page.tables import table
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import MAIN


def methods_section(results: Results) -> dict[str, Any]:
    """Settings, versions and the command to reproduce."""
    return {
        "settings": settings_table(results),
        "versions": version_rows(results),
        "data": results.data.name,
        "hash": results.data.hash,
        "command": command(results),
    }


def settings_table(results: Results) -> Markup:
    """Table of how each compared fit was made."""
    rows = []
    for name, tree in results.trees.items():
        asked = [tree.attrs[k] for k in ("chains", "draws", "tune", "seed", "sampler")]
        changed = "changed" if tree.attrs["priors_changed"] else "as bundled"
        priors = Markup("{} <code>{}</code>").format(changed, tree.attrs["priors_hash"][:12])
        rows.append([name, *asked, priors])
    return table(
        "table-settings",
        "Settings of the compared fits.",
        ["Fit", "Chains", "Draws", "Discarded", "Seed", "Sampler", "Priors"],
        rows,
        words=("Sampler", "Priors"),
    )


def version_rows(results: Results) -> list[tuple[str, str]]:
    """Versions of the fits; of this page's packages where a fit does not say."""
    rows = []
    for name, now in versions().items():
        found = [str(t.attrs.get(f"version_{name}", now)) for t in results.trees.values()]
        rows.append((name, listed(dict.fromkeys(found))))
    return rows


def command(results: Results) -> str:
    """Command that makes the report again; empty if the tables are not the bundled ones."""
    names = results.data.name.split("+")
    if set(names) != set(BUNDLED) or load(*names).hash != results.data.hash:
        return ""
    attrs = [tree.attrs for tree in results.trees.values()]
    if any(a["priors_changed"] for a in attrs) or set(results.trees) != set(MAIN):
        return ""
    default = {"draws": 1000, "tune": 500, "chains": 4, "seed": 1}
    options = "".join(
        f" --{key} {attrs[0][key]}" for key, value in default.items() if attrs[0][key] != value
    )
    if results.study is not None and results.study.place:
        options += f" --study {shlex.quote(results.study.place)}"
    return f"bayes-alliance reproduce --out reports/latest{options}"


def references() -> list[dict[str, str]]:
    """References of the two articles, from the sources that travel with the data."""
    text = bundled("data", "sources.bib").read_text(encoding="utf-8")
    out = []
    for key in ("cohen", "hefeng2012"):  # each field has a line of its own
        entry = re.findall(rf"^@\w+\{{{key},$(.*?)^\}}$", text, re.M | re.S)[0]
        pairs = re.findall(r"^\s*(\w+) = \{(.*)\},?$", entry, re.M)
        out.append(_reference({k: v.replace("{", "").replace("}", "") for k, v in pairs}))
    return out


def _reference(fields: Mapping[str, str]) -> dict[str, str]:
    """One entry as a reader expects it."""
    authors = fields["author"].replace(" and ", "; ")
    year = f" ({fields['year']})" if "year" in fields else ""
    text = f"{(authors + year).rstrip('.')}. {fields['title']}."
    if "journal" in fields:
        text += f" {fields['journal']} {fields['volume']}({fields['number']}), "
        text += f"{fields['pages'].replace('-', '–')}."
    return {"text": text, "note": fields.get("note", ""), "doi": fields.get("doi", "")}
