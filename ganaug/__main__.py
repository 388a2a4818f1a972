"""Makes ``python -m ganaug`` the same as the command ``ganaug``."""

import sys

from ganaug.cli import main

if __name__ == "__main__":
    sys.exit(main())
