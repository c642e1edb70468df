//! Whom filters let in, and that a rule says the same in both forms.

use domain::filter::{Condition, FilterOperator, FilterRule, FilterRules, Filters as Plan};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::filter::plain::plain;

fn condition(attribute: &str, operator: FilterOperator, value: &str) -> Condition {
    Condition {
        attribute: attribute.to_owned(),
        operator,
        value: value.to_owned(),
    }
}

fn expression(text: &str) -> FilterRule {
    FilterRule::Expression(text.to_owned())
}

fn values(of: Value) -> Values {
    serde_json::from_value(of).unwrap()
}

fn rules(include: &[FilterRule], exclude: &[FilterRule]) -> Plan {
    Plan {
        user: FilterRules {
            include: include.to_vec(),
            exclude: exclude.to_vec(),
        },
        ..Plan::default()
    }
}

fn judged(plan: &Plan, of: Value) -> Judged {
    let plan = plan.clone().checked().unwrap();
    let filters = Filters::new(&plan).unwrap();
    filters.judge(ObjectType::User, &values(of))
}

/// Whether a rule matches these values.
fn matches(rule: FilterRule, of: Value) -> bool {
    judged(&rules(&[], &[rule]), of) == Judged::Out(Cause::Excluded(0))
}

#[test]
fn conditions_compare_as_people_read() {
    use FilterOperator as Is;
    let person = json!({
        "department": " Sàles ", "city": "Utrecht", "accountEnabled": true,
        "proxyAddresses": ["SMTP:ada@contoso.example", "smtp:a@old.example"],
        "assignedLicenses": [{"skuId": "AB-12", "disabledPlans": []}],
    });
    let cases = [
        ("department", Is::Is, "sales", true),
        ("department", Is::IsNot, "sales", false),
        ("department", Is::Contains, "ALE", true),
        ("department", Is::DoesNotContain, "x", true),
        ("department", Is::StartsWith, "sa", true),
        ("department", Is::EndsWith, "es", true),
        ("department", Is::Matches, "^ S.*s $", true),
        ("department", Is::DoesNotMatch, "^s", true),
        ("department", Is::IsEmpty, "", false),
        ("jobTitle", Is::IsEmpty, "", true),
        ("jobTitle", Is::Is, "x", false),
        ("jobTitle", Is::IsNot, "x", true),
        ("jobTitle", Is::Matches, "^$", true),
        ("accountEnabled", Is::Is, "True", true),
        ("proxyAddresses", Is::EndsWith, "@OLD.example", true),
        ("proxyAddresses", Is::Matches, "^SMTP:", true),
        ("proxyAddresses", Is::IsNotEmpty, "", true),
        ("assignedLicenses", Is::Is, "ab-12", true),
        ("assignedLicenses", Is::IsNotEmpty, "", true),
    ];
    for (attribute, operator, value, expected) in cases {
        let one = condition(attribute, operator, value);
        let written = expression(&one.cel());
        let rule = FilterRule::All(vec![one]);
        assert_eq!(matches(rule.clone(), person.clone()), expected, "{rule}");
        assert_eq!(matches(written, person.clone()), expected, "{rule} as CEL");
    }
}

#[test]
fn whoever_is_kept_out_is_whatever_lets_them_in() {
    let sales = FilterRule::All(vec![condition("department", FilterOperator::Is, "Sales")]);
    let trainee = FilterRule::Any(vec![
        condition("jobTitle", FilterOperator::Contains, "trainee"),
        condition("city", FilterOperator::IsEmpty, ""),
    ]);
    let both = rules(std::slice::from_ref(&sales), &[trainee]);
    let cases = [
        (
            json!({"department": "Sales", "city": "Delft"}),
            Judged::In(Some(0)),
        ),
        (
            json!({"department": "HR", "city": "Delft"}),
            Judged::Out(Cause::NotIncluded),
        ),
        (
            json!({"department": "Sales"}),
            Judged::Out(Cause::Excluded(0)),
        ),
    ];
    for (of, expected) in cases {
        assert_eq!(judged(&both, of), expected);
    }
    let nobody = Plan::default();
    assert_eq!(judged(&nobody, json!({})), Judged::In(None));
}

