"""The help centre: public articles for customers, rendered on the server, without cookies or scripts."""
