"""The one exception that bad input raises; the command line turns it into exit status 2."""

from __future__ import annotations

MOST = 500
"""Characters of a message, however long what it speaks of may be."""


class InputError(ValueError):
    """A table, scenario, option or file that cannot be used as it is.

    The message is one line of at most 500 characters: what is longer is cut in its middle, and
    control characters are shown escaped.

    Parameters
    ----------
    expected : str
        What would have been accepted, in words.
    file : str, optional
        File in which the value stands.
    row : int or str, optional
        Row number (the header is row 1) or the key of the row.
    column : str, optional
        Column, key or option.
    value : object, optional
        The offending value, shown with ``repr`` and cut at 80 characters.
    """

    def __init__(
        self,
        expected: str,
        *,
        file: str | None = None,
        row: int | str | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        self.expected, self.file, self.row, self.column, self.value = (
            expected,
            file,
            row,
            column,
            value,
        )
        where = [
            one_line(str(file), 200) if file is not None else "",
            f"row {one_line(str(row), 40)}" if row is not None else "",
            f"column {one_line(repr(column), 70)}" if column is not None else "",
        ]
        shown = _shown(value) if value is not None else ""
        parts = [", ".join(part for part in where if part), f"value {shown}" if shown else ""]
        head = ": ".join(part for part in parts if part)
        head = f"{head}: expected " if head else "expected "
        super().__init__(head + one_line(expected, MOST - len(head)))

    def __reduce__(self) -> tuple:
        """Travel between processes whole."""
        return _made, (self.expected, self.file, self.row, self.column, self.value)


def _made(
    expected: str, file: str | None, row: int | str | None, column: str | None, value: object
) -> InputError:
    """An error as another process raised it."""
    return InputError(expected, file=file, row=row, column=column, value=value)


def _shown(value: object) -> str:
    """A value as a message shows it, whatever it is."""
    try:
        shown = repr(value[:200] if isinstance(value, (str, bytes)) else value)
    except Exception:  # an integer of thousands of digits, a text that is endless, a broken object
        return f"a very large {type(value).__name__}"
    return one_line(shown if len(shown) <= 80 else shown[:77] + "...", 120)


def one_line(text: str, most: int = MOST) -> str:
    """Text on one line that does nothing to a terminal, cut in its middle where it is too long.

    Parameters
    ----------
    text : str
        Any text.
    most : int
        Characters that there is room for.

    Returns
    -------
    str
        The text, control characters and halves of characters escaped.
    """
    half = (most - 5) // 2
    long = len(text) > 2 * most  # escaping makes it no shorter
    ends = text[:most] + text[-most:] if long else text
    plain = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in ends)
    return f"{plain[:half]} ... {plain[-half:]}" if long or len(plain) > most else plain
