"""Other libraries, which run in a separate process, since one of them has the same import name as ours."""
