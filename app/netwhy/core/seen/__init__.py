"""Observations, one file per part of the world; import them from `netwhy.core.observations`."""
