"""Observations in, findings or asks out: pure, and testable as a table without a network."""
