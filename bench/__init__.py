"""Programs that measure Okno against the numbers it promises; ``python -m bench`` runs them all."""
