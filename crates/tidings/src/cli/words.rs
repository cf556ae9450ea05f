//! The longer words of `--help`.

pub(crate) const ABOUT: &str = "\
Pushes messages to everyone who is watching, over plain HTTP.

Publish with a POST; subscribe with EventSource, curl or any HTTP client. Whoever was away gets what it missed.";

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; after a signal, the hub has drained and kept everything it acknowledged
  1  it failed while running; it has said why
  2  the command line, the environment or the configuration file is wrong
  3  it cannot listen on the address
  4  another process uses the data directory
  5  the data directory is corrupt, or is none that a hub can use
  6  drain_deadline passed; everything acknowledged is kept, but connections were cut
  7  the system refused the data directory at the start, for want of permission or space
  130, 143  a second SIGINT or SIGTERM ended it at once";

pub(crate) const SERVE: &str = "\
Runs the hub until SIGINT or SIGTERM, which drain it; a second one ends it at once.

Every option can also be set in the environment, such as --data by TIDINGS_DATA, or in the file that --config names, \
such as --data by the key data. An option is stronger than the environment, which is stronger than the file. The \
publish key is set by TIDINGS_PUBLISH_KEY or --publish-key-file.";

pub(crate) const PUB: &str = "\
Publishes to a hub: the argument, each line of standard input, or a text/event-stream or lines of JSON on it.

One event's id goes to stdout. A hub that is away is tried again for a minute, and for an hour if it has taken events of the same \
standard input before; nothing is lost and nothing is published twice. Ctrl-C ends the reading of standard input: what was read whole is \
published, half a line or half an event is not.

A line or an event of a stream that is not UTF-8 is published with U+FFFD in it, and one that is too long is left out, as is an event \
that the hub refuses; each is said, those behind it are published, and the exit code is 1 at the end. Data that begins with - and is no number stands behind --, as in `tidings pub URL -- --x`.";

pub(crate) const PUB_EXAMPLES: &str = "\
Examples:
  tidings pub http://127.0.0.1:8080/events/orders '{\"total\": 42}' --event paid
  tail -f access.log | tidings pub http://127.0.0.1:8080/events/log -
  tidings pub http://127.0.0.1:8080/events/log --event-stream < events.txt
  tidings pub http://127.0.0.1:8080/events --ndjson < events.ndjson
  tidings pub https://hub.example.com/events/orders --token-file token '{\"total\": 42}'

Exit codes:
  0  everything is published, also if standard output could not take the id, which is then told on standard error
  1  something was not, or not as it was; it has said what was
  2  the command line is wrong";

pub(crate) const SUB: &str = "\
Shows a stream of events as they arrive, of a hub or any other server of server-sent events.

It reconnects by itself and goes on after the last event it has shown. Events go to stdout, what happens to the \
connection to stderr. With NO_COLOR set, or into a pipe, there are no colours.";

pub(crate) const SUB_EXAMPLES: &str = "\
Examples:
  tidings sub http://127.0.0.1:8080/events/orders
  tidings sub 'http://127.0.0.1:8080/events/orders/*?since=10m' --json | jq .data
  tidings sub https://hub.example.com/events/orders \\
    --token-command 'gcloud auth print-identity-token'
  TIDINGS_TOKEN=$TOKEN tidings sub https://api.example.com/v1/stream --no-reconnect \\
    -H 'Content-Type: application/json' --data '{\"q\": 1}'

Exit codes:
  0  ended as wished: enough events, Ctrl-C, a closed pipe, a clean end with --no-reconnect, or 204 without --strict
  1  the stream failed for good; it has said why
  2  the command line is wrong";

pub(crate) const DOCTOR: &str = "\
Says what stands between this machine and a hub, and for each finding the line of nginx, HAProxy, Caddy, Cloudflare or Traefik that \
mends it.

It checks whether a hub answers, over which version of HTTP, whether its streams arrive at once, plain and compressed, whether \
Last-Event-ID, the path, the host, POST and Upgrade arrive at the hub, what a page of another origin may do, how many streams arrive at once, \
and whether a silence is cut. It reads one topic and publishes nothing, so it cannot tell whether requests are held back. The report goes \
to stdout; stderr says what is being checked.";

