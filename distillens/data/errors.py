"""What is raised where data are wrong, and how a list of faults is said."""

_LISTED = 20


class DataError(ValueError):
    """A data set is not what its task says; the message names file, row and reason."""


def listed(where: str, problems: list[str]) -> str:
    """One message for all that is wrong with a file: the first few in full, the others counted.

    Examples
    --------
    >>> listed("films.csv", ["row 3: label is empty"])
    'films.csv, row 3: label is empty'
    """
    if len(problems) == 1:
        return f"{where}, {problems[0]}"
    more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
    return "\n  ".join([f"{where}: {len(problems)} problems", *problems[:_LISTED], *more])
