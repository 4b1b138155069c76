"""What `import astronet` offers: models that score arrays, tables and time series, without files of records.

`astronet.load`, `astronet.search` and `astronet.read_light_curve` import these modules when they are first used.
"""
