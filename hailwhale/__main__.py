"""``python -m hailwhale``."""

import sys

from hailwhale.cli import main

if __name__ == '__main__':
    sys.exit(main())
