"""Clips that are drawn on the spot, clean ones and one for each fault: what metrics and thresholds are tried on."""
