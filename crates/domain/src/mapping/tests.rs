use super::*;

fn rule(attribute: &str, rule: MappingRule) -> AttributeRule {
    AttributeRule {
        attribute: attribute.to_owned(),
        rule,
    }
}

fn source(attribute: &str, name: &str) -> AttributeRule {
    rule(attribute, MappingRule::Source(name.to_owned()))
}

fn users(rules: Vec<AttributeRule>) -> Mapping {
    Mapping {
        user: rules,
        ..Mapping::default()
    }
}

#[test]
fn rules_have_the_form_that_the_api_promises() {
    let text = serde_json::json!({"user": [
        {"attribute": "display_name", "rule": {"source": "mail"}},
        {"attribute": "city", "rule": {"constant": "Utrecht"}},
        {"attribute": "mail", "rule": {"first": ["mail", "userPrincipalName"]}},
        {"attribute": "jobTitle", "rule": {"expression": "upper(jobTitle)"}},
        {"attribute": "faxNumber", "rule": "leave_out"},
    ]});
    let mapping: Mapping = serde_json::from_value(text.clone()).unwrap();
    let checked = mapping.clone().checked().unwrap();
    assert_eq!(checked, mapping);
    let back = serde_json::to_value(&mapping).unwrap();
    assert_eq!(back["user"], text["user"]);
    for rule in &mapping.user {
        let kind = rule.rule.kind();
        assert_eq!(MappingRule::of(kind, &rule.rule.value()), rule.rule);
    }
}

#[test]
fn a_rule_that_cannot_be_is_named_by_its_place() {
    let long = "x".repeat(RULE_BYTES_MAX + 1);
    let text = |attribute: &str, made: fn(String) -> MappingRule, value: &str| {
        rule(attribute, made(value.to_owned()))
    };
    let cases = [
        (source("nothing", "mail"), "attribute", "no attribute"),
        (source("", "mail"), "attribute", "Enter"),
        (source("displayName", "mail"), "attribute", "display_name"),
        (
            source("jobtitle", "mail"),
            "attribute",
            "is called jobTitle",
        ),
        (source("id", "mail"), "attribute", "no attribute"),
        (source("mail", "given_name"), "source", "givenName"),
        (
            source("mail", "extensionAttribute16"),
            "source",
            "no attribute",
        ),
        (source("mail", ""), "source", "Enter"),
        (
            text("country", MappingRule::Constant, " "),
            "constant",
            "Leave out",
        ),
        (
            text("country", MappingRule::Constant, "a\nb"),
            "constant",
            "Control",
        ),
        (
            text("country", MappingRule::Constant, &long),
            "constant",
            "2,049",
        ),
        (
            text("country", MappingRule::Expression, ""),
            "expression",
            "Enter",
        ),
        (
            text("country", MappingRule::Expression, &long),
            "expression",
            "2,048",
        ),
        (
            rule("mail", MappingRule::First(Vec::new())),
            "first",
            "Enter",
        ),
        (
            rule("mail", MappingRule::First(vec!["mail".to_owned(); 11])),
            "first",
            "at most 10",
        ),
        (
            rule("display_name", MappingRule::LeaveOut),
            "attribute",
            "needs a display name",
        ),
        (source("city", "mail"), "attribute", "has a rule already"),
    ];
    for (wrong, part, words) in cases {
        let rules = vec![source("city", "city"), wrong.clone()];
        let error = users(rules).checked().unwrap_err();
        assert_eq!(
            error.field,
            format!("policy.mapping.user[1].{part}"),
            "{wrong:?}"
        );
        assert!(
            error.message.contains(words),
            "{wrong:?}: {}",
            error.message
        );
    }
    let many = (1..=RULES_MAX + 1)
        .map(|_| source("city", "city"))
        .collect();
    let error = users(many).checked().unwrap_err();
    assert_eq!(error.field, "policy.mapping.user");
}

#[test]
fn extensions_are_known_by_their_form() {
    let of_app = "extension_0123456789abcdef0123456789abcdef_costCenter";
    assert!(is_directory_extension(of_app));
    for wrong in [
        "extension_0123_costCenter",
        "extension_0123456789ABCDEF0123456789abcdef_x",
        "extension_0123456789abcdef0123456789abcdef_",
        "extension_0123456789abcdef0123456789abcdef_a-b",
        "extension_0123456789abcdef0123456789abcdef",
        "costCenter",
    ] {
        assert!(!is_directory_extension(wrong), "{wrong}");
    }
    for object_type in [ObjectType::User, ObjectType::Group, ObjectType::Device] {
        assert!(is_source(object_type, of_app) && is_target(object_type, of_app));
    }
    assert!(!is_source(ObjectType::Contact, of_app));
    assert!(is_source(ObjectType::User, "extensionAttribute15"));
    assert!(!is_source(ObjectType::Group, "extensionAttribute1"));
}

#[test]
fn an_attribute_has_one_place() {
    for object_type in ObjectType::OBJECTS {
        let mut all: Vec<_> = sources(object_type).collect();
        let number = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), number, "{object_type}");
        for name in kept(object_type).iter().chain(more(object_type)) {
            assert!(is_target(object_type, name) && is_source(object_type, name));
        }
    }
}
