//! Every table of `[access]` with its members. What a table may hold, what is suggested for a name that it may not hold, and the
//! page of the reference are made from this.

/// One table.
pub(super) struct TableRow {
    /// Its name as errors show it, such as `access.jwt`.
    pub(super) name: &'static str,
    /// The line that begins it in a file.
    pub(super) heading: &'static str,
    pub(super) means: &'static str,
    pub(super) members: &'static [MemberRow],
}

/// One member of a table.
pub(super) struct MemberRow {
    pub(super) name: &'static str,
    /// A line that sets it.
    pub(super) example: &'static str,
    pub(super) means: &'static str,
}

const fn member(name: &'static str, example: &'static str, means: &'static str) -> MemberRow {
    MemberRow { name, example, means }
}

pub(super) static ACCESS: TableRow = TableRow {
    name: "access",
    heading: "[access]",
    means: "With any of these tables, nothing is allowed that they do not name. An empty `[access]` allows nothing to anybody.",
    members: &[
        member("anonymous", "[access.anonymous]", ""),
        member("keys", "[[access.keys]]", ""),
        member("jwt", "[access.jwt]", ""),
        member("signing", "[access.signing]", ""),
        member("webhook", "[access.webhook]", ""),
        member(
            "trusted_proxies",
            "trusted_proxies = [\"10.0.0.0/8\"]",
            "The setting [`trusted_proxies`](#trusted_proxies), which may stand here or before all tables.",
        ),
    ],
};

const SUBSCRIBE: &str = "subscribe = [\"public/**\"]";
const PUBLISH: &str = "publish = [\"orders/*\"]";

pub(super) static ANONYMOUS: TableRow = TableRow {
    name: "access.anonymous",
    heading: "[access.anonymous]",
    means: "What everybody may do, also without a key or a token. All others may do it beside their own.",
    members: &[
        member("subscribe", SUBSCRIBE, "Topics and patterns that everybody may read. None unless said."),
        member("publish", PUBLISH, "Topics and patterns that everybody may publish to. None unless said."),
    ],
};

pub(super) static KEYS: TableRow = TableRow {
    name: "access.keys",
    heading: "[[access.keys]]",
    means: "A key, sent as `Authorization: Bearer KEY`, for a program that you run. There can be up to 1,000. Exactly one of key, \
            key_env, key_file and key_hash says what it is.",
    members: &[
        member(
            "name",
            "name = \"backend\"",
            "The name by which logs and answers call it: letters, digits and -._ alone. No two have the same.",
        ),
        member(
            "key",
            "key = \"...\"",
            "The key itself, of 16 or more characters. `tidings key` makes a good one.",
        ),
        member("key_env", "key_env = \"BACKEND_KEY\"", "The environment variable that holds the key."),
        member(
            "key_file",
            "key_file = \"backend.key\"",
            "The file that holds the key, on one line. A relative path is looked for beside the configuration file first.",
        ),
        member(
            "key_hash",
            "key_hash = \"sha256:...\"",
            "The SHA-256 of the key, as `tidings key` prints it: the file then holds no secret. It is no use for a short key, \
             which can be found from its hash by trying.",
        ),
        member("subscribe", SUBSCRIBE, "What its holder may read. Nothing unless said."),
        member("publish", PUBLISH, "What its holder may publish to. Nothing unless said."),
        member(
            "admin",
            "admin = true",
            "Whether its holder may see /metrics and who is connected, and end streams. Default false.",
        ),
    ],
};

