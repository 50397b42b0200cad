"""Events, metrics, logs, progress: what people watch."""
