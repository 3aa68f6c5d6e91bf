"""A session as data: recorded while it is watched, and shown again without a network."""
