"""Articles at work: the panel beside a case, favourites, links, suggestions, answers that begin by themselves."""
