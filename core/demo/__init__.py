"""The demo centre: believable people, services, contacts and cases."""
