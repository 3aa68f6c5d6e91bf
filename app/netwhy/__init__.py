"""netwhy answers one question: why can't I connect to X?"""

__version__ = "0.1.0"
