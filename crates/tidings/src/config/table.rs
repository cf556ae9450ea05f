//! Every setting of the hub, in one table. Flags, variables, keys, help, `config print` and the reference page are
//! made from it.
//!
//! A name never begins with `port` or `service`: Kubernetes sets `TIDINGS_PORT...` and `TIDINGS_SERVICE_...` in every
//! container beside a service that is called `tidings`.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the texts are those of --help, and their brackets those of TOML"
)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tidings_http::Aliases;

use super::access::{KeySetUrl, KeyText};
use super::choice::{Durability, LogFormat, LogLevel};
use super::names::{Addresses, HostNames, Origins};
use super::setting::{Places, Setting, settings};
use super::unit::{FreeMin, Size};
use super::value::{BadValue, Secret, Value, in_range, parsed};

settings! {
    "Configuration" {
        config: Option<PathBuf> {
            default: "none",
            value: "FILE",
            places: NotInFile,
            means: "File to read settings from. It is TOML, like what `config print` prints. It must exist and hold known keys only.",
            why: "No file is looked for by itself, so that what a hub does never depends on where it was started.",
        }
    }
    "Listening" {
        listen: SocketAddr {
            default: "127.0.0.1:8080",
            value: "ADDRESS:PORT",
            means: "Where to listen. With port 0 the system chooses a free one, which is printed. An address that other machines can reach needs a publish key, or --insecure-open.",
            why: "A hub that was started to try it out should be reachable from its own machine alone.",
        }
        allowed_host: HostNames {
            default: "[]",
            value: "HOST",
            means: "Host name that requests may ask for. Can be given several times. On loopback, and wherever one is given, only requests for loopback, localhost and these are answered, which keeps out the pages of other sites that rebind their name. Health, metrics and the files of the console are answered for any. A page at one of these names, on any port unless one is given, is the hub's own: give the name by which browsers reach a proxy in front.",
            why: "Only what is surely this hub is let in.",
        }
        aliases: Aliases {
            default: "{}",
            value: "PATH=TOPIC",
            means: "Other paths of topics. With `/stream=greetings`, `/stream` is answered as `/events/greetings` is, to readers and to publishers, for programs that ask for a path such as `/stream`, `/es` or `/sse`. TOPIC is written as in a URL after /events/, in a file too: `a%20b` is the topic `a b`, %2C is a comma, %23 a #, %25 a %, and %2F a slash beside an empty segment. It can be a pattern, for readers. PATH is taken to the byte and has letters, digits and -._~@:+ between single slashes; it cannot be or stand below a path that the hub has or keeps for later, or that browsers ask for by themselves: /events, /inbox, /admin, /tickets, /subscribe, /subscriptions, /topics, /streams, /v1, /console, /tidings, /tidings.js, /tidings.json, /tidings-*.js, /.well-known, /healthz, /readyz, /livez, /health, /metrics, /favicon.ico, /favicon.svg, /apple-touch-icon.png, /apple-touch-icon-precomposed.png, /robots.txt, /sitemap.xml. Can be given several times.",
            why: "Only you know which paths your programs ask for.",
        }
        connections_max: usize {
            default: "10_000",
            range: "1" to "10_000_000",
            value: "COUNT",
            means: "Subscribers at once, over HTTP/1 and HTTP/2 together. One that comes beyond that is answered 200 with a `retry` and the end, since an EventSource would take a 503 for the end. The `retry` grows with the number that find no place: one hundredth of connections_max is told to come back in each second, at least 100 and after 5 minutes at the latest. If the limit of open files leaves room for fewer, the hub takes as many as fit, and says so when it starts.",
            why: "Each takes one file descriptor, and the usual hard limit on these is above 10,000.",
        }
        connections_reserve: usize {
            default: "1_000",
            range: "16" to "10_000_000",
            value: "COUNT",
            means: "Connections at once beyond connections_max, which subscribers cannot take: for publishers, probes, metrics and pages. A connection takes one with its first request: 4,096 more may have asked for nothing yet. When all are taken, the connection that has been idle for the longest is closed for the next. If every one is busy, a new connection gets one answer: probes and metrics as ever, subscribers a `retry`, others 503.",
            why: "Publishers are few beside subscribers, and each connection takes one file descriptor.",
        }
    }
    "TLS" {
        tls_cert: Option<PathBuf> {
            default: "none",
            value: "FILE",
            means: "File with the certificate to show, in PEM. Those that lead to a root come after the hub's own. With it the hub speaks https alone, in HTTP/2 and HTTP/1.1. When this file or that of tls_key changes, and on SIGHUP, both are read again; streams that are open go on. A relative path in a configuration file is looked for beside that file first.",
            why: "On loopback, and behind a proxy that speaks TLS, none is needed.",
        }
        tls_key: Option<PathBuf> {
            default: "none",
            value: "FILE",
            means: "File with the private key of tls_cert, in PEM and not encrypted. A relative path in a configuration file is looked for beside that file first.",
            why: "It comes with the certificate, or not at all.",
        }
        tls_self_signed: bool {
            default: "false",
            value: "true|false",
            means: "Speak https with a certificate made at each start, for localhost alone. Nobody believes it unasked: its fingerprint is printed, and curl needs -k. It is for trying things out.",
            why: "A certificate that every client has to be told to believe is no protection by itself.",
        }
    }
    "Access" {
        publish_key: Option<Secret> {
            default: "none",
            value: "KEY",
            places: EnvironmentOnly,
            means: "Key that publishers must send, as `Authorization: Bearer KEY`. Who asks for /metrics must send it then, too. With a table of [access], or a key that checks tokens or signs URLs, it is one key among others: it has the name `publish-key`, may publish everything and read nothing beyond what everybody may. Without one and without those, everybody who can reach the hub can publish, and a hub on loopback refuses publishes that a proxy has passed on. Not every proxy can be noticed: a hub behind a proxy needs a key.",
            why: "There is no key that everybody would have, and on loopback without a proxy none is needed.",
        }
        publish_key_file: Option<PathBuf> {
            default: "none",
            value: "FILE",
            means: "File with the publish key. It holds one line, and takes the place of TIDINGS_PUBLISH_KEY. A relative path in a configuration file is looked for beside that file first.",
            why: "Secrets that a service manager mounts come as files.",
        }
        jwt_key: Option<KeyText> {
            default: "none",
            value: "SECRET",
            places: EnvironmentOnly,
            means: "Secret of 32 or more bytes, or public key in PEM, that checks JSON Web Tokens. In a file it is `key` in [access.jwt], which this takes the place of. It alone, without such a table, lets the bearer of every valid token do what the token's claims say, and nobody else do anything.",
            why: "Whose tokens a hub should believe, only you know.",
        }
        jwt_key_file: Option<PathBuf> {
            default: "none",
            value: "FILE",
            places: NotInFile,
            means: "File with what checks JSON Web Tokens: a public key in PEM, a set of keys in JSON (JWKS), or a secret on one line. In a file it is `key_file` in [access.jwt], which this takes the place of.",
            why: "Secrets that a service manager mounts come as files.",
        }
        jwt_jwks_url: Option<KeySetUrl> {
            default: "none",
            value: "URL",
            places: NotInFile,
            means: "Where the issuer of JSON Web Tokens publishes its keys as a set (JWKS): https, or http on this machine. In a file it is `jwks_url` in [access.jwt], which this takes the place of.",
            why: "Whose tokens a hub should believe, only you know.",
        }
        signing_key: Option<KeyText> {
            default: "none",
            value: "SECRET",
            places: EnvironmentOnly,
            means: "Secret of 32 or more bytes that signs URLs. In a file it is `key` in [access.signing], which this takes the place of.",
            why: "There is no key that everybody would have.",
        }
        signing_key_file: Option<PathBuf> {
            default: "none",
            value: "FILE",
            places: NotInFile,
            means: "File with the secret that signs URLs, on one line. In a file it is `key_file` in [access.signing], which this takes the place of.",
            why: "Secrets that a service manager mounts come as files.",
        }
        insecure_open: bool {
            default: "false",
            value: "true|false",
            means: "Listen beyond loopback without a publish key and without [access], or, on loopback, take publishes that trusted_proxies pass on. Everybody who can reach the address or the proxy can publish then.",
            why: "Nobody should open a hub to the world by accident.",
        }
        trusted_proxies: Addresses {
            default: "[]",
            value: "ADDRESS",
            means: "IP address of a proxy that speaks for others, or a range of addresses such as 10.0.0.0/8 or fd00::/8. Can be given several times. In a file it may stand in [access] instead. What such a proxy says in `Forwarded` or `X-Forwarded-For` is the address of the client, for the limits of addresses, for the list of connections and for the webhook: the last address in the list that is not trusted itself. Of a request with both headers they must say the same. Where they name no address, and from everybody else, the address of the socket counts. A hub on loopback without a publish key refuses publishes that a proxy has passed on (`Forwarded`, `X-Forwarded-...`, `Via`, `X-Client-IP`, `CF-Ray` and their like, or a host or an origin that is not loopback), unless the proxy is named here and insecure_open is true.",
            why: "Anybody can write these headers. Only you know which proxies stand in front, and whether they write them anew.",
        }
        cors_origin: Origins {
            default: "[]",
            value: "ORIGIN",
            means: "Origin whose pages may read and publish. It is written like `https://example.com` and can be given several times. A port that is the default of its scheme may be left out. `*` allows every origin, without credentials.",
            why: "Pages that the hub serves itself need none, and no other page should read it unasked.",
        }
    }
    "Event log" {
        data: PathBuf {
            default: "tidings-data",
            value: "DIR",
            means: "Directory of the log of events. It is made if it does not exist. One process at a time can use it. It must be on a disk of this machine: on network file systems, such as NFS, SMB and sshfs, a second process could not be kept out, and the hub does not start.",
            why: "A folder beside you is easy to find, to look at and to delete.",
        }
        memory: bool {
            default: "false",
            value: "true|false",
            means: "Keep the log in memory alone. It is gone when the hub ends. It holds the newest 256 MiB or million events, or what retention_bytes and retention_count say; retention_age has no effect.",
            why: "Nothing that was acknowledged should be lost because nobody read this page.",
        }
        durability: Durability {
            default: "fsync",
            value: "WHEN",
            means: "When events are on the disk: fsync, interval or none. `fsync`: before their publisher is answered; `interval`: within durability_interval; `none`: when the operating system likes. With the latter two, a power cut or a crash of the system can lose answered events; a crash of the hub alone cannot.",
            why: "An answered publish is a promise. Publishes that arrive together share one fsync, so the price is small.",
        }
        durability_interval: Duration {
            default: "1s",
            range: "1ms" to "1h",
            value: "DURATION",
            means: "With durability interval, how long events may wait.",
            why: "One fsync a second is no burden to any disk.",
        }
        retention_age: Option<Duration> {
            default: "none",
            range: "1s" to "36500d",
            value: "DURATION",
            means: "Age at which events leave the log. They go by whole segments. `none` keeps them.",
            why: "Only you know when your events may go.",
        }
        retention_bytes: Option<Size> {
            default: "none",
            range: "1MiB" to "1024TiB",
            value: "SIZE",
            means: "Size beyond which the oldest events leave the log. They go by whole segments. `none` keeps them. What the inboxes of users hold is written into the log again before it would leave: a log that is bounded to less than its inboxes hold is up to five times as large as they are.",
            why: "Only you know how much of the disk is the hub's. A full disk loses nothing: publishers get 507 until there is room.",
        }
        retention_count: Option<usize> {
            default: "none",
            range: "1" to "1_000_000_000_000",
            value: "COUNT",
            means: "Count beyond which the oldest events leave the log. They go by whole segments. `none` keeps them.",
            why: "Only you know when your events may go.",
        }
        segment_bytes: Size {
            default: "64MiB",
            range: "1MiB" to "1GiB",
            value: "SIZE",
            means: "Size of one file of the log. It is taken from the disk ahead of time. Retention works in steps of this.",
            why: "Large enough that files stay few, small enough that retention is fine-grained.",
        }
        scrub_bytes_per_second: Option<Size> {
            default: "1MiB",
            range: "1KiB" to "1GiB",
            value: "SIZE",
            means: "Bytes a second at which old segments and their indexes are read through in the background, again and again, so that damage is found before a reader comes to it. A pass begins an hour after the one before it at the earliest. `none` reads nothing.",
            why: "A log of half a terabyte is read within a week, at a thousandth of what a disk and a core can do.",
        }
        disk_free_min: FreeMin {
            default: "64MiB",
            value: "SPACE",
            means: "How much of the file system of the directory stays free: a size, or hundredths of the whole, such as 5%. With less, and where the next file of the log would leave less, publishers are answered 507, readers are served, and /readyz and the metrics say so. Whether it is the hub that fills the disk makes no difference. `0B` keeps nothing free.",
            why: "Room for the index of the largest file of the log, for what the database of the inboxes writes ahead, and for the file that says how the hub has ended: so a full disk never keeps a hub from ending well and starting again.",
        }
        strict_recovery: bool {
            default: "false",
            value: "true|false",
            means: "Do not start with a log of which a part cannot be read. By default the rest is served, readers hear of a gap where events are missing, and a warning, /readyz and the metrics say which ones. `tidings store verify` says what is damaged.",
            why: "One bad sector should not keep all other events from their readers.",
        }
    }
    "Inbox" {
        inbox: bool {
            default: "true",
            value: "true|false",
            means: "Keep an inbox for each user, below /inbox. What happens to inboxes is in the log; what it comes to is in `inbox.db` in the directory of the log, or in memory with memory. That file can be removed while the hub does not run: the next start makes it anew from the log.",
            why: "A hub without notifications keeps an empty file of some kilobytes, and looks at no event of others.",
        }
        inbox_items_max: usize {
            default: "1_000",
            range: "1" to "100_000",
            value: "COUNT",
            means: "Notifications that one inbox keeps. Beyond it the oldest that was read leaves.",
            why: "Months for most users, and no page shows more.",
        }
        inbox_unread_max: usize {
            default: "2_000",
            range: "1" to "100_000",
            value: "COUNT",
            means: "Unread notifications that one inbox keeps. Beyond it the oldest of them leaves.",
            why: "What was not read is kept longer, but nobody reads so much, and a program that runs wild must not fill the disk.",
        }
        inbox_age: Option<Duration> {
            default: "90d",
            range: "1m" to "36500d",
            value: "DURATION",
            means: "Age at which notifications leave an inbox that were read, within an hour. `none` keeps them.",
            why: "Who wants to find it again has looked within three months.",
        }
        inbox_unread_age: Option<Duration> {
            default: "365d",
            range: "1m" to "36500d",
            value: "DURATION",
            means: "Age at which notifications leave an inbox that were not read, within an hour. `none` keeps them.",
            why: "A user who was away for a season should find all that came, and one who never comes back should leave no pile.",
        }
    }
    "Streams" {
        heartbeat: Duration {
            default: "15s",
            range: "1s" to "1h",
            value: "DURATION",
            means: "Silence after which subscribers are sent a comment. It keeps proxies from taking the connection for dead.",
            why: "Proxies commonly cut connections that were silent for 30 or 60 seconds.",
        }
        retry: Duration {
            default: "3s",
            range: "100ms" to "1d",
            value: "DURATION",
            means: "How long cut-off subscribers wait before they return. Sent as the `retry` field when a stream begins.",
            why: "What browsers do by themselves.",
        }
        compression: bool {
            default: "false",
            value: "true|false",
            means: "Compress streams, lines of JSON and polls for clients that send `Accept-Encoding: gzip`, and messages of WebSockets for clients that offer `permessage-deflate`. Each event is compressed once for all of its readers, and is there at once. Events of less than 128 bytes are not compressed, and in gzip they have 10 bytes more.",
            why: "It takes time of the processor for each event, and a client that decompresses by blocks, such as Java's GZIPInputStream, holds events back.",
        }
        stream_age_max: Option<Duration> {
            default: "none",
            range: "1m" to "365d",
            value: "DURATION",
            means: "How old a stream may become. At nine tenths to all of it, so that those that began together do not end together, it is ended in good order and its subscriber returns and resumes. `none` lets it last.",
            why: "An open stream costs little. Behind a load balancer, or where subscribers must show again who they are, an end now and then is worth its price.",
        }
    }
    "Limits" {
        event_bytes_max: Size {
            default: "1MiB",
            range: "1KiB" to "16MiB",
            value: "SIZE",
            means: "The most data of one event. A publisher of more is answered 413.",
            why: "Enough for any JSON that a page should be pushed; what is larger belongs behind a URL in the event.",
        }
        window_bytes: Size {
            default: "64MiB",
            range: "1MiB" to "1TiB",
            value: "SIZE",
            means: "Memory for the newest events. It is shared by all topics. A subscriber that is further behind is served from the log.",
            why: "Some minutes of a busy hub, and small beside the memory of any server.",
        }
        in_flight_bytes_max: Size {
            default: "64MiB",
            range: "16MiB" to "1TiB",
            value: "SIZE",
            means: "Memory for events that wait for the disk. Beyond it publishers wait, then are asked to try again.",
            why: "Several seconds of a slow disk.",
        }
        selectors_max: usize {
            default: "1_000_000",
            range: "100" to "100_000_000",
            value: "COUNT",
            means: "Topics and patterns that all subscriptions together may name. Beyond it a subscriber is answered 503.",
            why: "Ten thousand subscribers of a hundred topics each, at some 400 bytes a topic.",
        }
        presence_debounce: Duration {
            default: "5s",
            range: "100ms" to "1h",
            value: "DURATION",
            means: "How long a user must have been gone before those who subscribe to tidings/presence/TOPIC are told, and the least time between two such events of one topic. A page that is loaded again within it has neither left nor come.",
            why: "A slow page is loaded again in less, and people do not wait longer to see who is there.",
        }
        unread_bytes_max: Size {
            default: "64MiB",
            range: "16MiB" to "1TiB",
            value: "SIZE",
            means: "Memory for large events of which subscribers have taken a part and read no further, beside the window. An event counts once, however many subscribers share it; one of at most 16 KiB does not count. When another large event needs room and half of it is used, subscribers that have taken less than 1,024 bytes a second for the last five to ten seconds are closed, and when it is full the slowest, all of one event together; they come back and resume. An event is as slow as the fastest of its subscribers.",
            why: "As much as the window.",
        }
        answers_bytes_max: Size {
            default: "64MiB",
            range: "16MiB" to "1TiB",
            value: "SIZE",
            means: "Memory for pages of history whose clients have not taken them. When it is full, the slowest clients of more than five seconds are cut off, and a request that finds no room for six seconds is answered 503. An eighth is kept for pages of at most 16 KiB, so that large ones never stop them.",
            why: "Two hundred of the largest pages at once.",
        }
        bodies_bytes_max: Size {
            default: "64MiB",
            range: "16MiB" to "1TiB",
            value: "SIZE",
            means: "Memory for the bodies of publishes that are being sent. A body of more than 16 KiB counts with its Content-Length, any other as far as it has come. When it is full, the slowest bodies of more than five seconds are ended with 408, and a publisher that finds no room for six seconds is answered 503. Bodies of at most 16 KiB have a reserve of their own, 32 MiB in all, so that large ones never stop them.",
            why: "As much as may wait for the disk: sixty of the largest events at once.",
        }
        body_bytes_per_second_min: Size {
            default: "1KiB",
            range: "1B" to "1MiB",
            value: "SIZE",
            means: "The least that a publisher must send in each second of a body that it has begun. It is looked at every five seconds, over the last thirty, and a slower publisher is answered 408. A stream of events may be silent for an hour between two events, and inside one of less than 2 KiB. body_wait_max bounds the whole.",
            why: "A phone on EDGE with bad reception still sends that much: one of four time slots at the lowest coding of GPRS is 1 KiB a second. 1 MiB then takes 17 minutes.",
        }
    }
    "Fair shares" {
        user_streams_max: Option<usize> {
            default: "1_000",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams at once of one user, over all of its tokens. One more is answered 200 with a `retry` and the end, as for connections_max. Each hub counts for itself. `none` sets no limit.",
            why: "A hundred people who share one account, with ten pages each.",
        }
        user_connects_per_second_max: Option<usize> {
            default: "100",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams that one user may begin in a second. Five seconds' worth may come at once; beyond that a stream is answered 200 with a `retry` and the end. Each hub counts for itself. `none` sets no limit.",
            why: "A page begins one stream when it is loaded, and one every few seconds at most.",
        }
        user_publishes_per_second_max: Option<usize> {
            default: "1_000",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Events that one user may publish in a second. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. Each hub counts for itself. `none` sets no limit.",
            why: "A person types or draws some tens of events a second.",
        }
        user_publish_bytes_per_second_max: Option<Size> {
            default: "16MiB",
            range: "1KiB" to "1TiB",
            value: "SIZE",
            means: "Bytes of events that one user may publish in a second. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. A larger event is let in when nothing is used, and the next ones wait for it. Each hub counts for itself. `none` sets no limit.",
            why: "Sixteen of the largest events; no page has an uplink for that.",
        }
        key_streams_max: Option<usize> {
            default: "none",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams at once of one key of [[access.keys]]. One more is answered 200 with a `retry` and the end, as for connections_max. Each hub counts for itself. `none` sets no limit.",
            why: "A key is for programs that you run, and a program may have much to do.",
        }
        key_connects_per_second_max: Option<usize> {
            default: "none",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams that the holder of one key may begin in a second. Five seconds' worth may come at once; beyond that a stream is answered 200 with a `retry` and the end. Each hub counts for itself. `none` sets no limit.",
            why: "A key is for programs that you run, and a program may have much to do.",
        }
        key_publishes_per_second_max: Option<usize> {
            default: "none",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Events that the holder of one key may publish in a second. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. Each hub counts for itself. `none` sets no limit.",
            why: "A key is for programs that you run, and a program may have much to do.",
        }
        key_publish_bytes_per_second_max: Option<Size> {
            default: "none",
            range: "1KiB" to "1TiB",
            value: "SIZE",
            means: "Bytes of events that the holder of one key may publish in a second. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. Each hub counts for itself. `none` sets no limit.",
            why: "A key is for programs that you run, and a program may have much to do.",
        }
        address_streams_max: Option<usize> {
            default: "5_000",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams at once of one client address, of those that have neither a user nor a key. Of IPv6 all addresses with the same first 64 bits are one. One more is answered 200 with a `retry` and the end, as for connections_max. Unless it is set, it holds only beside [access], and not for addresses of private networks, of this machine and of trusted_proxies, where a proxy that is not named may stand for many. Each hub counts for itself. `none` sets no limit.",
            why: "Half of the default of connections_max, so one address cannot take all; and thousands of people of one company behind one address find room.",
        }
        address_connects_per_second_max: Option<usize> {
            default: "1_000",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Streams that may begin in a second from one client address, with or without a user or a key. Of IPv6 all addresses with the same first 64 bits are one. Five seconds' worth may come at once; beyond that a stream is answered 200 with a `retry` and the end. Unless it is set, it holds only beside [access], and not for addresses of private networks, of this machine and of trusted_proxies, where a proxy that is not named may stand for many. Each hub counts for itself. `none` sets no limit.",
            why: "Five thousand at once, so all people of a company come back at once after their line was cut.",
        }
        address_publishes_per_second_max: Option<usize> {
            default: "1_000",
            range: "1" to "1_000_000_000",
            value: "COUNT",
            means: "Events in a second from one client address, of those that have neither a user nor a key. Of IPv6 all addresses with the same first 64 bits are one. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. Unless it is set, it holds only beside [access], and not for addresses of private networks, of this machine and of trusted_proxies, where a proxy that is not named may stand for many. Each hub counts for itself. `none` sets no limit.",
            why: "As much as one user.",
        }
        address_publish_bytes_per_second_max: Option<Size> {
            default: "16MiB",
            range: "1KiB" to "1TiB",
            value: "SIZE",
            means: "Bytes of events in a second from one client address, of those that have neither a user nor a key. Of IPv6 all addresses with the same first 64 bits are one. Five seconds' worth may come at once; beyond that a publish is answered 429 with `Retry-After`. Unless it is set, it holds only beside [access], and not for addresses of private networks, of this machine and of trusted_proxies, where a proxy that is not named may stand for many. Each hub counts for itself. `none` sets no limit.",
            why: "As much as one user.",
        }
    }
    "Connections" {
        idle_wait_max: Duration {
            default: "75s",
            range: "1s" to "1d",
            value: "DURATION",
            means: "How long a connection without a request stays open. It must be longer than a balancer or proxy in front keeps its connections to the hub (AWS ALB and nginx 60 s, Azure 4 minutes, Google Cloud 600 s: set 620s there), or requests that are sent as the hub closes fail with 502.",
            why: "What nginx does, and longer than most balancers keep them. Each takes one of the places of connections_max and connections_reserve together, and is the first to go when others need it.",
        }
        head_wait_max: Duration {
            default: "10s",
            range: "1s" to "1h",
            value: "DURATION",
            means: "How long a client may take for its TLS handshake, and again for the head of a request, from its first byte or, on a new connection, from the beginning. A head has a second more for each KiB that has come, so one that comes steadily arrives. Later the connection is closed.",
            why: "A head is one packet or a few. A lost one is sent again within a second or two.",
        }
        body_wait_max: Duration {
            default: "20m",
            range: "1s" to "1d",
            value: "DURATION",
            means: "How long the body of a publish may take at most, however steadily it comes. Later its publisher is answered 408. A body that stands still is ended much earlier, by body_bytes_per_second_min.",
            why: "1 MiB at the least rate takes 17 minutes.",
        }
        write_wait_max: Duration {
            default: "60s",
            range: "1s" to "1h",
            value: "DURATION",
            means: "How long a client may take nothing of what the hub has for it: the next 16 KiB of an answer or of a stream. Later the connection is closed, or over HTTP/2 the stream reset; a subscriber comes back and resumes.",
            why: "A phone in a tunnel is back by then.",
        }
        linger_wait_max: Duration {
            default: "30s",
            range: "1s" to "1h",
            value: "DURATION",
            means: "How long the hub reads on, and throws away, what a client sends after it was refused. Many clients send their whole body before they read, and would never read the answer otherwise. As for a body that is wanted, each second's worth of body_bytes_per_second_min gives a second more, up to body_wait_max. Five seconds of silence end it.",
            why: "What nginx does.",
        }
    }
    "Ending" {
        drain_notice: Duration {
            default: "3s",
            range: "0s" to "1h",
            value: "DURATION",
            means: "Time after SIGTERM or SIGINT in which the hub still listens: /readyz says 503, new subscribers are told to come back later, and everything else is answered, so that a load balancer can look elsewhere. There is none if nobody has asked for /readyz in the last ten minutes, and a second signal ends it. drain_notice and drain_window together must be shorter than drain_deadline; unless it is set, it is at most half of what drain_window leaves of drain_deadline.",
            why: "Three looks of a load balancer that looks every second. One that looks more seldom needs longer, and a longer drain_deadline.",
        }
        drain_window: Duration {
            default: "2s",
            range: "0s" to "1h",
            value: "DURATION",
            means: "Time over which subscribers are sent away at the end. It keeps them from all coming back in the same moment.",
            why: "Short enough to wait for, long enough to spread thousands.",
        }
        drain_deadline: Duration {
            default: "8s",
            range: "2s" to "1d",
            value: "DURATION",
            means: "Time after which the end is no longer waited for. It counts from the signal. Connections that are left are cut. It must be longer than drain_notice and drain_window together.",
            why: "Container runtimes kill after 10 seconds.",
        }
    }
    "Diagnostics" {
        log_format: LogFormat {
            default: "text",
            value: "FORMAT",
            means: "How log records are written: text or json. They go to stderr, as lines for people or as one JSON object a line.",
            why: "People come first.",
        }
        log_level: LogLevel {
            default: "info",
            value: "LEVEL",
            means: "Least level of log records: error, warn, info, debug, trace. `info,tidings_http=debug` sets one part apart.",
            why: "`info` holds what an operator must know, and nothing for each request.",
        }
        access_log: Option<PathBuf> {
            default: "none",
            value: "FILE",
            means: "File to which a line is added for each request when its answer has ended: address, user, time, method, path without its query, status, bytes and duration. `stderr` is where log records go. Lines are in the Common Log Format with the seconds behind it, or, with log_format json, JSON objects. SIGHUP opens the file again, for logrotate. A named pipe that is full or that nobody reads loses lines, which are counted, and nothing waits for it.",
            why: "Many hubs have a proxy in front that keeps such a log, and it names people.",
        }
    }
}
