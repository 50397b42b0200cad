"""The embedded backend: storyboard panels and moving animatics, with no model and no GPU."""
