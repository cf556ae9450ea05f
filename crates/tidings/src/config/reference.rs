//! `config reference`: the page docs/reference/configuration.md.

use super::access;
use super::setting::Setting;
use super::table::SETTINGS;
use super::text;
use super::value::Form;

const WIDTH: usize = 120;

const HEAD: &str = "\
<!-- Generated: cargo run -q -p tidings -- config reference > docs/reference/configuration.md -->

# Configuration

A setting has one name and three spellings. `cors_origin` is `--cors-origin` on the command line, `TIDINGS_CORS_ORIGIN`
in the environment, and `cors_origin` in the file that `--config` names.

**Precedence:** a flag is stronger than the environment, which is stronger than the file, which is stronger than the
default. Every value must be right, also one that a stronger place covers. An unknown key in the file and an unknown
variable that begins with `TIDINGS_` are errors; one that a table of `[access]` names as `key_env` is known. Variables that Kubernetes, or Docker for a link, sets beside a service called
`tidings` or `tidings-web` are ignored, if name and value look so: `TIDINGS_SERVICE_HOST=10.0.0.1`,
`TIDINGS_WEB_PORT=tcp://10.0.0.1:8080`, `TIDINGS_PORT_8080_TCP_ADDR=10.0.0.1`. `config check` names them, as does the log at the start. A file is UTF-8, with or
without a byte order mark. A publish key may have white space and line ends around it, in a file as in a variable.

`tidings config print` shows every setting with its value and where that is from, in the form of a file;
`tidings config check` looks for mistakes without starting anything.

| values | are written |
|---|---|
| DURATION | a whole number and `ms`, `s`, `m`, `h` or `d`: `250ms`, `15s`, `7d` |
| SPACE | a size, or a whole number and `%` of the file system: `64MiB`, `5%` |
| SIZE | a whole number and `B`, `KiB`, `MiB`, `GiB`, `TiB` (powers of 1,024), `kB`, `MB`, `GB` or `TB` (powers of 1,000): `64MiB` |
| COUNT | digits, with or without `_` between them: `10_000` |
| true or false | `--inbox=false` or `--inbox false`; `--memory` alone is `--memory=true` |
| several | the flag repeated, or commas: `TIDINGS_CORS_ORIGIN=https://a.example,https://b.example`; in the file a list: `[\"https://a.example\"]` |
| PATH=TOPIC | in the file a table: `[aliases]`, and below it `\"/stream\" = \"greetings\"`; elsewhere `/stream=greetings`. TOPIC is written as in a URL after `/events/`, where `%2C` is a comma and `%25` a percent sign |
";

const EXAMPLE: &str = "
## A file

```toml
listen = \"0.0.0.0:8080\"
publish_key_file = \"/run/secrets/tidings-publish-key\"
data = \"/var/lib/tidings\"
retention_age = \"30d\"
cors_origin = [\"https://example.com\", \"https://www.example.com\"]
log_format = \"json\"

[aliases]
\"/stream\" = \"greetings\"

[access.anonymous]
subscribe = [\"public/**\"]

[[access.keys]]
name = \"backend\"
key_file = \"/run/secrets/tidings-backend-key\"
publish = [\"**\"]

[access.jwt]
key_file = \"/etc/tidings/issuer.pem\"
audience = \"tidings\"
subscribe = [\"users/{sub}/**\"]
```
";

/// The page, as Markdown.
pub(crate) fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            page.push_str(&format!("\n## {group}\n"));
        }
        page.push_str(&section(setting));
    }
    page.push_str(&access::reference());
    page.push_str(EXAMPLE);
    page
}

fn section(setting: &Setting) -> String {
    let default = match setting.form {
        Form::List | Form::Table => setting.default_words(),
        _ => &format!("`{}`", setting.default),
    };
    let range = setting.range.map_or(String::new(), |(low, high)| format!(", from `{low}` to `{high}`"));
    let means = text::lines(setting.means, WIDTH).join("\n");
    let why = text::lines(&format!("*Why this default:* {}", setting.why), WIDTH).join("\n");
    let name = setting.name;
    format!("\n### `{name}`\n\n{means}\n\n- {}\n- default: {default}{range}\n\n{why}\n", spellings(setting))
}

fn spellings(setting: &Setting) -> String {
    let flag = setting.flag().map(|flag| format!("`{flag} {}`", setting.value_name));
    let variable = Some(format!("`{}`", setting.variable()));
    let key = setting.in_file().then(|| format!("`{}` in the file", setting.name));
    let spellings: Vec<_> = [flag, variable, key].into_iter().flatten().collect();
    spellings.join(", ")
}
