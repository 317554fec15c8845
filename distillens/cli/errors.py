"""What a command tells its user instead of a traceback."""


class CommandError(ValueError):
    """A command cannot do what it is asked; the message is one line that says what to do."""
