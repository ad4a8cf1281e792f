"""The sandbox: a synthetic world and the simulated counterparts that a laptop cannot reach.

Everything here is a real program or plain data, replaced in production by configuration alone. It imports only core
and web, and nothing but the command line imports it. No person, institution, number or price in it is real.
"""
