//! What rules make, and what isn't let in.

use std::time::{Duration, Instant};

use domain::{
    id::ExternalId,
    mapping::{AttributeRule, FUNCTIONS, Mapping, MappingRule},
    policy::ObjectType,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Mapper, TEXT_MAX,
    expression::{DEPTH_MAX, Expression, STANDARD, depth},
    functions, problems,
};
use crate::read::{Content, Mapped, Presence, SourceObject};

const EXTENSION: &str = "extension_0123456789abcdef0123456789abcdef_costCenter";

fn person() -> SourceObject {
    let attributes = json!({
        "jobTitle": "countess of lovelace", "department": "IT", "country": "GB",
        "proxyAddresses": ["SMTP:ada@contoso.example", "smtp:countess@old.example"],
        "assignedLicenses": [{"skuId": "a"}, {"skuId": "b"}],
        "onPremisesSyncEnabled": true, "extensionAttribute3": "  North ", EXTENSION: "4711",
        "mobilePhone": "+44 (0)20 123-456", "employeeHireDate": "2024-03-01T00:00:00Z",
        "employeeOrgData": {"division": "Sales", "costCenter": "C1"},
    });
    let Value::Object(attributes) = attributes else {
        unreachable!("it is an object");
    };
    SourceObject {
        object_type: ObjectType::User,
        external_id: ExternalId(Uuid::from_u128(7)),
        presence: Presence::Present,
        content: Content {
            display_name: "Adélaïde Løvelace".to_owned(),
            user_principal_name: Some("ada@contoso.example".to_owned()),
            given_name: Some("Adélaïde".to_owned()),
            surname: Some("LØVELACE-KING".to_owned()),
            mail: None,
            attributes: attributes.into_iter().collect(),
            ..Content::default()
        },
        mapped: Mapped::default(),
    }
}

fn users(rules: &[(&str, MappingRule)]) -> Mapping {
    let rule = |(attribute, rule): &(&str, MappingRule)| AttributeRule {
        attribute: (*attribute).to_owned(),
        rule: rule.clone(),
    };
    Mapping {
        user: rules.iter().map(rule).collect(),
        ..Mapping::default()
    }
}

fn expression(text: &str) -> MappingRule {
    MappingRule::Expression(text.to_owned())
}

/// What an expression makes of the person.
fn made(text: &str) -> Result<Value, String> {
    let mapping = users(&[("faxNumber", expression(text))]).checked();
    let mapper = Mapper::new(&mapping.map_err(|error| error.message)?);
    let mut made = mapper.map_err(|error| error.message)?.made(&person());
    made.remove(0).value
}

