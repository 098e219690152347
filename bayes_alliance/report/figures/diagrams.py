"""Path diagrams: from the latent variable to the proposal, the design and its survival."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Patch

from bayes_alliance.report.figures.style import (
    WIDTH,
    Figure,
    theory_colour,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import theories


@dataclass(frozen=True)
class Node:
    """A variable: an ellipse if latent, a box if observed."""

    x: float
    y: float
    text: str
    latent: bool = False
    width: float = 2.3
    height: float = 0.95


@dataclass(frozen=True)
class Arrow:
    """An effect with its parameter; ``at`` is where along the arrow the label stands."""

    start: str
    stop: str
    text: str
    bend: float = 0.0
    at: float = 0.5
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Diagram:
    """Variables and effects of a theory, on a canvas 10 wide, from ``low`` to ``high``."""

    title: str
    nodes: dict[str, Node]
    arrows: tuple[Arrow, ...]
    low: float
    high: float
    note: str = ""


ON_LINE = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
ABOVE, FAR_ABOVE = (0.0, 0.26), (0.0, 0.42)

OCCUPATION = Diagram(
    "Occupation: from the clients' danger to the alliance",
    {
        "traits": Node(
            1.5, 6.9, "capability, land,\ndistance, occupied\n(each client)", width=2.7, height=1.35
        ),
        "signs": Node(1.5, 4.6, "elite fear,\nterritorial disputes", width=2.7),
        "credibility": Node(
            5.5, 6.9, "credibility of\noccupation Θ", latent=True, width=2.7, height=1.2
        ),
        "promise": Node(5.5, 4.6, "clients' promise\nto each other c", width=2.7),
        "imposed": Node(8.85, 4.6, "imposed by\nthe patron", width=2.0),
        "proposal": Node(1.5, 2.3, "patron's\nproposal q", width=2.2),
        "design": Node(5.5, 2.3, "design d", width=2.2),
        "survival": Node(8.85, 2.3, "years that\nit lasts", width=2.0),
    },
    (
        Arrow("traits", "credibility", "H7  γ$_{land}$", shift=ABOVE, at=0.49),
        Arrow("credibility", "signs", "loadings", at=0.55),
        Arrow("credibility", "promise", "H6  β$_6$"),
        Arrow("promise", "proposal", "H1  β$_1$ partners\nH5  β$_5$ strong", at=0.52),
        Arrow("promise", "design", "acceptance β$_4$", at=0.45),
        Arrow("proposal", "design", "refused:\nH4 fallback", shift=FAR_ABOVE),
        Arrow("promise", "survival", "H2  β$_2$", at=0.48),
        Arrow("imposed", "survival", "H3  β$_3$", at=0.48),
        Arrow("design", "survival", ""),
    ),
    1.6,
    7.8,
)
PROSPECT = Diagram(
    "Prospect: from threat and reference point to the alliance",
    {
        "components": Node(
            1.6,
            7.1,
            "power, forces,\nproximity, ideology,\nintentions (Walt)",
            width=2.9,
            height=1.35,
        ),
        "threat": Node(5.5, 7.1, "threat T", latent=True, width=2.3, height=1.1),
        "reference": Node(8.8, 7.1, "reference\npoint r", latent=True, width=2.2, height=1.1),
        "frame": Node(5.5, 4.75, "domain of\nlosses F", latent=True, width=2.3, height=1.1),
        "signs": Node(8.85, 4.75, "statements,\ncoded frame", width=2.1),
        "shared": Node(1.6, 4.75, "threat that clients\nshare: level, spread", width=2.9),
        "proposal": Node(5.5, 2.3, "patron's\nproposal q", width=2.2),
        "design": Node(1.6, 2.3, "design d", width=2.2),
        "survival": Node(8.85, 2.3, "years that\nit lasts", width=2.1),
    },
    (
        Arrow("components", "threat", "weights w", shift=ABOVE, at=0.54),
        Arrow("threat", "frame", "κ"),
        Arrow("reference", "frame", "κ,  status quo ρ", at=0.4, shift=(0.15, 0.0)),
        Arrow("frame", "signs", "loading,\nmisread", at=0.515, shift=FAR_ABOVE),
        Arrow("frame", "proposal", "H1  k$_{loss}$   H2  k$_{gain}$\n(times risk of the design)"),
        Arrow("proposal", "design", "refused:\nfallback", shift=FAR_ABOVE),
        Arrow("shared", "design", "acceptance:\na$_{level}$, a$_{spread}$"),
        Arrow("frame", "survival", "h$_{frame}$", at=0.6),
        Arrow("design", "survival", "h$_{strong}$", bend=0.2),
    ),
    0.35,
    8.0,
    "H3 has no arrow of its own: it is the change of the proposal from one case to the next\n"
    "(partners, commitment) with the change in threat T.",
)

DIAGRAMS = {"occupation": OCCUPATION, "prospect": PROSPECT}


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the paths of the theories that were fitted.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    for name, diagram in DIAGRAMS.items():
        if name in results.trees:
            yield f"structure-{name}", _structure(name, diagram, results)


def _structure(name: str, diagram: Diagram, results: Results) -> Figure:
    figure = matplotlib.figure.Figure(figsize=(WIDTH, WIDTH * (diagram.high - diagram.low) / 10))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 10)
    axes.set_ylim(diagram.low, diagram.high)
    axes.axis("off")
    colour = theory_colour(name)
    shapes = {key: _node(axes, node, colour) for key, node in diagram.nodes.items()}
    for arrow in diagram.arrows:
        _arrow(axes, diagram.nodes, shapes, arrow)
    if diagram.note:
        axes.text(5, diagram.low + 0.45, diagram.note, ha="center", va="center", fontsize=9)
    found = results.hypotheses[name]
    latent = [n.text.replace("\n", " ") for n in diagram.nodes.values() if n.latent]
    labelled = [a for a in diagram.arrows if a.text]
    return Figure(
        title=diagram.title,
        caption=(
            f"{theories()[name]['description']} Ellipses are latent variables "
            f"({listed(latent)}), boxes are observed. Posterior probability of the direction that "
            "the article expects: "
            + listed(f"{h} {p:.2f}" for h, p in found["probability"].items())
            + "."
        ),
        alt="Path diagram. "
        + "; ".join(
            " ".join(
                f"{diagram.nodes[a.start].text} leads to {diagram.nodes[a.stop].text} "
                f"({_plain(a.text)})".split()
            )
            for a in labelled
        )
        + ".",
        figure=figure,
        section="theory",
    )


def _plain(text: str) -> str:
    """Label without mathematical mark-up."""
    return text.replace("$_{", "_").replace("}$", "").replace("$_", "_").replace("$", "")


def _node(axes: Axes, node: Node, colour: str) -> Patch:
    """Draw a variable."""
    shape: Patch
    if node.latent:
        shape = Ellipse(
            (node.x, node.y),
            node.width,
            node.height,
            facecolor="white",
            edgecolor=colour,
            linewidth=2,
            zorder=2,
        )
    else:
        shape = FancyBboxPatch(
            (node.x - node.width / 2, node.y - node.height / 2),
            node.width,
            node.height,
            boxstyle="round,pad=0,rounding_size=0.1",
            facecolor="#F4F4F4",
            edgecolor="#555555",
            linewidth=1.2,
            zorder=2,
        )
    axes.add_patch(shape)
    axes.text(node.x, node.y, node.text, ha="center", va="center", zorder=3)
    return shape


def _arrow(axes: Axes, nodes: dict[str, Node], shapes: dict, arrow: Arrow) -> None:
    """Draw an effect and the parameter that it carries."""
    start, stop = nodes[arrow.start], nodes[arrow.stop]
    axes.add_patch(
        FancyArrowPatch(
            (start.x, start.y),
            (stop.x, stop.y),
            patchA=shapes[arrow.start],
            patchB=shapes[arrow.stop],
            connectionstyle=f"arc3,rad={arrow.bend}",
            arrowstyle="-|>",
            mutation_scale=14,
            linewidth=1.4,
            color="#333333",
            shrinkA=1,
            shrinkB=2,
            zorder=1,
        )
    )
    if not arrow.text:
        return
    dx, dy = stop.x - start.x, stop.y - start.y
    # an arc of curvature `bend` passes half of it beside the middle of its chord
    x = start.x + arrow.at * dx + arrow.bend * dy / 2 + arrow.shift[0]
    y = start.y + arrow.at * dy - arrow.bend * dx / 2 + arrow.shift[1]
    axes.text(
        x,
        y,
        arrow.text,
        parse_math=True,
        ha="center",
        va="center",
        fontsize=9,
        zorder=4,
        bbox=None if arrow.shift in (ABOVE, FAR_ABOVE) else ON_LINE,
    )
