"""One way to make a finished model smaller a file: ``compress(model, options)``, in place.

A method that changes what the model is built of says so in ``model.config.compressed``,
from which `distillens.models.classifier.load_classifier` builds it again. ``RECOVERS`` says whether
the result can be trained further; ``ENGINE``, what it must run on, and ``NATIVE``, the
backends on which its speed is its own, each if there is such a limit.
"""
