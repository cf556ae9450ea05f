"""Prints a compressed stream as it is read."""

import sys
import urllib.request
import zlib

request = urllib.request.Request(sys.argv[1], headers={"Accept-Encoding": "gzip"})
answer = urllib.request.urlopen(request)
assert answer.headers["Content-Encoding"] == "gzip"
# 16 more than the window of 15 bits: with the header and the end of gzip.
decoder = zlib.decompressobj(31)
while piece := answer.read1(65_536):
    sys.stdout.write(decoder.decompress(piece).decode())
    sys.stdout.flush()
