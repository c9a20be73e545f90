"""Cases that people propose: from the fields of a form to a file diff. Nothing here writes into an agent's folder.

written     a draft as the YAML of a case
checking    whether an agent's suite can take it: the loader's own errors, and near-duplicates
diffs       the files as they would be, and the unified diff between
applying    puts an accepted case into a folder, when a person says so
"""
