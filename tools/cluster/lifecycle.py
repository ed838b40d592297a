"""From nothing to a cluster that serves, and back.

`up` makes what is missing and says when all is there. What it started is in the cluster's groups, its namespace and its
folder, and nothing else is: `down` removes these three, after a complete start and after one that was cut off anywhere.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tools.cluster import (
    addons,
    certificates,
    cgroups,
    control_plane,
    host,
    kueue,
    network,
    node,
    packages,
    places,
    processes,
    product,
    product_images,
    programs,
    system_images,
)
from tools.cluster.kubectl import kubectl
from tools.cluster.shell import ClusterError, say, unmount_below, wait_until

_SHIMS = "state/io.containerd.runtime.v2.task/k8s.io"


def up(*, with_kueue: bool = False, with_images: bool = True) -> None:
    """Have a cluster that runs, with this checkout's images, the namespace `polyglot`, and its files to reach it.

    A cluster that was started is left as it is, but for new images that are small; one of which no daemon runs any
    more, as after a restart of the machine, is started anew. A checkout without a Dockerfile has no images.
    """
    started = time.monotonic()
    _check_machine()
    with _locked():
        _build(with_images=with_images)
        if is_up():
            say("the cluster is up already")
        elif _state().exists() and not ended():
            raise ClusterError(
                f"the cluster was started, but {', '.join(_missing())} does not run: a test holds it, or left it so; "
                "end the cluster (make cluster-down) and start it anew"
            )
        else:
            _clear(keep_logs=False)
            try:
                _start()
            except BaseException:
                _clear(keep_logs=True)
                raise
        if with_kueue:
            if not kueue.installed():
                kueue.install(system_images.ensure(kueue=True, nodes=sockets())["kueue"])
            kueue.wait()
        host.write(ports(), product_images.current())
        if product_images.current():
            product.install()
    say(f"ready after {time.monotonic() - started:.0f} s: export KUBECONFIG={places.host_folder() / 'kubeconfig'}")


def build(*, with_kueue: bool = False) -> None:
    """Make the programs and images that `up` takes, and start nothing; beside other work, which has priority."""
    _check_machine()
    with _locked():
        _build(with_images=True)
        system_images.ensure(kueue=with_kueue)


def build_images(source: Path = places.CHECKOUT) -> dict[str, str]:
    """Build the product's images, give them to the running nodes if there are any, and return kind -> reference."""
    images = product_images.ensure(sockets(), source=source)
    with _locked():  # who comes second brings up to date what the first one has installed
        if is_up():
            host.write(ports(), images)
            product.install()
    return images


def down() -> None:
    """End the cluster; programs and images stay in the cache. None there: nothing to do."""
    with _locked():
        _clear(keep_logs=False)
        host.remove()


def is_up() -> bool:
    """True when `up` got to its end and every daemon runs."""
    return _state().exists() and not _missing()


def ended() -> bool:
    """True when a cluster was started and none of its daemons runs, nor is held, any more."""
    return _state().exists() and all(processes.pid(name) is None for name in processes.names())


def sockets() -> list[Path]:
    """Where the running nodes take images; none without a cluster that is up."""
    return [node.socket(each) for each in places.NODES] if is_up() else []


def _missing() -> list[str]:
    """The daemons that ended, or that SIGSTOP holds."""
    return [name for name in processes.names() if processes.pid(name) is None or processes.paused(name)]


def ports() -> host.Ports:
    """Return where the host reaches the running cluster."""
    return host.Ports(**json.loads(_state().read_text())["ports"])


def images() -> dict[str, str]:
    """Return the running cluster's own images by name; `busybox` is for tests."""
    return dict(json.loads(_state().read_text())["images"])


def status() -> str:
    """Return one line a daemon."""
    numbers = {name: processes.pid(name) for name in processes.names()}
    lines = [f"{name:26} {number or f'ended: see {processes.log(name)}'}" for name, number in numbers.items()]
    return "\n".join([*lines, "up" if is_up() else "not up"])


def _build(*, with_images: bool) -> None:
    packages.ensure(packages.RUN)
    if with_images and (places.CHECKOUT / "Dockerfile").exists():
        product_images.ensure(sockets())
    programs.built()


def _start() -> None:
    made = system_images.ensure(kueue=False)
    say("starting the control plane and two nodes")
    (places.run() / "logs").mkdir(parents=True)
    (places.run() / "store").mkdir()
    cgroups.make()
    network.make()
    certificates.make()
    control_plane.start()
    for each in places.NODES:
        node.start(each, pause_image=made["pause"])
    addons.install(made)
    for each in places.NODES:
        node.wait(each)
        _wait_registered(each)
        node.add_fake_gpus(each)
    control_plane.start_proxy()
    opened = host.start_relay()
    addons.wait(opened.store_endpoint)
    _state().write_text(json.dumps({"ports": asdict(opened), "images": made}))


def _wait_registered(each: places.Node) -> None:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    wait_until(
        lambda: kubectl("get", "node", each.name, "--output", path) == "True",
        f"{each.name} is ready (see {processes.log('kubelet-' + each.name)})",
        seconds=120,
    )


def _clear(*, keep_logs: bool) -> None:
    """End and remove whatever is there. Every step is right when the one before never happened."""
    cgroups.end_all()
    unmount_below(places.run())
    network.remove()
    shims = [path for each in places.NODES for path in node.folder(each).glob(f"{_SHIMS}/*/address")]
    network.remove_leftovers(path.parent.name for path in shims)
    for path in shims:
        Path(path.read_text().removeprefix("unix://")).unlink(missing_ok=True)
    links = Path("/var/log/containers")  # the kubelet's, wherever its own folder is
    for link in links.glob("*.log") if links.is_dir() else ():
        if link.is_symlink() and str(places.run()) in os.readlink(link):
            link.unlink()
    for path in places.run().iterdir() if places.run().exists() else ():
        if path.is_dir() and not path.is_symlink():
            if not (keep_logs and path.name == "logs"):
                shutil.rmtree(path)
        else:
            path.unlink()


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise ClusterError("the cluster needs root: sudo make cluster-up, or use another one with KUBECONFIG=…")
    if not places.path_is_short():
        raise ClusterError(f"{places.run()} is too long a path for sockets; set XDG_CACHE_HOME to a shorter one")


def _state() -> Path:
    return places.run() / "state.json"


@contextmanager
def _locked() -> Iterator[None]:
    """One change of the cluster at a time; others wait."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / "lifecycle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
