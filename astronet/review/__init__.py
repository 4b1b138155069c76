"""The report: one page on which TCEs are ranked, looked at and labeled, and the labels that come back from it."""
