"""A namespace of a cluster, as the verbs ask about it."""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Literal

from polyglot.core.calendar import Calendar
from polyglot.core.endpoint import ENDPOINTS, NO_KEY_FILE, find_url
from polyglot.core.errors import BadInput
from polyglot.core.stage import PlannedStage, Stage
from polyglot.kinds.registry import traits_of
from polyglot.schedulers.base import Attempt, Capacity
from polyglot.schedulers.kubernetes.alive import has_driver, keys_alive
from polyglot.schedulers.kubernetes.api import Api
from polyglot.schedulers.kubernetes.capacity import capacity_of
from polyglot.schedulers.kubernetes.cronjob import night_of, read_calendar
from polyglot.schedulers.kubernetes.driver import create_driver, how_to_follow
from polyglot.schedulers.kubernetes.event import event_about
from polyglot.schedulers.kubernetes.render.driver import driver_values, render_driver
from polyglot.schedulers.kubernetes.render.manifests import print_manifests, render_jobs, renderer
from polyglot.schedulers.kubernetes.render.request import paths_of_large
from polyglot.schedulers.kubernetes.scheduler import KubernetesScheduler
from polyglot.schedulers.kubernetes.stop import stop_study
from polyglot.schedulers.site import Alive, DetachedSite
from polyglot.store.store import Store
from polyglot.study.profile import Profile


class KubernetesSite(DetachedSite):
    """The namespace that the profile's section names, by the kubeconfig or the pod's own account."""

    progress_seconds = 5.0

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        if profile.cluster is None:
            raise ValueError("a profile of a cluster has its section")
        self._cluster = profile.cluster
        self.where = f"namespace {profile.cluster.namespace}"

    def scheduler(self, study: str, store: Store) -> KubernetesScheduler:
        """See Site."""
        return KubernetesScheduler(self._api(), self._cluster, renderer(self._cluster, study, store))

    def capacity(self, planned: PlannedStage) -> Capacity:
        """See Site."""
        return capacity_of(self._cluster, planned)

    def alive(self, store_url: str) -> Alive | None:
        """See Site: by the namespace's Jobs."""
        del store_url
        keys = keys_alive(self._cluster)
        return None if keys is None else keys.__contains__

    def driven(self, study: str, store_url: str) -> bool | None:
        """See Site: by the study's driver Jobs."""
        del store_url
        return has_driver(self._cluster, study)

    def check_endpoint(self, stage: Stage, url: str | None, key_file: str | None, environ: Mapping[str, str]) -> None:
        """See Site: workers have the profile's plain variables, and the keys in the Secrets that it names."""
        del environ
        kind = ENDPOINTS[traits_of(stage).asks]
        url = find_url(traits_of(stage).asks, url, self._cluster.environment)
        key = key_file if key_file is not None else self._cluster.endpoint_secret(kind)
        if not key and kind.needs_key(url):
            secret = f"Name a Secret that has it under kubernetes.{kind.profile_key} of the profile"
            remedy = secret if key_file is None else NO_KEY_FILE
            raise BadInput(f"no key for {kind.label}", remedy=remedy)

    def render(self, attempts: Sequence[Attempt], study: str, form: Literal["yaml", "json"]) -> Iterator[str]:
        """See Site: Jobs. A request that is too long for its Job is shown by its path in the store."""
        jobs = render_jobs(attempts, study=study, cluster=self._cluster, request_paths=paths_of_large(attempts))
        if form == "yaml":
            yield print_manifests(jobs)
        else:
            yield from (json.dumps(job) for job in jobs)

    def start_driver(self, *, study: str, title: str, digest12: str, path: str, store_url: str) -> Sequence[str]:
        """See DetachedSite: one Job that runs `polyglot drive`."""
        values = driver_values(
            self._cluster, study=study, title=title, digest12=digest12, path=path, store_url=store_url
        )
        created = create_driver(self._api(), render_driver(values))
        state = "was created" if created else "runs already"
        return [f"the driver {values.name} {state} in {self.where}", *how_to_follow(values)]

    def cancel(self, study: str, keys: Set[str], title: str | None) -> Iterator[str]:
        """See DetachedSite."""
        return stop_study(self._api(), study, keys=keys, title=title)

    def calendar(self, name: str) -> Calendar:
        """See Site: by the CronJob of that name and its Jobs."""
        found = read_calendar(self._api(), name)
        if found is None:
            raise BadInput(
                "no such CronJob",
                where=self.where,
                got=repr(name),
                expected="the one of charts/polyglot with nightly.enabled",
                remedy="Name it with --cronjob, or give its --schedule and --zone",
            )
        return found

    def night_of_job(self, job: str) -> str:
        """See Site: asked in the Job itself, and so of the pod's own account."""
        found = self._api().read_job(job)
        return night_of(found) if found else ""

    def announce(self, reason: str, text: str, *, job: str) -> str:
        """See Site: an Event, once, about the night's Job where there is one, else about the CronJob."""
        api = self._api()
        found = api.read_job(job, patience_seconds=10) if job else None
        new = api.create_event(event_about(found, reason, text, namespace=self._cluster.namespace, job=job))
        return f"an Event of {self.where}{'' if new else ' before, and not again'}"

    def _api(self) -> Api:
        return Api.connect(self._cluster.namespace, context=self._cluster.context)
