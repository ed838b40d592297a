"""`python -m jobs.worker`: see jobs.worker.worker."""

import sys

from jobs.worker.worker import main

if __name__ == "__main__":
    sys.exit(main())
