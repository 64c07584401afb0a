"""The version, told once: packaging and the user agent read it here."""

__version__ = "0.1.0"