pub(crate) const DOCTOR_EXAMPLES: &str = "\
Examples:
  tidings doctor https://hub.example/
  tidings doctor https://hub.example/push/ --origin https://app.example --proxy haproxy
  tidings doctor https://hub.example/events/orders --token-file token --idle 10m
  tidings doctor https://hub.example/ --json | jq '.checks[] | select(.state == \"finding\")'

Exit codes:
  0  nothing stands between, as far as it could be found out
  1  there are findings, or the report could not be written
  2  the command line is wrong";

pub(crate) const RELAY: &str = "\
Listens to a stream, of any server, and publishes each event on a hub, so that thousands can watch what its origin \
serves to one, and whoever was away gets what it missed.

Ids go along. When the relay starts it asks the hub for the newest id in the topic and goes on after it, so nothing is \
lost or repeated if the origin can resume and gives every event an id. Let nobody else publish ids to that topic, \
and relay to no topic that the source streams. An id that the hub does not take is published in another form, such as \
relay-escaped:a%20. What an origin without ids sends \
while the relay is away is lost. A gap upstream is published as an event, relay.gap.";

pub(crate) const RELAY_EXAMPLES: &str = "\
Example:
  tidings relay https://stream.example.com/changes http://127.0.0.1:8080/events/changes

Exit codes:
  0  ended by a signal, or the origin has said by 204 that there is no more
  1  the stream, or publishing, failed for good; it has said why
  2  the command line is wrong";

pub(crate) const INBOX: &str = "\
Notifies users, and lists, marks and counts their notifications. A hub keeps an inbox for each user.

URL is that of the hub, such as http://127.0.0.1:8080. If the hub checks tokens or keys, notifying needs one that may publish to inbox/USER, \
and everything else one that may subscribe to inbox/USER.";

/// The words, and the examples.
pub(crate) const INBOX_NOTIFY: (&str, &str) = (
    "\
Notifies one user, several users, every user in a file, or the users who follow a topic.

For one user, the id of the notification goes to stdout. For several, stderr says how many users were notified. A user who has muted the \
kind is left out, and so is one whose inbox still has a notification with the same --dedupe key. If the hub cannot be reached, it is \
tried again for a minute, and nobody is notified twice.

Put a title of several words in quotation marks. A script that notifies several users gives the title by --title: then all other words \
are users.",
    "\
Examples:
  tidings inbox notify http://127.0.0.1:8080 alice 'Your order has left' --link /orders/9
  tidings inbox notify http://127.0.0.1:8080 alice bob 'The office is closed' --kind news --expires 2d
  tidings inbox notify http://127.0.0.1:8080 alice bob --title Hello
  tidings inbox notify http://127.0.0.1:8080 --users - 'New terms' < users.txt
  tidings inbox notify http://127.0.0.1:8080 --topic orders/9 'Order 9 was paid'

Exit codes:
  0  the users have it, but for those who are left out as above
  1  it failed, for all users or for some; the message says which and why
  2  the command line is wrong, and nobody was notified",
);

pub(crate) const STORE: &str = "\
Looks at the data directory of a hub, copies it and mends it.

`info` and `verify` take no lock and change nothing, so a hub may run meanwhile.";

pub(crate) const STORE_INFO: (&str, &str) = (
    "\
Says what is in a data directory: how the last hub left it, which events it has, of which times and epochs, how many segments and indexes, and \
whether there is a database of inboxes. It reads the beginnings of the files and the newest segment.",
    "\
Examples:
  tidings store info /var/lib/tidings
  tidings store info /var/lib/tidings --json | jq .last",
);

