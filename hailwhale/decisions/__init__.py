"""Decisions: which option to show to a visitor, from what has been counted."""
