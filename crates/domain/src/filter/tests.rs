use super::*;

fn condition(attribute: &str, operator: FilterOperator, value: &str) -> Condition {
    Condition {
        attribute: attribute.to_owned(),
        operator,
        value: value.to_owned(),
    }
}

fn excluding(rule: FilterRule) -> Filters {
    Filters {
        user: FilterRules {
            exclude: vec![rule],
            ..FilterRules::default()
        },
        ..Filters::default()
    }
}

#[test]
fn without_filters_nobody_is_concerned() {
    let filters = Filters::default();
    assert!(filters.is_empty());
    let disabled = Filters {
        include_disabled: false,
        ..Filters::default()
    };
    assert!(disabled.concern(ObjectType::User) && disabled.concern(ObjectType::Device));
    assert!(!disabled.concern(ObjectType::Group));
    let read: Filters = serde_json::from_str("{}").unwrap();
    assert_eq!(read, filters);
}

#[test]
fn rules_read_as_words_and_as_expressions() {
    use FilterOperator as Is;
    let all = FilterRule::All(vec![
        condition("department", Is::Is, "Sales \"North\""),
        condition("mail", Is::IsNotEmpty, ""),
        condition("jobTitle", Is::DoesNotContain, r"back\slash"),
    ]);
    assert_eq!(
        all.to_string(),
        r#"department is “Sales "North"” and mail is not empty and jobTitle does not contain “back\slash”"#
    );
    assert_eq!(
        all.cel(),
        r#"equals(department, "Sales \"North\"") && !is_empty(mail) && !includes(jobTitle, "back\\slash")"#
    );
    let any = FilterRule::Any(vec![
        condition("city", Is::StartsWith, "Am"),
        condition("city", Is::Matches, "^R.*m$"),
    ]);
    assert_eq!(
        any.cel(),
        r#"begins_with(city, "Am") || matches(city, "^R.*m$")"#
    );
    assert_eq!(
        any.to_string(),
        "city starts with “Am” or city matches “^R.*m$”"
    );
    let json = serde_json::to_value(&any).unwrap();
    assert_eq!(json["any"][0]["operator"], "starts_with");
    let empty = serde_json::to_value(condition("mail", Is::IsEmpty, "")).unwrap();
    assert_eq!(empty.get("value"), None);
}

#[test]
fn every_operator_is_found_by_what_it_asks() {
    for operator in FilterOperator::ALL {
        let (test, negated) = operator.test();
        assert_eq!(FilterOperator::of(test, negated), Some(*operator));
    }
    assert_eq!(FilterOperator::of(FilterTest::BeginsWith, true), None);
}

#[test]
fn what_can_t_be_is_named_at_its_place() {
    use FilterOperator as Is;
    let place = "policy.filters.user.exclude[0]";
    let cases = [
        (
            FilterRule::All(vec![]),
            ".all",
            "Enter at least one condition.",
        ),
        (
            FilterRule::Any(vec![condition("Department", Is::Is, "x")]),
            ".any[0].attribute",
            "It is called department.",
        ),
        (
            FilterRule::All(vec![
                condition("city", Is::IsEmpty, ""),
                condition("surname", Is::Is, "  "),
            ]),
            ".all[1].value",
            "Enter what to compare with.",
        ),
        (
            FilterRule::All(vec![condition("display_name", Is::Is, "x")]),
            ".all[0].attribute",
            "In the source display_name is called displayName.",
        ),
        (
            FilterRule::All(vec![condition("city", Is::Is, "a\nb")]),
            ".all[0].value",
            "Line breaks",
        ),
        (
            FilterRule::Expression("  ".to_owned()),
            ".expression",
            "Enter an expression.",
        ),
        (
            FilterRule::Expression("x".repeat(2_049)),
            ".expression",
            "It is 2,049 bytes long",
        ),
        (
            FilterRule::All(vec![condition("city", Is::IsEmpty, ""); 16]),
            ".all",
            "Use at most 15 conditions in one rule.",
        ),
    ];
    for (rule, part, words) in cases {
        let error = excluding(rule).checked().unwrap_err();
        assert_eq!(error.field, format!("{place}{part}"));
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn filters_have_one_form() {
    let filters = Filters {
        domains: ["@B.example", " a.example ", "b.example"]
            .map(str::to_owned)
            .to_vec(),
        ..excluding(FilterRule::All(vec![
            condition(" city ", FilterOperator::Is, " Utrecht "),
            condition("mail", FilterOperator::IsEmpty, "left over"),
            condition("city", FilterOperator::Matches, " x "),
        ]))
    }
    .checked()
    .unwrap();
    assert_eq!(filters.domains, ["a.example", "b.example"]);
    assert_eq!(
        filters.user.exclude[0].to_string(),
        "city is “Utrecht” and mail is empty and city matches “ x ”"
    );
    assert_eq!(filters.clone().checked().unwrap(), filters);
    for bad in ["a b", "", "ada@contoso.example", "a..b"] {
        let filters = Filters {
            domains: vec![bad.to_owned()],
            ..Filters::default()
        };
        let error = filters.checked().unwrap_err();
        assert_eq!(error.field, "policy.filters.domains");
    }
}
