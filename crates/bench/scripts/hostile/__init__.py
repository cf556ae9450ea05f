"""Attacks on a hub of its own each, and what they cost it.

| file | noun |
|---|---|
| `hub` | a hub that is started for one attack, filled, and ended |
| `watch` | what the hub used during an attack, and the worst answers that others got meanwhile |
| `crowd` | many connections of HTTP/1.1 in processes of their own |
| `http2` | one connection of HTTP/2, frame by frame |
| `patterns` | hostile, legal and ordinary patterns, and the topics that nearly match them |
| `table` | figures as text, and the rows of the table |
| `attacks` | one file for each kind of attack |
"""
