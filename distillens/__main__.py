"""``python -m distillens``: one text, the verdict, or what a config would cost, in the terminal."""

import sys

from distillens.commands import main

sys.exit(main())