pub(crate) const STORE_BACKUP: (&str, &str) = (
    "\
Copies a log into another directory. The copy is a data directory: `tidings serve --data TO` starts on it, and all ids and cursors are good. It \
takes no lock on DIR, so a hub may run meanwhile; the copy has all that was acknowledged before this began.

A second backup into the same directory copies what is new and removes what has left the log. Whenever it is ended, by a power cut too, the \
copy is a log that has at least what it had before; a first copy that was not completed is marked, and no hub starts on it. The \
databases of the inboxes are not copied: a hub makes them anew from the log. Each segment is read through before it is copied, and damage is told.

A copy with which a hub has gone on is a log of its own, and no backup is made into it.",
    "\
Examples:
  tidings store backup /var/lib/tidings /mnt/backup/tidings
  tidings store verify /mnt/backup/tidings
  tidings serve --data /mnt/backup/tidings

Exit codes:
  0  the copy has all of the log; standard error tells of damage in it
  1  the copy was not completed; it has said why
  2  the command line is wrong
  5  DIR cannot be read",
);

pub(crate) const STORE_DUMP: (&str, &str) = (
    "\
Writes the log of a data directory as text: each event with its id, cursor, topic, type, data, time, retry and idempotency key, and the epochs, \
the state records of the inboxes and what is lost between them. `tidings store load` makes the same log of it. It takes no lock and changes \
nothing, so a hub may run meanwhile.

A file gets its name when it is whole. The last line of a dump says that it is whole, so half a dump is never taken for one.",
    "\
Examples:
  tidings store dump /var/lib/tidings log.ndjson
  tidings store dump /var/lib/tidings --format event-stream | less
  tidings store dump /var/lib/tidings | jq -r 'select(.topic == \"orders\") | .data'",
);

pub(crate) const STORE_LOAD: (&str, &str) = (
    "\
Makes a log of a dump, in either form. In a directory without a log, it is the same log: places, ids, times, epochs, idempotency keys and state \
records are kept, what is lost stays a gap, and all cursors are good. Until it is whole, the directory is marked as incomplete, and no hub \
starts on it.

In a directory whose log has events, those of the dump go behind them: they get new places and the time of now, their ids become ids of a \
publisher, and what a hub had made for itself is left out.",
    "\
Examples:
  tidings store load /var/lib/tidings-new log.ndjson
  ssh old.example.com tidings store dump /var/lib/tidings | tidings store load /var/lib/tidings

Exit codes:
  0  all of it is loaded
  1  something of the dump is wrong, or the disk failed; it has said where, and what there is now
  2  the command line is wrong
  4  a hub uses the directory
  5  the directory cannot be used",
);

pub(crate) const STORE_REPAIR: (&str, &str) = (
    "\
Says how a damaged log can be mended, and changes nothing. With --apply it does it, and no hub may use the directory meanwhile.

What can be read stays, each event in its place, so that all ids and cursors are good. Events that cannot be read are declared to be lost: their \
readers hear of a gap, and no place is given a second time. Indexes are made anew from their segments, and META from the copy of the key that \
each segment has. Each file that is changed is copied first, into the directory DIR-damaged beside DIR or that of --keep. Remove it when you \
need it no more.

A hub goes on with a damaged log without a repair, too: it serves what can be read. A repair makes `tidings store verify` silent again.",
    "\
Examples:
  tidings store repair /var/lib/tidings
  tidings store repair /var/lib/tidings --apply
  tidings store repair /var/lib/tidings --apply --keep /mnt/other/damaged

Exit codes:
  0  nothing is damaged, or it is repaired
  1  something is damaged, and nothing was changed
  2  the command line is wrong
  4  a hub uses the directory
  5  the directory cannot be used or repaired; it has said why",
);

pub(crate) const STORE_VERIFY: (&str, &str) = (
    "\
Reads all of a data directory: META, each segment record by record, and each index against its segment. It names each damaged file, the byte, \
and the events that cannot be read. It takes no lock and changes nothing, so it may run beside a hub.

Events that are lost and of which the log itself says so, since a repair or a load, are told and are no damage any more.",
    "\
Examples:
  tidings store verify /var/lib/tidings
  tidings store verify /var/lib/tidings --json | jq -c '.damage[]'

Exit codes:
  0  everything is as it was written
  1  something is not; it has said what
  2  the command line is wrong
  5  the directory cannot be looked at",
);

