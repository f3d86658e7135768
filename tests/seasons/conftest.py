"""Seasons need numpy; without the extra there is nothing to test."""

import pytest

pytest.importorskip("numpy")
