"""``python -m benchmarks.tables``: write README's tables."""

import sys

from benchmarks.tables import main

sys.exit(main())