pub(crate) const INBOX_LIST: (&str, &str) = (
    "\
Shows the notifications of a user, the newest first: each with its state (new, seen, read or archived), id, time in UTC, kind and title, and \
below them its body and link. stderr says how many are unread in all. Control characters are shown by number; --json prints them as JSON \
writes them.

`tidings sub URL/inbox/USER` shows new notifications as they come.",
    "\
Examples:
  tidings inbox list http://127.0.0.1:8080 alice --unread
  tidings inbox list http://127.0.0.1:8080 alice --all --json | jq -r .title",
);

pub(crate) const INBOX_READ: (&str, &str) = (
    "\
Marks notifications of a user as read, or as the state that --as names. Read ones are also seen, and archived ones are also read. stderr says how \
many have changed, and how many are unread in all.",
    "\
Examples:
  tidings inbox read http://127.0.0.1:8080 alice --all
  tidings inbox read http://127.0.0.1:8080 alice 1k3f-40 1k3f-42
  tidings inbox mark http://127.0.0.1:8080 alice --through 1k3f-40 --as archived",
);

pub(crate) const INBOX_COUNT: (&str, &str) = (
    "\
Prints how many notifications of a user are unread. With --watch it keeps running, prints the count each time it changes, and reconnects \
by itself.",
    "\
Examples:
  tidings inbox count http://127.0.0.1:8080 alice
  tidings inbox count http://127.0.0.1:8080 alice --watch",
);

pub(crate) const KEY: &str = "\
Prints 256 random bits of the operating system in hexadecimal: a publish key, a named key, or a secret that signs tokens or URLs. The \
line `key_hash = ...` on standard error is for [[access.keys]] in a configuration, which then holds no secret.

  (umask 077; tidings key > key) && tidings serve --publish-key-file key
  tidings key --hash < key";

pub(crate) const TOKEN: &str = "\
Makes a JSON Web Token for development and tests, by the key that the hub checks tokens by, or by the private key of which it has the public \
one. What its options do not say is not in it. Without any option it makes a key, as `tidings key` does.";

pub(crate) const TOKEN_EXAMPLES: &str = "\
Examples:
  tidings token --key-file jwt.key --sub u1 --subscribe 'orders/*' --publish orders/9 --expires 15m
  tidings token --key-file issuer-private.pem --sub u1 --kid 2026-1
  tidings token --config tidings.toml --sub u1
  tidings token explain - --config tidings.toml < token

Exit codes of `tidings token explain`:
  0  the token is good; what it may do is on standard output
  1  the hub would refuse it; the reason is on standard output
  2  the command line or the configuration is wrong";

pub(crate) const SIGN: &str = "\
Prints the URL with its permission in it: the parameters expires, key and signature. Everybody who has the URL may read what it names, or publish to \
it with --method POST, until it expires. The hub must have the same key in [access.signing].

The permission is for the topics of the URL. Other parameters, such as `since` and `last`, can be added or changed later.

For the inbox of a user the URL is that of the inbox, such as https://hub.example/inbox/alice. It reads the list, the live stream and the \
count of this inbox, and what the user has muted and follows: the signature is the same for all of these paths. With \
--method POST it notifies the user. It does not mark or delete; that needs a token.";

pub(crate) const SIGN_EXAMPLES: &str = "\
Examples:
  tidings sign https://hub.example/events/orders/9 --key-file signing.key --expires 1h
  tidings sign 'https://hub.example/events?topic=a&topic=b/*' --config tidings.toml --expires 7d
  tidings sign https://hub.example/inbox/alice --key-file signing.key --expires 1h";

pub(crate) const INIT: &str = "\
Writes tidings.toml and publish.key, with keys that nobody guesses and that only you can read, and says how to start the hub with \
them. The settings say who may publish and read what: everybody may read, and the keys publish. A hub behind a proxy, or on an address that \
others can reach, needs such keys. Files that are there are not overwritten.

  tidings init && tidings serve --config tidings.toml";

pub(crate) const COMPLETIONS: &str = "\
Prints a script that completes the commands and options of tidings in a shell.

  tidings completions bash > ~/.local/share/bash-completion/completions/tidings
  tidings completions zsh  > \"${fpath[1]}/_tidings\"
  tidings completions fish > ~/.config/fish/completions/tidings.fish";
