"""Start, stop and look at the test cluster.

python -m tools.cluster up [--kueue]     start it (or find it running) and write .polyglot/cluster/kubeconfig
python -m tools.cluster build [--kueue]  make the programs and images that it takes, beside other work
python -m tools.cluster down             end it
python -m tools.cluster status           its daemons; exit code 0 when it is up, 1 otherwise
python -m tools.cluster images           build the product's images and give them to its nodes
"""

import argparse
import signal
import sys
from pathlib import Path

from tools.cluster import lifecycle, places
from tools.cluster.shell import ClusterError, say


def main() -> int:
    """Run one verb."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start it, or find it running")
    up.add_argument("--kueue", action="store_true", help="with a real Kueue (6 more minutes the first time)")
    up.add_argument("--no-images", action="store_true", help="without the product's images")
    build = verbs.add_parser("build", help="make the programs and images that it takes, beside other work")
    build.add_argument("--kueue", action="store_true", help="with those of Kueue")
    verbs.add_parser("down", help="end it")
    verbs.add_parser("status", help="its daemons")
    images = verbs.add_parser("images", help="build the product's images and give them to the nodes")
    images.add_argument("--source", type=Path, default=places.CHECKOUT, help="the checkout with the Dockerfile")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is begun is ended and tidied
    try:
        match options.verb:
            case "up":
                lifecycle.up(with_kueue=options.kueue, with_images=not options.no_images)
            case "build":
                lifecycle.build(with_kueue=options.kueue)
            case "down":
                lifecycle.down()
            case "status":
                print(lifecycle.status())
                return 0 if lifecycle.is_up() else 1
            case "images":
                print("\n".join(lifecycle.build_images(options.source.resolve()).values()))
    except ClusterError as error:
        say(f"cluster: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
