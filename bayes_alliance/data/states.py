"""States by their codes: full names for every message, and what a code means elsewhere.

The tables use the abbreviations of the Correlates of War Project's list of states (``states.csv``).
Many look like the three letters of ISO 3166-1 and some of those mean another state: AUS is Austria
here and Australia there.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass

from bayes_alliance.bundled import bundled
from bayes_alliance.data.schema import TABLES, THEATRES
from bayes_alliance.data.validate import read_table

REGIONS = {
    "americas": (2, 199),
    "europe": (200, 399),
    "africa": (400, 599),
    "middle-east": (600, 699),
    "asia": (700, 999),
}
"""Theatres by the country codes of the Correlates of War."""

# Three letters of ISO 3166-1 (as maintained by the ISO 3166 Maintenance Agency, 2025), then the
# abbreviation of the same state in the Correlates of War list (2016), where the two differ.
_ISO = dict(
    pair.split(":")
    for pair in """
    AGO:ANG ARE:UAE ATG:AAB AUS:AUL AUT:AUS BDI:BUI BFA:BFO BGD:BNG BGR:BUL BHR:BAH BHS:BHM BIH:BOS
    BRB:BAR BRN:BRU BTN:BHU BWA:BOT CAF:CEN CHE:SWZ CIV:CDI CMR:CAO COD:DRC COG:CON CPV:CAP CRI:COS
    CZE:CZR DEU:GMY DNK:DEN DZA:ALG ESP:SPN FJI:FIJ FRA:FRN GBR:UKG GEO:GRG GIN:GUI GMB:GAM GNQ:EQG
    GRD:GRN GTM:GUA HND:HON HRV:CRO HTI:HAI IDN:INS IRL:IRE ISL:ICE KAZ:KZK KGZ:KYR KHM:CAM KNA:SKN
    KOR:ROK KWT:KUW LBN:LEB LBY:LIB LCA:SLU LKA:SRI LSO:LES LTU:LIT LVA:LAT MAR:MOR MCO:MNC MDA:MLD
    MDG:MAG MDV:MAD MHL:MSI MKD:MAC MMR:MYA MNE:MNG MNG:MON MOZ:MZM MRT:MAA MUS:MAS MWI:MAW MYS:MAL
    NER:NIR NGA:NIG NLD:NTH NPL:NEP NRU:NAU NZL:NEW OMN:OMA PHL:PHI PLW:PAL PRT:POR PRY:PAR ROU:ROM
    SDN:SUD SGP:SIN SLB:SOL SLE:SIE SLV:SAL SMR:SNM SRB:YUG SVK:SLO SVN:SLV SWE:SWD SWZ:SWA SYC:SEY
    TCD:CHA TGO:TOG THA:THI TJK:TAJ TLS:ETM TTO:TRI TWN:TAW TZA:TAZ URY:URU VCT:SVG VNM:DRV VUT:VAN
    ZAF:SAF ZMB:ZAM ZWE:ZIM
    """.split()
)


@dataclass(frozen=True)
class State:
    """A state of ``states.csv``.

    Parameters
    ----------
    abbreviation : str
        Abbreviation of the Correlates of War.
    code : int
        Country code of the Correlates of War.
    name : str
        Its name.
    """

    abbreviation: str
    code: int
    name: str

    @property
    def theatre(self) -> str:
        """Theatre in which the state lies."""
        return next(t for t, (low, high) in REGIONS.items() if low <= self.code <= high)


@functools.cache
def states() -> dict[str, State]:
    """States by their abbreviations.

    Returns
    -------
    dict of str to State
        In the order of ``states.csv``; treat it as read-only.
    """
    table = read_table(bundled("data", "states.csv"), TABLES["states"])
    columns = (table[name] for name in ("abbreviation", "code", "name"))
    return {
        short: State(short, int(code), name) for short, code, name in zip(*columns, strict=True)
    }


def full(code: str) -> str:
    """Name of a state with its abbreviation.

    Parameters
    ----------
    code : str
        Abbreviation, or several joined by ``+``; what is none is given back as it is.

    Returns
    -------
    str
        For example ``Austria (AUS)``.
    """
    known = states()
    parts = str(code).split("+")
    return " and ".join(f"{known[p].name} ({p})" if p in known else p for p in parts)


def hint(given: str) -> str:
    """Say which state somebody may have meant who gave what is no abbreviation.

    Parameters
    ----------
    given : str
        What was given: a code of ISO 3166, a name, or a slip; several states joined by ``+``.

    Returns
    -------
    str
        To be added to a message; empty if nothing is near.
    """
    known = states()
    wrong = next((part for part in given[:200].split("+") if part not in known), given)[:60]
    plain = wrong.strip().upper()
    if plain in _ISO:
        here = known[_ISO[plain]]
        return f"; {plain} is {here.name} in ISO 3166, which is {here.abbreviation} here"
    named = {state.name.upper(): short for short, state in known.items()}
    found = [plain] if plain in known else [named[plain]] if plain in named else []
    found = found or difflib.get_close_matches(plain, list(known), n=1, cutoff=0.5)
    within = [short for name, short in named.items() if len(plain) > 3 and plain in name]
    found = within or found
    found = found or [named[n] for n in difflib.get_close_matches(plain, list(named), n=1)]
    return f"; did you mean {found[0]!r} ({known[found[0]].name})?" if found else ""


def elsewhere(codes: Iterable[str]) -> list[str]:
    """Say which abbreviations mean another state in ISO 3166.

    Parameters
    ----------
    codes : iterable of str
        Abbreviations of ``states.csv``.

    Returns
    -------
    list of str
        One sentence an abbreviation that does.
    """
    known, out = states(), []
    for code in dict.fromkeys(codes):
        if code == "MAC":
            other = "Macao, which is no state here"
        elif code in _ISO:
            other = f"{known[_ISO[code]].name}, which is {_ISO[code]} here"
        else:
            continue
        out.append(f"{code} is {known[code].name} here; in ISO 3166 {code} is {other}")
    return out


@functools.cache
def _coded() -> frozenset[tuple[str, str]]:
    """Clients with the theatres in which the bundled tables have them, wherever they lie."""
    read = {
        name: read_table(bundled("data", f"{name}.csv"), TABLES[name])
        for name in ("episodes", "clients")
    }
    both = read["clients"].merge(read["episodes"], on="episode")
    return frozenset(zip(both["client"], both["theatre"], strict=True))


def outside(clients: Iterable[tuple[str, str]]) -> list[str]:
    """Say which clients lie outside their theatre.

    Clients that the bundled tables have in that theatre (the United Kingdom in Asia) are passed
    over.

    Parameters
    ----------
    clients : iterable of tuple of str
        Abbreviation and theatre.

    Returns
    -------
    list of str
        One sentence a client that does.
    """
    out = []
    for code, theatre in dict.fromkeys(clients):
        home = states()[code].theatre
        if home != theatre and (code, theatre) not in _coded():
            where = f"{THEATRES[home]}, outside {THEATRES[theatre]}"
            out.append(f"the client {full(code)} lies in {where} (theatre {theatre})")
    return out


def notes(
    patron: str | None, adversaries: Iterable[str], clients: Iterable[str], theatre: str
) -> list[str]:
    """Say what a reader should know of the states of one decision.

    Parameters
    ----------
    patron : str or None
        Patron.
    adversaries, clients : iterable of str
        Abbreviations.
    theatre : str
        Theatre of the clients.

    Returns
    -------
    list of str
        Sentences; none if every code means the same everywhere and every client is in its theatre.
    """
    clients = list(clients)
    codes = [*([patron] if patron else []), *adversaries, *clients]
    return elsewhere(codes) + outside((client, theatre) for client in clients)
