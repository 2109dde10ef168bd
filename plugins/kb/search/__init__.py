"""The search engine of the knowledge base: analysis, query language, index, spelling, highlighting.

Pure modules: they know neither Flask nor the data base. `whoosh_backend.WhooshIndex` is the way in.
"""
