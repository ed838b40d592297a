"""What torch is told of memory beside GPUs is what the locked torch knows."""

import subprocess
import sys

from jobs.worker.environment import ALLOCATOR


def test_torch_knows_these_settings_and_reads_them_after_its_import() -> None:
    """It refuses a name that it does not know, as soon as memory is asked for."""
    reads = "import os, torch; os.environ['PYTORCH_ALLOC_CONF'] = {!r}; torch._C._accelerator_getAllocatorSettings()"
    for text, fine in ((ALLOCATOR, True), ("pinned_max_round_threshold:1", False)):
        done = subprocess.run([sys.executable, "-c", reads.format(text)], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is fine, done.stderr
        assert fine or "Unrecognized key 'pinned_max_round_threshold'" in done.stderr
