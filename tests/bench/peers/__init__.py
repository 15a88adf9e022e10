"""Parts of compare_peers.py; the fit_* files are the programs that are timed."""
