"""`forge up`: PostgreSQL, the API, the dashboard and workers in one process tree.

tree      starts everything, waits, stops it in order   children  processes that are kept running
database  the embedded server, or a given one           child     what runs in one of them
health    whether the API answers                       reporter  a login for reports
welcome   what is printed once all of it runs           stopping  signals
"""
