"""Domain events on their way out: event log, log lines, Prometheus metrics, progress, HTTP. Nothing else knows any of them."""
