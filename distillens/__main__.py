"""``python -m distillens``: the same as ``distillens``."""

import sys

from distillens.cli import main

sys.exit(main())
