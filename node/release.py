"""Which release of the product this is; one number for both programs."""

from __future__ import annotations

from typing import Final

RELEASE: Final = "0.1.0"
"""As in pyproject.toml; a test compares them."""
