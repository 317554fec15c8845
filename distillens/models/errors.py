"""What goes wrong with a model."""


class ModelError(ValueError):
    """A checkpoint cannot be used, or its answers are none; the message names it and says why."""