#[test]
fn the_switches_keep_out_who_they_say() {
    let plan = Plan {
        include_disabled: false,
        include_unlicensed: false,
        domains: vec!["contoso.example".to_owned()],
        ..Plan::default()
    };
    let person = |name: &str, more: Value| {
        let mut person = json!({
            "userPrincipalName": name, "userType": "Member", "accountEnabled": true,
            "assignedLicenses": [{"skuId": "a"}],
        });
        for (name, value) in more.as_object().unwrap() {
            person[name] = value.clone();
        }
        person
    };
    let own = "ada@Contoso.Example";
    let guest = "b_x.example#EXT#@contoso.example";
    let other = |domain: &str| Judged::Out(Cause::Domain(Some(domain.to_owned())));
    let cases = [
        (person(own, json!({})), Judged::In(None)),
        (
            person(own, json!({"accountEnabled": false})),
            Judged::Out(Cause::Disabled),
        ),
        (
            person(own, json!({"assignedLicenses": []})),
            Judged::Out(Cause::Unlicensed),
        ),
        (
            person(own, json!({"assignedLicenses": null})),
            Judged::Out(Cause::Unlicensed),
        ),
        (
            person("ada@sub.contoso.example", json!({})),
            other("sub.contoso.example"),
        ),
        (person("ada", json!({})), Judged::Out(Cause::Domain(None))),
        (
            person(guest, json!({"userType": "Guest", "mail": "b@x.example"})),
            other("x.example"),
        ),
        (
            person(guest, json!({"userType": "Guest"})),
            Judged::In(None),
        ),
    ];
    for (of, expected) in cases {
        assert_eq!(judged(&plan, of.clone()), expected, "{of}");
    }
    let filters = Filters::new(&plan).unwrap();
    let uses: Vec<_> = filters.uses(ObjectType::User).into_iter().collect();
    let expected = [
        "accountEnabled",
        "assignedLicenses",
        "mail",
        "userPrincipalName",
        "userType",
    ];
    assert_eq!(uses, expected);
    let device = values(json!({"accountEnabled": false}));
    let judged = filters.judge(ObjectType::Device, &device);
    assert_eq!(judged, Judged::Out(Cause::Disabled));
    assert!(!filters.concern(ObjectType::Group));
}

