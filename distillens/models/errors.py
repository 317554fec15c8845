"""What goes wrong with a model."""


class ModelError(ValueError):
    """A checkpoint cannot be used, or a model answers what is no answer; the message names it and says why."""
