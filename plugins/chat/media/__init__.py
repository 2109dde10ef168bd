"""Calls inside a chat, their recordings, and the visitor's page shown to the agent."""
