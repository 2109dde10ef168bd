"""Recorded messages: own and central, played into calls, and what services and agents have chosen of them."""