#[test]
fn what_fails_lets_nobody_in_or_out() {
    let fails = expression("lower(proxyAddresses) == 'x'");
    let text = expression("lower(city)");
    let city = FilterRule::All(vec![condition("city", FilterOperator::Is, "Delft")]);
    let person = || json!({"proxyAddresses": ["a"], "city": "Delft"});
    let failed = |plan: &Plan| match judged(plan, person()) {
        Judged::Fails(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        failed(&rules(&[], std::slice::from_ref(&fails))),
        "Rule 1: lower takes a text, not a list."
    );
    assert_eq!(
        failed(&rules(&[text], &[])),
        "Rule 1: The result is a text; a filter needs true or false."
    );
    // Another rule may decide all the same.
    let either = [fails.clone(), city.clone()];
    assert_eq!(judged(&rules(&either, &[]), person()), Judged::In(Some(1)));
    let out = Judged::Out(Cause::Excluded(1));
    assert_eq!(judged(&rules(&[], &either), person()), out);
    let out = Judged::Out(Cause::Excluded(0));
    let both = rules(std::slice::from_ref(&fails), &[city]);
    assert_eq!(judged(&both, person()), out);
    let filters = Filters::new(&both).unwrap();
    let unread = filters.judge_kept(ObjectType::User, None);
    assert_eq!(unread.answer(), Answer::Fails);
}

#[test]
fn every_problem_is_named_at_its_rule() {
    use FilterOperator as Is;
    let plan = rules(
        &[expression("lower(")],
        &[
            FilterRule::All(vec![condition("nowhere", Is::IsEmpty, "")]),
            FilterRule::Any(vec![
                condition("city", Is::IsEmpty, ""),
                condition("city", Is::Matches, "("),
            ]),
            expression("shout(city)"),
        ],
    );
    let fields: Vec<String> = problems(&plan).into_iter().map(|one| one.field).collect();
    assert_eq!(
        fields,
        [
            "policy.filters.user.exclude[0].all[0].attribute",
            "policy.filters.user.include[0].expression",
            "policy.filters.user.exclude[1].any[1].value",
            "policy.filters.user.exclude[2].expression",
        ]
    );
}

#[test]
fn what_has_the_plain_shape_is_read_back() {
    let read = |text: &str| plain(ObjectType::User, text).map(|rule| rule.to_string());
    let cases = [
        ("equals(city, 'Delft')", Some("city is “Delft”")),
        (
            "( is_empty(mail)&&!includes( city , \"a\\\"b\") )",
            Some("mail is empty and city does not contain “a\"b”"),
        ),
        (
            "city.equals('Delft') || (matches(city, '^U') || !is_empty(state))",
            Some("city is “Delft” or city matches “^U” or state is not empty"),
        ),
        ("equals(city, mail)", None),
        ("city == 'Delft'", None),
        (
            "equals(city, 'a') && (equals(mail, 'b') || is_empty(mail))",
            None,
        ),
        ("!begins_with(city, 'a')", None),
        ("!(equals(city, 'a') && is_empty(mail))", None),
        ("equals(city, '')", None),
        ("true", None),
        ("lower(", None),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text).as_deref(), expected, "{text}");
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let attribute = prop::sample::select(vec![
        "department",
        "city",
        "proxyAddresses",
        "accountEnabled",
        "extensionAttribute3",
        "assignedLicenses",
    ]);
    let operator = prop::sample::select(FilterOperator::ALL.to_vec());
    let text = "[a-cA-C \"\\\\é@.]{1,6}";
    (attribute, operator, text).prop_map(|(attribute, operator, text)| {
        let pattern = regex::escape(&text);
        let value = match operator {
            one if one.has_pattern() => pattern,
            one if one.has_value() => format!("x{}", text.trim()),
            _ => String::new(),
        };
        condition(attribute, operator, &value)
    })
}

fn any_rule() -> impl Strategy<Value = FilterRule> {
    let conditions = prop::collection::vec(any_condition(), 1..=15);
    (any::<bool>(), conditions).prop_map(|(any, conditions)| {
        if any {
            FilterRule::Any(conditions)
        } else {
            FilterRule::All(conditions)
        }
    })
}

fn any_values() -> impl Strategy<Value = Values> {
    let text = "[xX]?[a-cA-C é@.]{0,4}";
    let texts = prop::collection::vec(text, 0..3);
    (
        text,
        prop::option::of(text),
        texts,
        any::<bool>(),
        prop::option::of(text),
    )
        .prop_map(|(department, city, addresses, enabled, sku)| {
            let licenses: Vec<_> = sku.into_iter().map(|sku| json!({"skuId": sku})).collect();
            let mut all = values(json!({
                "department": department, "city": city, "proxyAddresses": addresses,
                "accountEnabled": enabled, "assignedLicenses": licenses,
            }));
            all.retain(|_, value| !value.is_null());
            all
        })
}

proptest! {
    #[test]
    fn a_rule_is_read_back_from_its_expression(rule in any_rule()) {
        let back = plain(ObjectType::User, &rule.cel());
        let conditions = back.as_ref().map(FilterRule::conditions);
        prop_assert_eq!(conditions, Some(rule.conditions()));
        if rule.conditions().len() > 1 {
            prop_assert_eq!(back, Some(rule));
        }
    }

    #[test]
    fn a_rule_says_the_same_in_both_forms(rule in any_rule(), values in any_values()) {
        let written = expression(&rule.cel());
        let of = Value::Object(values.into_iter().collect());
        prop_assert_eq!(matches(rule.clone(), of.clone()), matches(written, of), "{}", rule);
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "\\PC{0,80}") {
        _ = plain(ObjectType::User, &text);
        _ = problems(&rules(&[], &[expression(&text)]));
    }
}
