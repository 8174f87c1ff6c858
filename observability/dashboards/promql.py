"""Queries in few words. Whatever is asked of a service goes by the variables of the dashboards."""

WINDOW = "$__rate_interval"


def _selected(metric, matchers, window=None):
    """A series, and what chooses those of the wanted versions: over a time also of processes that
    ended in it, or a release that was taken back would leave no trace."""
    chosen = ['deployment_environment_name=~"$env"', 'job=~"$service"', *matchers]
    series = f"{metric}{{{','.join(chosen)}}}"
    build = 'app_build_info{service_version=~"$version"}'
    there = f"last_over_time({build}[{window}])" if window else build
    return series, f" and on (job, instance) {there}"


def told(metric, *matchers):
    """What processes tell now, those of the chosen versions."""
    series, of_version = _selected(metric, matchers)
    return f"({series}{of_version})"


def rate(metric, *matchers, window=WINDOW):
    """Of a counter, each second."""
    series, of_version = _selected(metric, matchers, window)
    return f"(rate({series}[{window}]){of_version})"


def increase(metric, *matchers, window=WINDOW):
    """Of a counter, in a time."""
    series, of_version = _selected(metric, matchers, window)
    return f"(increase({series}[{window}]){of_version})"


def total(what, by=()):
    return f"sum by ({', '.join(by)}) {what}" if by else f"sum{what}"


def most(what, by=()):
    """Of what several processes tell of the same thing."""
    return f"max by ({', '.join(by)}) {what}" if by else f"max{what}"


def quantile(q, histogram, *matchers, by=(), window=WINDOW):
    """Of a histogram with classic buckets."""
    buckets = rate(f"{histogram}_bucket", *matchers, window=window)
    return f"histogram_quantile({q}, {total(buckets, ('le', *by))})"


def quantiles(histogram, *matchers, by=(), legend=""):
    """p50, p95 and p99, as a panel takes them."""
    return [
        (f"p{round(q * 100)} {legend}".strip(), quantile(q, histogram, *matchers, by=by))
        for q in (0.5, 0.95, 0.99)
    ]


def heat(histogram, *matchers):
    """For a heat map: how many fell into each bucket."""
    return total(increase(f"{histogram}_bucket", *matchers), ("le",))


def share(part, whole):
    """Part of a whole, 0 where there is no part yet."""
    return f"({total(part)} or vector(0)) / {total(whole)}"
