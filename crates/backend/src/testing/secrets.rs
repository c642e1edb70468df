//! Looking for secrets where none may be, in whatever form one could have come there.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use memchr::memmem;
use url::form_urlencoded;

use crate::{Db, Tx, fetch_all};

/// Fewer bytes than this are found by chance.
const BYTES_MIN: usize = 8;

/// A secret, by the name that a failure tells.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What it is.
    pub name: String,
    forms: Vec<Form>,
}

/// Bytes as which a secret may stand somewhere.
#[derive(Debug, Clone)]
struct Form {
    name: &'static str,
    bytes: Vec<u8>,
}

impl Secret {
    /// One that is text, also as a form or an address writes it.
    ///
    /// # Panics
    ///
    /// Where it is so short that it is found by chance.
    pub fn text(name: impl Into<String>, text: &str) -> Self {
        let mut secret = Self::bytes(name, text.as_bytes());
        let percent = form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let list = format!("{:?}", text.as_bytes());
        for (name, written) in [
            ("in a form", percent.clone()),
            ("in an address", percent.replace('+', "%20")),
            ("as a list of numbers", list),
        ] {
            if written != text {
                secret.forms.push(Form {
                    name,
                    bytes: written.into_bytes(),
                });
            }
        }
        if percent != text {
            secret.forms.extend(encoded(percent.as_bytes()));
        }
        secret
    }

    /// One that is no text, such as a key.
    ///
    /// # Panics
    ///
    /// As [`Secret::text`].
    pub fn bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let name = name.into();
        assert!(bytes.len() >= BYTES_MIN, "{name} is too short");
        let mut forms = encoded(bytes);
        forms.push(Form {
            name: "plain",
            bytes: bytes.to_vec(),
        });
        Self { name, forms }
    }

    /// The form in which it stands in there, with where; none where it doesn’t.
    pub fn found_in(&self, bytes: &[u8]) -> Option<(&'static str, usize)> {
        self.forms
            .iter()
            .find_map(|form| Some((form.name, memmem::find(bytes, &form.bytes)?)))
    }
}

/// In hexadecimal and in base64.
fn encoded(bytes: &[u8]) -> Vec<Form> {
    let hex = [hex::encode(bytes), hex::encode_upper(bytes)].map(|text| Form {
        name: "in hexadecimal",
        bytes: text.into_bytes(),
    });
    let mut forms = Vec::from(hex);
    for before in 0..3 {
        for text in [
            middle(&STANDARD_NO_PAD, bytes, before),
            middle(&URL_SAFE_NO_PAD, bytes, before),
        ] {
            forms.push(Form {
                name: "in base64",
                bytes: text.into_bytes(),
            });
        }
    }
    forms
}

/// What base64 makes of these bytes wherever so many others, of three, stand before them: the letters
/// in which no bit is another’s.
fn middle(engine: &impl Engine, bytes: &[u8], before: usize) -> String {
    let all = [&vec![0; before], bytes].concat();
    let text = engine.encode(&all);
    let (first, end) = ((8 * before).div_ceil(6), 8 * all.len() / 6);
    text.get(first..end).unwrap_or_default().to_owned()
}

/// Every row of every table, as text with bytes in hexadecimal, with the table’s name.
///
/// # Panics
///
/// Where the database can’t be read: the test can’t go on.
pub async fn rows(db: &Db) -> Vec<(String, String)> {
    let mut tx = db.read().await.expect("the test's database reads");
    let mut rows = Vec::new();
    let tables = tables(&tx);
    for table in strings(&mut tx, tables).await {
        let sql = match &tx {
            Tx::Sqlite(_) => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = strings(&mut tx, &columns).await.into_iter();
                let columns: Vec<_> = columns.map(|name| format!("quote(\"{name}\")")).collect();
                format!("SELECT {} FROM \"{table}\"", columns.join(" || ',' || "))
            }
            Tx::Postgres(_) => format!("SELECT t::text FROM \"{table}\" t"),
        };
        let found = strings(&mut tx, &sql).await.into_iter();
        rows.extend(found.map(|row| (table.clone(), row)));
    }
    rows
}

/// What asks for the name of every table.
const fn tables(tx: &Tx) -> &'static str {
    match tx {
        Tx::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Tx::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables
              WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        }
    }
}

async fn strings(tx: &mut Tx, sql: &str) -> Vec<String> {
    let rows = fetch_all!(tx, (String,), sqlx::AssertSqlSafe(sql.to_owned()));
    let rows = rows.expect("the test's database reads").into_iter();
    rows.map(|(text,)| text).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;
    use crate::{db_test, execute};

    fn found(secret: &Secret, text: &str) -> Option<&'static str> {
        secret.found_in(text.as_bytes()).map(|(form, _)| form)
    }

    #[test]
    fn a_secret_is_found_in_each_form_and_anywhere_in_another() {
        let text = "s3cret ~value/?ÿ>";
        let secret = Secret::text("it", text);
        assert_eq!(found(&secret, "nothing of it"), None);
        assert_eq!(found(&secret, &text[1..]), None);
        for before in ["", "a", "ab", "abc", "abcd"] {
            let whole = format!("{before}{text}{before}");
            assert_eq!(found(&secret, &whole), Some("plain"));
            for hex in [hex::encode(&whole), hex::encode_upper(&whole)] {
                assert_eq!(found(&secret, &hex), Some("in hexadecimal"), "{hex}");
            }
            for base64 in [STANDARD.encode(&whole), URL_SAFE.encode(&whole)] {
                assert_eq!(found(&secret, &base64), Some("in base64"), "{base64}");
            }
            let form = form_urlencoded::byte_serialize(whole.as_bytes()).collect::<String>();
            assert_eq!(found(&secret, &form), Some("in a form"));
            assert_eq!(found(&secret, &STANDARD.encode(&form)), Some("in base64"));
            let address = form.replace('+', "%20");
            assert_eq!(found(&secret, &address), Some("in an address"));
        }
        let list = format!("{:?}", text.as_bytes());
        assert_eq!(found(&secret, &list), Some("as a list of numbers"));
    }

    db_test!(every_column_of_every_row_is_looked_at, |t| {
        let (text, bytes) = ("a canary of text", b"\0\xffa canary of bytes");
        t.customer(text).await;
        let operator = t.owner().await.operator_id();
        let mut tx = t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "INSERT INTO known_browser (operator_id, secret_hash, last_used_at) VALUES ($1, $2, $3)",
            operator,
            bytes.to_vec(),
            t.clock.now()
        )
        .unwrap();
        tx.commit().await.unwrap();
        let rows = rows(&t.db).await;
        let tables = |secret: Secret| {
            let holding = rows
                .iter()
                .filter(|(_, row)| secret.found_in(row.as_bytes()).is_some());
            holding.map(|(table, _)| table.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(tables(Secret::text("text", text)), ["customer"]);
        assert_eq!(tables(Secret::bytes("bytes", bytes)), ["known_browser"]);
    });
}
