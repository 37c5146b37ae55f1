"""What runs a subject's own client and worker, in a process of its own.

Each script takes one task as a JSON argument, with the database (`dsn`, `url`), the `payload` and
the subject's settings in it, and prints lines of JSON:

install  make the subject's tables                     -> {}
fill     put `jobs` jobs in                            -> {}
enqueue  one by one from `connections` at once, or     -> {"jobs", "seconds"}
         `bulk` jobs a call, for so many `seconds`
work     say {"ready": true}, wait for a line, then    -> {"first", "done"}, over and over
         handle jobs until standard input is closed
latency  `jobs` times: enqueue into an idle worker of  -> {"ms": [from the call to the handler]}
         the same process, `pause` seconds apart

Times are CLOCK_MONOTONIC in nanoseconds, which all processes of one Linux share.
"""
