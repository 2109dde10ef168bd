"""The pages of calls that only show: the softphone's parts, the telephone page, a supervisor's calls, the page of a visitor."""
