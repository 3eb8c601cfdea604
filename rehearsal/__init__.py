"""A lab without Windows: the same tasks against stand-in Hyper-V hosts, firmware and machines on one Linux machine.

`python -m rehearsal up` makes the room, `python -m rehearsal exec -- inv -f labs/rehearsal.yaml lab.rebuild` rehearses
in it, `python -m rehearsal down` removes it again.
"""
