//! Everything that reads what others made, as functions of any bytes: none may panic, and what else
//! must hold is asserted in them.
//!
//! `cargo xtask soak` has libFuzzer make inputs up, some minutes for each target; the tests here replay
//! the seeds, among them each input that was once found.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is what a fuzzer looks for"
)]

use std::{
    net::IpAddr,
    str::{self, FromStr},
};

pub use backend::fuzzing::{id_token, networks, provider, schedule};
use backend::{
    auth::token,
    cookie, forwarded,
    store::{audit::AuditHead, groups::GroupQuery, settings_files, users::UserQuery},
};
use domain::{
    filter::Filters,
    grid::GridList,
    paging::Cursor,
    policy::{ObjectType, Policy},
};
pub use graph::fuzzing::{
    link as graph_link, page as graph_page, refusal as graph_refusal, tenant, token as graph_token,
};
use planner::{
    filter,
    import::{self, Known, Reading, table::Table, text},
    mapping::{Mapper, expression::Expression},
};
use secrecy::SecretString;
use tower_sessions::session;

/// Something that reads any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its folder of seeds.
pub const TARGETS: [(&str, Target); 21] = [
    ("api_token", api_token),
    ("audit_head", audit_head),
    ("certificate", certificate),
    ("cookie", cookie),
    ("cursor", cursor),
    ("expression", expression),
    ("filters", filters),
    ("forwarded_for", forwarded_for),
    ("graph_link", graph_link),
    ("graph_page", graph_page),
    ("graph_refusal", graph_refusal),
    ("graph_token", graph_token),
    ("id_token", id_token),
    ("import_file", import_file),
    ("list_address", list_address),
    ("networks", networks),
    ("policy", policy),
    ("provider", provider),
    ("schedule", schedule),
    ("settings_file", settings_file),
    ("tenant", tenant),
];

/// The bearer token of a call: what is well-formed has nothing in it but letters and digits.
pub fn api_token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if token::is_well_formed(text) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(text.chars().all(plain), "{text}");
    }
}

/// The cursor of a list: what was read is written as it came.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cursor) = Cursor::from_str(text) {
        let again = Cursor::from_str(&cursor.to_string());
        assert_eq!(again.as_ref(), Ok(&cursor), "{text}");
    }
}

/// The settings of an integration, with the rules that protect people: checking twice changes
/// nothing, and what is kept is read again.
pub fn policy(bytes: &[u8]) {
    let Ok(policy) = serde_json::from_slice::<Policy>(bytes) else {
        return;
    };
    let Ok(checked) = policy.checked() else {
        return;
    };
    assert_eq!(checked.clone().checked().as_ref(), Ok(&checked));
    let kept = serde_json::to_vec(&checked).expect("a policy is JSON");
    let read: Policy = serde_json::from_slice(&kept).expect("what was kept is read");
    assert_eq!(read, checked);
    let _ = Mapper::of(&checked);
}

/// What is wrong with a policy’s filters is told before they are used; others judge whoever comes, by
/// the values after an empty line.
pub fn filters(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (given, values) = text.split_once("\n\n").unwrap_or((text, ""));
    let Ok(given) = serde_json::from_str::<Filters>(given) else {
        return;
    };
    let problems = filter::problems(&given);
    let Ok(checked) = given.checked() else {
        assert!(!problems.is_empty(), "{text}");
        return;
    };
    let prepared = filter::Filters::new(&checked);
    assert_eq!(prepared.is_ok(), problems.is_empty(), "{problems:?}");
    if let Ok(prepared) = prepared {
        for of in ObjectType::OBJECTS {
            let _ = prepared.judge_kept(of, Some(values));
        }
    }
}

/// An expression of a mapping or a filter, in CEL. What is also a plain rule is a rule again.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for of in ObjectType::OBJECTS {
        let compiled = Expression::new(of, text);
        if filter::plain(of, text).is_some() {
            assert!(compiled.is_ok(), "{text}");
        }
    }
}

/// The header with a browser’s cookies: each value is a part of it, and ends at its semicolon. A
/// session’s number is written as it came.
pub fn cookie(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for name in ["rollcall_session", "rollcall_browser", "rollcall_consent"] {
        let Some(value) = cookie::named([text], name) else {
            continue;
        };
        assert!(text.contains(&format!("{name}={value}")), "{text}");
        assert!(!value.contains(';'), "{text}");
        if let Ok(id) = value.parse::<session::Id>() {
            assert_eq!(id.to_string().parse().ok(), Some(id), "{text}");
        }
    }
}

