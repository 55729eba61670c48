"""The middle of the house: plugins are asked, requests are checked, jobs are run."""
