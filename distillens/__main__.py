"""``python -m distillens``: one text, the verdict, or what a config would cost, in the terminal."""

import sys

from distillens.cli import main

sys.exit(main())