/// What proxies say of who asks, a header a line: nobody is believed but them, and what stands beyond
/// whom they name changes nothing.
pub fn forwarded_for(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let peer = IpAddr::from([10, 0, 0, 1]);
    assert_eq!(forwarded::client(peer, text.lines(), |_| false), peer);
    let is_proxy = |address: IpAddr| match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(_) => false,
    };
    let client = forwarded::client(peer, text.lines(), is_proxy);
    assert_eq!(client, client.to_canonical(), "{text}");
    let further = ["6.6.6.6"].into_iter().chain(text.lines());
    let again = forwarded::client(peer, further, is_proxy);
    assert!(is_proxy(client) || again == client, "{text}");
}

/// The head of the audit log that `rollcall audit verify --expect` is given: what was read is written
/// as it is read.
pub fn audit_head(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(head) = text.parse::<AuditHead>() {
        assert_eq!(head.hash.len(), 32, "{text}");
        assert_eq!(head.to_string().parse().as_ref(), Ok(&head), "{text}");
    }
}

/// The address of a list with its filters: what is saved of it as a view is saved alike again.
pub fn list_address(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let pairs: Vec<_> = url::form_urlencoded::parse(bytes).collect();
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    let _ = UserQuery::of_address(pairs.clone());
    let _ = GroupQuery::of_address(pairs);
    for list in [GridList::Users, GridList::Groups] {
        if let Ok(saved) = list.parse_query(text) {
            let again = list.parse_query(&saved);
            assert_eq!(again.as_ref(), Ok(&saved), "{text}");
        }
    }
}

/// A settings file, in JSON or in TOML.
pub fn settings_file(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let _ = settings_files::read(text);
}

/// A file of people in any encoding, with any delimiter: every row comes to something, in its place,
/// and once more to the same.
pub fn import_file(bytes: &[u8]) {
    let Ok((text, _)) = text::decode(bytes) else {
        return;
    };
    let Ok(table) = Table::read(&text) else {
        return;
    };
    let reading = Reading::matched(table.headers());
    let known = Known::new(Vec::new(), []);
    let _ = import::names(&table, &reading);
    let plan = import::plan(&table, &reading, &known);
    assert_eq!(plan.rows.len(), table.len());
    let again = import::plan(&table, &reading, &known);
    assert_eq!(again.name(), plan.name());
}

/// A certificate and its private key in PEM, one after the other, with an empty line between them.
pub fn certificate(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (certificate, key) = text.split_once("\n\n").unwrap_or((text, ""));
    let _ = graph::Certificate::parse(certificate, &SecretString::from(key));
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_seed_is_read_without_a_panic() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, target) in TARGETS {
            let mut replayed = 0;
            for entry in fs::read_dir(seeds.join(name)).expect(name) {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                target(&fs::read(path).unwrap());
                replayed += 1;
            }
            assert!(replayed > 0, "{name} has no seed");
        }
    }

    fn seed(name: &str) -> String {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        fs::read_to_string(seeds.join(name)).expect(name)
    }

    /// So that what is made up begins at what is taken, and not at what its first letter refuses.
    #[test]
    fn good_seeds_are_taken() {
        for name in ["policy/whole", "policy/filters_and_mapping"] {
            let policy: Policy = serde_json::from_str(&seed(name)).expect(name);
            let policy = policy.checked().expect(name);
            assert!(Mapper::of(&policy).is_ok(), "{name}");
        }
        let filters = seed("filters/whole");
        let (filters, values) = filters.split_once("\n\n").unwrap();
        let filters: Filters = serde_json::from_str(filters).unwrap();
        let filters = filter::Filters::new(&filters.checked().unwrap()).unwrap();
        let judged = filters.judge_kept(ObjectType::User, Some(values));
        assert!(matches!(judged, filter::Judged::Out(_)), "{judged:?}");
        for name in ["upper", "ternary", "rule", "matches", "loop"] {
            let text = seed(&format!("expression/{name}"));
            let read = Expression::new(ObjectType::User, &text);
            assert!(read.is_ok(), "{name}: {:?}", read.err());
        }
        assert!(filter::plain(ObjectType::User, &seed("expression/rule")).is_some());
        for name in ["settings_file/json", "settings_file/toml"] {
            assert!(settings_files::read(&seed(name)).is_ok(), "{name}");
        }
        let table = Table::read(&seed("import_file/semicolons")).unwrap();
        assert_eq!(table.len(), 2);
        assert!(seed("audit_head/good").parse::<AuditHead>().is_ok());
        let cookies = seed("cookie/good");
        let session = cookie::named([&*cookies], "rollcall_session").unwrap();
        assert!(session.parse::<session::Id>().is_ok());
    }

    #[test]
    fn every_target_has_a_program() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
        let programs: BTreeSet<_> = fs::read_dir(programs)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(programs, targets);
    }
}
