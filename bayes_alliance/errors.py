"""The one exception that bad input raises; the command line turns it into exit status 2."""

from __future__ import annotations


class InputError(ValueError):
    """A table, scenario, option or file that cannot be used as it is.

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
            str(file) if file is not None else "",
            f"row {row}" if row is not None else "",
            f"column {column!r}" if column is not None else "",
        ]
        try:
            shown = repr(value) if value is not None else ""
        except ValueError:  # an integer of thousands of digits
            shown = f"a very large {type(value).__name__}"
        if len(shown) > 80:
            shown = shown[:77] + "..."
        parts = [", ".join(part for part in where if part), f"value {shown}" if shown else ""]
        head = ": ".join(part for part in parts if part)
        super().__init__(f"{head}: expected {expected}" if head else f"expected {expected}")
