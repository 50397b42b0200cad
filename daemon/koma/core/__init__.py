"""Values and decisions: no clock, no files, no network, no process. Everything here is a pure function or a frozen value."""
