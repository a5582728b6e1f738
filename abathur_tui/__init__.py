"""Abathur: a keyboard-driven, full-screen terminal cockpit for swarms of Claude agents."""

__version__ = "0.1.0"
