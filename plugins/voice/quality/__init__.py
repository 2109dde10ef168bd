"""How good the connections of calls were: what was measured, what agents say."""
