"""Makes tokens with PyJWT: one line of JSON for each, `{"key", "algorithm", "claims"}`, and one token a line in return."""

import json
import sys

import jwt

for line in sys.stdin:
    wanted = json.loads(line)
    print(jwt.encode(wanted["claims"], wanted["key"], algorithm=wanted["algorithm"]))
