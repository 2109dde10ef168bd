"""Registration of calls: each incoming call belongs to a case; how many do, which do not, by department, supervisor and agent."""