pub(super) static JWT: TableRow = TableRow {
    name: "access.jwt",
    heading: "[access.jwt]",
    means: "JSON Web Tokens, made by your own programs or by an identity provider. A token's claims say what its bearer may do: \
            `\"tidings\": {\"subscribe\": [...], \"publish\": [...], \"admin\": true}`. Exactly one of key, key_file and jwks_url says who \
            signs them, unless TIDINGS_JWT_KEY or one of its like does.",
    members: &[
        member(
            "key",
            "key = \"...\"",
            "The secret that signs tokens, of 32 or more bytes, for HS256, HS384 and HS512; or a public key in PEM.",
        ),
        member(
            "key_file",
            "key_file = \"issuer.pem\"",
            "A file with a public key in PEM (RSA, P-256 or Ed25519), with a set of keys in JSON (JWKS), or with such a secret on \
             one line. A relative path is looked for beside the configuration file first.",
        ),
        member(
            "jwks_url",
            "jwks_url = \"https://issuer.example/.well-known/jwks.json\"",
            "Where the issuer publishes its keys as a set (JWKS): https, or http on this machine. They are fetched at the start, every 10 \
             minutes, and when a token is signed by a key that is not there, then at most once in 30 s. Redirects are not followed. While \
             they cannot be fetched, those that are there go on working, for a day.",
        ),
        member(
            "algorithms",
            "algorithms = [\"HS256\"]",
            "The algorithms that are taken: HS256, HS384, HS512, RS256, PS256, ES256, EdDSA. Default those that the key is for.",
        ),
        member(
            "audience",
            "audience = \"tidings\"",
            "The claim `aud` must name this, or one of these. Unless it is set, a token may leave `aud` out or name `tidings` in it.",
        ),
        member(
            "issuer",
            "issuer = \"https://issuer.example/\"",
            "The claim `iss` must be this, or one of these. Unless it is set, it may be anything.",
        ),
        member(
            "leeway",
            "leeway = \"2s\"",
            "How far the clocks of issuer and hub may differ. Default 2s, at most 10m.",
        ),
        member(
            "cookie",
            "cookie = \"tidings\"",
            "The name of the cookie in which browsers may send a token. Default `tidings`.",
        ),
        member(
            "query",
            "query = true",
            "Whether a token may stand in the URL, as `?access_token=`. Default false: URLs stand in logs and histories.",
        ),
        member(
            "subscribe",
            "subscribe = [\"users/{sub}/**\"]",
            "What the bearer of every valid token may read beside its own claims. `{sub}` is the claim `sub`; a slash, a star, a % \
             and control characters in it are written %XX, and a token without it has none of these.",
        ),
        member(
            "publish",
            "publish = [\"users/{sub}/typing\"]",
            "What the bearer of every valid token may publish to beside its own claims.",
        ),
    ],
};

pub(super) static SIGNING: TableRow = TableRow {
    name: "access.signing",
    heading: "[access.signing]",
    means: "URLs that carry their own permission until they expire. One of key and key_file says what signs them, unless \
            TIDINGS_SIGNING_KEY or TIDINGS_SIGNING_KEY_FILE does.",
    members: &[
        member("key", "key = \"...\"", "The secret that signs URLs, of 32 or more bytes."),
        member(
            "key_file",
            "key_file = \"signing.key\"",
            "The file that holds it, on one line. A relative path is looked for beside the configuration file first.",
        ),
        member(
            "name",
            "name = \"default\"",
            "The name of the key, which stands in the URL. Default `default`. Change it with the key.",
        ),
    ],
};

pub(super) static WEBHOOK: TableRow = TableRow {
    name: "access.webhook",
    heading: "[access.webhook]",
    means: "A program of yours that is asked, once for each request or stream, what it may do, if what the request shows does not \
            cover what it asks for. It gets a POST with JSON and answers with grants as JSON; every other answer refuses.",
    members: &[
        member(
            "url",
            "url = \"http://127.0.0.1:3000/tidings\"",
            "Where it is asked, over https or http. A question has cookies and tokens in it, so http is for this machine and for \
             networks that you trust. `config print` and the log leave out the query. Redirects are not followed.",
        ),
        member(
            "headers",
            "headers = [\"cookie\", \"authorization\"]",
            "The headers of the request that it is told. Default `cookie` and `authorization`. With `authorization` among them, a \
             key that the hub does not know is a question for the webhook.",
        ),
        member(
            "timeout",
            "timeout = \"5s\"",
            "Time for an answer, with the connection. Default 5s, at most 60s. After it the request is refused, and a batch of notices is \
             sent again.",
        ),
        member(
            "notices_url",
            "notices_url = \"http://127.0.0.1:3000/tidings/notices\"",
            "Where it is told which streams have begun and ended, in batches of JSON. Off unless set; `url` may be left out then, and nobody \
             is asked. A secret in the query tells your program that the hub has sent it.",
        ),
        member(
            "notices_debounce",
            "notices_debounce = \"10s\"",
            "Time in which a stream may come back, with the same user and the same topics, and nothing is told of it. Default 10s, at most 10m.",
        ),
    ],
};

/// All of them, in the order of the reference.
pub(super) static TABLES: [&TableRow; 6] = [&ACCESS, &ANONYMOUS, &KEYS, &JWT, &SIGNING, &WEBHOOK];
