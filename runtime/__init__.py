"""How a process of ours starts and stops: settings, serving, errors, clock, ids, logging, files.

Nothing about policy, masking or evidence may enter here; every other room stands on this one.
"""
