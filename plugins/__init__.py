"""The shipped plugins. This file also keeps pytest from putting the folder on the path, where `email` would shadow."""
