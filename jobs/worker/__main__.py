"""`python -m jobs.worker`: see jobs.worker.worker."""

import logging
import os
import sys

from jobs.worker.worker import main

if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread that still waits for lost peers would end the interpreter in its own way
