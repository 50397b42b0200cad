"""One pass (reconcile), one job (worker), and the loop around them."""
