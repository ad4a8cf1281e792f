"""What changes an account, by subject.

Whatever tests a secret takes the pool instead of a transaction (`identity` says why). In those the reader finds three
steps: the try is counted and committed, the secret compared, the effect written in a transaction of its own.
"""
