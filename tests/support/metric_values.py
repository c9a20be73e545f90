"""What `/metrics` of this process says, and how much of it a block has counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from bot.telemetry import metrics

Samples = dict[str, float]
"Values by series, as `agent_handoffs_total{reason=budget}`."


def samples(families: Iterator[Metric] | None = None) -> Samples:
    """Return every series with its value."""
    found: Samples = {}
    for family in families or metrics.REGISTRY.collect():
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@contextmanager
def counted() -> Iterator[Callable[[], Samples]]:
    """Yield a function that returns what has risen since, of what a process counts by itself."""
    before = samples()

    def since() -> Samples:
        return {
            series: round(value - before.get(series, 0.0), 9)
            for series, value in samples().items()
            if value != before.get(series, 0.0) and not series.startswith("process_") and "_bucket" not in series
        }

    yield since


def label_names() -> dict[str, set[str]]:
    """Return by metric the labels that its series have, for every metric of the house."""
    names: dict[str, set[str]] = {one.name: set(one.labels) for one in metrics.GAUGES}
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):  # one without a series yet has labels all the same
            [family] = one.describe()
            names[f"{family.name}{'_total' * (family.type == 'counter')}"] = set(one._labelnames)
    for family in metrics.REGISTRY.collect():
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names
