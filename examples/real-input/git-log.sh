#!/bin/sh
# Writes the whole history of a git repository as text/event-stream, oldest commit first:
#
#   event: commit
#   id: <hash>
#   data: <author>
#   data: <date>
#   data: <subject and body, line by line>
#
# usage: git-log.sh [REPOSITORY]
set -eu

# A line that begins with \001 and a hash begins a commit. A carriage return ends a line for every SSE client, so it
# ends one here. Blank lines are held back until text follows: a message's last newline is not part of it.
git -C "${1:-.}" -c log.showSignature=false log --reverse --encoding=UTF-8 --date=iso-strict \
  --format='%x01%H%n%an <%ae>%n%ad%n%B' |
  LC_ALL=C awk '
    /^\001[0-9a-f]+$/ { if (commits++) print ""; print "event: commit\nid: " substr($0, 2); blanks = 0; next }
    { sub(/\r$/, "") }
    $0 == "" { blanks++; next }
    { for (; blanks > 0; blanks--) print "data:"; gsub(/\r/, "\ndata: "); print "data: " $0 }
    END { if (commits) print "" }
  '
