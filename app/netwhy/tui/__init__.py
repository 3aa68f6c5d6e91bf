"""The screen: pulls snapshots from the monitor and shows them.  Never probes itself."""
