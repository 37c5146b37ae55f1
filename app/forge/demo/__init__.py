"""The demo of `forge up --demo`: jobs of every kind, and somebody on loopback who takes them.

sink      a mail server that keeps nothing       receiver  a webhook receiver with bad days
reporter  a login for reports                    jobs      what a shop would enqueue
producer  enqueues it, gently                    run       all of them together
"""

from forge.demo.run import backdrop, run_demo

__all__ = ["backdrop", "run_demo"]