#[test]
fn every_function_does_what_it_is_called_for() {
    let cases = [
        ("displayName", json!("Adélaïde Løvelace")),
        ("mail", json!(null)),
        ("accountEnabled", json!(true)),
        ("userType", json!("Member")),
        ("id", json!("00000000-0000-0000-0000-000000000007")),
        (
            "onPremisesSyncEnabled ? 'synced' : 'cloud'",
            json!("synced"),
        ),
        (
            "coalesce(mail, userPrincipalName)",
            json!("ada@contoso.example"),
        ),
        ("coalesce(mail, '  ', null)", json!(null)),
        ("employeeHireDate", json!("2024-03-01T00:00:00Z")),
        ("employeeOrgData.costCenter", json!("C1")),
        ("first_non_empty([mail, '', department])", json!("IT")),
        ("first_non_empty([])", json!(null)),
        ("lower(surname)", json!("løvelace-king")),
        ("surname.lower()", json!("løvelace-king")),
        ("upper(country) + '-' + department", json!("GB-IT")),
        ("trim(extensionAttribute3)", json!("North")),
        (
            "replace(jobTitle, ' of ', ', ')",
            json!("countess, lovelace"),
        ),
        (
            "regex_replace(mobilePhone, '[^0-9+]', '')",
            json!("+44020123456"),
        ),
        (
            "regex_replace(jobTitle, '^(\\\\w+) .*$', '$1!')",
            json!("countess!"),
        ),
        (
            "split(userPrincipalName, '@')",
            json!(["ada", "contoso.example"]),
        ),
        ("split(userPrincipalName, '@')[1]", json!("contoso.example")),
        (
            "join([givenName, mail, department], ' ')",
            json!("Adélaïde IT"),
        ),
        ("left_of_at(userPrincipalName)", json!("ada")),
        ("right_of_at(userPrincipalName)", json!("contoso.example")),
        ("left_of_at(department)", json!(null)),
        ("strip_diacritics(displayName)", json!("Adelaide Lovelace")),
        (
            "strip_diacritics('Straße Ærø Łódź İzmir')",
            json!("Strasse AEro Lodz Izmir"),
        ),
        ("title_case(surname)", json!("Løvelace-King")),
        ("title_case(jobTitle)", json!("Countess Of Lovelace")),
        (
            "switch(department, 'HR', 'People', 'IT', 'Tech', 'Other')",
            json!("Tech"),
        ),
        ("switch(country, 'NL', 'Dutch', 'Other')", json!("Other")),
        ("switch(country, 'NL', 'Dutch')", json!(null)),
        (
            "matches(userPrincipalName, '@contoso[.]example$')",
            json!(true),
        ),
        ("is_empty(mail) && !is_empty(surname)", json!(true)),
        ("size(proxyAddresses)", json!(2)),
        (
            "proxyAddresses.filter(a, a.startsWith('smtp:'))",
            json!(["smtp:countess@old.example"]),
        ),
        (
            "proxyAddresses.map(a, lower(a))[0]",
            json!("smtp:ada@contoso.example"),
        ),
        (
            "proxyAddresses.exists(a, a.endsWith('old.example'))",
            json!(true),
        ),
        ("assignedLicenses.exists(l, l.skuId == 'b')", json!(true)),
        ("assignedLicenses.map(l, l.skuId)", json!(["a", "b"])),
        ("lower(mail)", json!(null)),
        ("join(split(mail, '@'), '')", json!(null)),
        ("1.5 + 2.0", json!(3.5)),
        (EXTENSION, json!("4711")),
    ];
    for (text, expected) in cases {
        assert_eq!(made(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_said_where_it_is() {
    let cases = [
        ("lower(", "At character 7: it ends too early."),
        ("lower(mail", "At character 11: ')' is missing."),
        ("mail)", "At character 5: unexpected ')'."),
        ("mail surname", "At character 6: unexpected 'surname'."),
        ("'abc", "is a quote missing?"),
        (
            "jobtitle",
            "A user has no attribute “jobtitle”. It is called jobTitle.",
        ),
        ("given_name", "It is called givenName."),
        ("nothing", "A user has no attribute “nothing”."),
        ("shout(mail)", "There is no function shout here."),
        (
            "timestamp('2020-01-01T00:00:00Z')",
            "There is no function timestamp",
        ),
        ("type(mail)", "There is no function type"),
        ("{'a': 1}", "can’t be used here"),
        ("User{}", "can’t be used here"),
        ("b'abc'", "Bytes can’t be used here"),
        ("matches(mail, surname)", "has to be written out"),
        ("matches(mail, '(')", "can’t be read"),
        (
            "matches(mail, '(((a{500}){500}){500})')",
            "becomes too large",
        ),
        ("[1, 2, 3].map(x, x)", "over an attribute"),
        ("split(mail, '@').map(x, x)", "over an attribute"),
        (
            "proxyAddresses.map(x, proxyAddresses.map(y, x + y))",
            "Only one of all",
        ),
        (
            "proxyAddresses.all(x, x != '') && proxyAddresses.exists(x, x == '')",
            "Only one of all",
        ),
        ("unknown.map(x, x)", "no attribute “unknown”"),
        ("x", "no attribute “x”"),
    ];
    for (text, words) in cases {
        let error = made(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn what_fails_for_somebody_is_said_in_words() {
    let cases = [
        ("mail + 'x'", "“+” can’t be used with nothing and a text."),
        ("lower(proxyAddresses)", "lower takes a text, not a list."),
        ("join(department, ',')", "join takes a list of texts."),
        ("split(department, '')", "split needs a text to split at."),
        (
            "replace(department, '', 'x')",
            "replace needs something to look for.",
        ),
        ("lower()", "lower takes 1 argument, not 0."),
        ("assignedLicenses", "a list of something else than texts"),
        ("assignedLicenses[0]", "The result is a record"),
        ("assignedLicenses[7].skuId", "The list isn’t that long."),
        (
            "assignedLicenses[0].name",
            "There is no “name” in the value.",
        ),
        ("department ? 'a' : 'b'", "true or false is needed"),
        ("1 / 0", "It divides by zero."),
        ("9223372036854775807 + 1", "A number becomes too large."),
        ("department < 1", "can’t be"),
    ];
    for (text, words) in cases {
        let error = made(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn rules_read_the_source_and_make_the_directory() {
    let mapping = users(&[
        (
            "display_name",
            expression("givenName + ' ' + title_case(surname)"),
        ),
        ("given_name", MappingRule::LeaveOut),
        ("surname", MappingRule::Source("givenName".to_owned())),
        (
            "mail",
            MappingRule::First(vec!["mail".to_owned(), "userPrincipalName".to_owned()]),
        ),
        ("jobTitle", MappingRule::Constant("Colleague".to_owned())),
        ("department", MappingRule::Source(EXTENSION.to_owned())),
        (
            "extensionAttribute3",
            MappingRule::Source("extensionAttribute3".to_owned()),
        ),
        ("country", MappingRule::Source("city".to_owned())),
    ]);
    let mapper = Mapper::new(&mapping.checked().unwrap()).unwrap();
    let made = mapper.map(person());
    assert_eq!(made.mapped.error, None);
    let content = made.content;
    assert_eq!(content.display_name, "Adélaïde Løvelace-King");
    assert_eq!(content.given_name, None);
    assert_eq!(content.surname.as_deref(), Some("Adélaïde"));
    assert_eq!(content.mail.as_deref(), Some("ada@contoso.example"));
    let attributes = &content.attributes;
    assert_eq!(attributes["jobTitle"], "Colleague");
    assert_eq!(attributes["department"], "4711");
    assert_eq!(attributes["extensionAttribute3"], "  North ");
    assert!(
        !attributes.contains_key("country"),
        "the source has no city"
    );
    assert!(!attributes.contains_key(EXTENSION), "it is only read");
    assert!(
        attributes.contains_key("proxyAddresses"),
        "no rule says otherwise"
    );
    let from: Value = serde_json::from_str(&made.mapped.from.unwrap()).unwrap();
    assert_eq!(from["givenName"], "Adélaïde");
    assert_eq!(from[EXTENSION], "4711");
    assert_eq!(from.get("jobTitle"), None);
}

#[test]
fn a_rule_that_fails_leaves_the_object_as_the_source_has_it() {
    let mapping = users(&[
        ("mail", expression("mail + 'x'")),
        ("city", MappingRule::Constant("Utrecht".to_owned())),
        ("surname", MappingRule::Source("proxyAddresses".to_owned())),
        ("display_name", MappingRule::Source("mail".to_owned())),
        (
            "given_name",
            MappingRule::Source("accountEnabled".to_owned()),
        ),
    ]);
    let mapper = Mapper::new(&mapping.checked().unwrap()).unwrap();
    let made = mapper.map(person());
    let error = made.mapped.error.unwrap();
    for words in [
        "mail: “+” can’t be used",
        "surname: The result is a list",
        "display_name: The result is empty",
        "given_name: The result is true or false",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(made.content.display_name, "Adélaïde Løvelace");
    assert!(!made.content.attributes.contains_key("city"));
    assert!(!made.content.attributes.contains_key(EXTENSION));
}

#[test]
fn without_rules_and_of_what_is_gone_nothing_is_made() {
    let mapper = Mapper::new(&Mapping::default()).unwrap();
    assert_eq!(mapper.map(person()), person());
    let mapping = users(&[("mail", expression("mail + 'x'"))]);
    let mapper = Mapper::new(&mapping).unwrap();
    let gone = SourceObject {
        presence: Presence::Gone,
        content: Content::default(),
        ..person()
    };
    assert_eq!(mapper.map(gone.clone()), gone);
    let group = SourceObject {
        object_type: ObjectType::Group,
        ..person()
    };
    assert_eq!(mapper.map(group.clone()), group);
}

#[test]
fn every_problem_is_named_at_its_rule() {
    let mapping = users(&[
        ("mail", expression("lower(")),
        ("nothing", MappingRule::LeaveOut),
        ("city", MappingRule::Source("city".to_owned())),
        ("state", expression("nowhere")),
    ]);
    let fields: Vec<String> = problems(&mapping)
        .into_iter()
        .map(|one| one.field)
        .collect();
    assert_eq!(
        fields,
        [
            "policy.mapping.user[1].attribute",
            "policy.mapping.user[0].expression",
            "policy.mapping.user[3].expression",
        ]
    );
    let error = Mapper::new(&users(&[("mail", expression("lower("))])).unwrap_err();
    assert_eq!(error.field, "policy.mapping.user[0].expression");
}

#[test]
fn depth_is_counted_outside_of_strings_and_comments() {
    let cases = [
        ("mail", 0),
        ("lower(mail)", 1),
        ("a + b", 1),
        ("a + b + c", 2),
        ("f(a + b, c + d)", 2),
        ("f(g(h(x)))", 3),
        ("!!!x", 3),
        ("'((((('", 0),
        (r#""(\"((""#, 0),
        ("'''((''('''", 0),
        ("// ((((\nmail", 0),
        ("a >= b && c != d", 3),
        // A backslash is a backslash there, so the string ends before the brackets.
        (r"r'\' + ((((x", 5),
        // No string goes over a line.
        ("'abc\n((((x", 4),
    ];
    for (text, expected) in cases {
        assert_eq!(depth(text), expected, "{text}");
    }
}

/// What somebody might try, each with nothing but its own length.
fn hostile() -> Vec<String> {
    let repeat = |open: &str, inside: &str, close: &str, times: usize| {
        format!("{}{inside}{}", open.repeat(times), close.repeat(times))
    };
    vec![
        repeat("(", "1", ")", 1_000),
        repeat("[", "1", "]", 1_000),
        repeat("lower(", "mail", ")", 250),
        "[".repeat(2_000),
        "!".repeat(2_000) + "true",
        "-".repeat(2_000) + "1",
        vec!["1"; 1_000].join("+"),
        vec!["mail"; 400].join("."),
        repeat("true ? (", "1", ") : 1", 130),
        repeat("[1, 2, 3, 4, 5].map(x, ", "x", ")", 40),
        repeat("proxyAddresses.map(x, ", "x", ")", 40),
        format!("r'\\' + {}", repeat("(", "1", ")", 900)),
        format!("'{}'", "x".repeat(3_000)),
        format!("1{}", "0".repeat(2_000)),
        format!("matches(department, '{}')", "(a*)*".repeat(300)),
        "\u{0}".repeat(100),
        "\\u{110000}".repeat(50),
        "??::??".repeat(300),
        "`".repeat(1_000),
        "\u{202e}\u{1f4a3}".repeat(200),
    ]
}

#[test]
fn hostile_expressions_are_refused_or_end_at_once() {
    for text in hostile() {
        let began = Instant::now();
        let said = made(&text);
        let took = began.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}: {text:.60}");
        if depth(&text) > DEPTH_MAX {
            assert!(said.is_err(), "{text:.60}");
        }
    }
}

#[test]
fn what_grows_is_stopped() {
    // Each step makes fifty times as much of it.
    let mut text = "jobTitle".to_owned();
    for _ in 0..8 {
        text = format!("replace({text}, 'e', '{}')", "e".repeat(50));
    }
    let error = made(&text).unwrap_err();
    assert!(error.contains("more than 4096 bytes"), "{error}");
    let mut text = "jobTitle".to_owned();
    for _ in 0..8 {
        text = format!("regex_replace({text}, 'e', '{}')", "e".repeat(50));
    }
    let error = made(&text).unwrap_err();
    assert!(error.contains("more than 4096 bytes"), "{error}");
    // Texts that are joined are no longer than what is written and what the source has.
    let long = format!("'{}'", "x".repeat(1_500));
    let error = made(&format!(
        "join([{long}, displayName], '') + join(split(lower({}), ','), '')",
        "mail"
    ));
    assert!(error.is_err() || error.is_ok_and(|value| value.as_str().unwrap().len() <= TEXT_MAX));
    // Many people have a few hundred addresses, and somebody may have all of them looked at.
    let mut many = person();
    let addresses: Vec<String> = (0..2_000).map(|n| format!("smtp:{n}@x.example")).collect();
    many.content
        .attributes
        .insert("proxyAddresses".to_owned(), json!(addresses));
    let body = "lower(upper(lower(upper(lower(upper(a))))))";
    let rules = users(&[(
        "faxNumber",
        expression(&format!("size(proxyAddresses.map(a, {body}))")),
    )]);
    let began = Instant::now();
    let made = Mapper::new(&rules).unwrap().made(&many).remove(0).value;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(made.unwrap_err().contains("makes too much"));
    let texts = users(&[(
        "faxNumber",
        MappingRule::Source("proxyAddresses".to_owned()),
    )]);
    let made = Mapper::new(&texts).unwrap().made(&many).remove(0).value;
    assert!(made.unwrap_err().contains("longer than"));
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_or_refused(text in "\\PC{0,80}") {
        _ = Expression::new(ObjectType::User, &text);
        _ = made(&text);
    }

    #[test]
    fn whatever_looks_like_an_expression_is_read_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "mail", "surname", "proxyAddresses", "(", ")", "[", "]", "{", "}", ",", ".", " + ",
            " == ", "?", ":", "!", "-", "'a'", "'", "\"", "r'", "\\", "\n", "1", "0x", "1e9", "null",
            "true", " in ", "has(", ".map(x, ", ".all(x, ", "lower(", "switch(", "join(", "split(",
            "matches(mail, '(a|b)*')", "//", "`", "@", "x",
        ]), 0..24),
    ) {
        let text = parts.concat();
        _ = made(&text);
    }

    #[test]
    fn what_is_let_in_is_no_deeper_than_was_counted(levels in 0usize..60, operators in 0usize..40) {
        let text = format!(
            "{}mail{}{}",
            "lower(".repeat(levels), ")".repeat(levels), " == mail".repeat(operators),
        );
        let read = Expression::new(ObjectType::User, &text);
        prop_assert_eq!(depth(&text), levels.max(operators));
        if depth(&text) > DEPTH_MAX {
            prop_assert!(read.is_err());
        }
    }
}

#[test]
fn an_editor_offers_the_functions_that_there_are() {
    let loops = ["all", "exists", "exists_one", "filter", "map"];
    let hidden = |name: &&str| !name.starts_with('@');
    let mut known: Vec<&str> = functions::NAMES.into_iter().chain(loops).collect();
    known.extend(STANDARD.into_iter().filter(hidden));
    known.sort_unstable();
    let offered: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    assert_eq!(offered, known);
}
