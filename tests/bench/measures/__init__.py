"""The measures, one a file; `tests.bench.catalogue` lists them."""
