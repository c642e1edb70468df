//! What the form of the tab Attributes holds.

use domain::{
    mapping::{AttributeRule, Mapping, MappingKind, MappingRule},
    policy::ObjectType,
};
use serde::{Deserialize, Serialize};

/// A rule as its line of the form has it; without an attribute it isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingLine {
    /// Tells lines apart, also where some were removed.
    pub number: u32,
    /// Objects of which type it is for.
    pub object_type: ObjectType,
    /// The directory's attribute.
    #[serde(default)]
    pub attribute: String,
    /// What kind of rule.
    pub kind: MappingKind,
    /// Its value; several attributes have commas between them.
    #[serde(default)]
    pub value: String,
}

impl MappingLine {
    /// A line that is still to be filled in.
    pub fn empty(number: u32, object_type: ObjectType) -> Self {
        Self {
            number,
            object_type,
            attribute: String::new(),
            kind: MappingKind::Source,
            value: String::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.attribute.trim().is_empty() && self.value.trim().is_empty()
    }

    /// A form that the browser sends ends its lines with two characters.
    fn rule(&self) -> AttributeRule {
        let value = self.value.replace("\r\n", "\n");
        AttributeRule {
            attribute: self.attribute.trim().to_owned(),
            rule: MappingRule::of(self.kind, value.trim()),
        }
    }
}

/// The lines of all types.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingForm {
    /// The lines, those of a type in their order.
    #[serde(default)]
    pub lines: Vec<MappingLine>,
}

impl MappingForm {
    /// The form as it shows rules.
    pub fn of(mapping: &Mapping) -> Self {
        let rules = ObjectType::OBJECTS.into_iter().flat_map(|object_type| {
            let rules = mapping.of(object_type).iter();
            rules.map(move |rule| (object_type, rule))
        });
        let lines = (0..)
            .zip(rules)
            .map(|(number, (object_type, rule))| MappingLine {
                number,
                object_type,
                attribute: rule.attribute.clone(),
                kind: rule.rule.kind(),
                value: rule.rule.value(),
            });
        Self {
            lines: lines.collect(),
        }
    }

    /// The lines that are filled in.
    pub fn filled(&self) -> impl Iterator<Item = &MappingLine> {
        self.lines.iter().filter(|line| !line.is_empty())
    }

    /// Whether no line is filled in.
    pub fn is_empty(&self) -> bool {
        self.filled().next().is_none()
    }

    /// Whether a line is for objects of this type.
    pub fn is_about(&self, object_type: ObjectType) -> bool {
        self.filled().any(|line| line.object_type == object_type)
    }

    /// The rules that are filled in.
    pub fn mapping(&self) -> Mapping {
        let mut mapping = Mapping::default();
        for line in self.filled() {
            if let Some(rules) = mapping.of_mut(line.object_type) {
                rules.push(line.rule());
            }
        }
        mapping
    }

    /// The line that an error blames by the rule's name in the API, such as
    /// `policy.mapping.user[3].expression`. Rules are looked at on the server.
    #[cfg(feature = "ssr")]
    pub fn blamed(&self, field: &str) -> Option<&MappingLine> {
        let rest = field.strip_prefix("policy.mapping.")?;
        let (object_type, rest) = rest.split_once('[')?;
        let object_type: ObjectType = object_type.parse().ok()?;
        let at: usize = rest.split_once(']')?.0.parse().ok()?;
        self.filled()
            .filter(|line| line.object_type == object_type)
            .nth(at)
    }

    /// What differs from `was`, in the words of the page; empty where nothing does.
    pub fn differences(&self, was: &Self) -> Vec<String> {
        let (now, was) = (self.mapping(), was.mapping());
        let mut differences = Vec::new();
        for object_type in ObjectType::OBJECTS {
            let (now, was) = (now.of(object_type), was.of(object_type));
            let noun = object_type.as_str();
            let rule = |of: &[AttributeRule], name: &str| {
                let found = of.iter().find(|rule| rule.attribute == name);
                found.map(|rule| rule.rule.clone())
            };
            let gone = was
                .iter()
                .filter(|rule| !now.iter().any(|one| one.attribute == rule.attribute));
            for one in now.iter().chain(gone) {
                let name = one.attribute.as_str();
                if rule(now, name) != rule(was, name) {
                    let name = if name.is_empty() { "a rule" } else { name };
                    differences.push(format!("{noun} {name}"));
                }
            }
            if differences.is_empty() && now != was {
                differences.push(format!("the order of the {noun} rules"));
            }
        }
        differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u32, object_type: ObjectType, attribute: &str, value: &str) -> MappingLine {
        MappingLine {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            ..MappingLine::empty(number, object_type)
        }
    }

    #[test]
    fn lines_become_rules_and_rules_become_lines() {
        let form = MappingForm {
            lines: vec![
                line(0, ObjectType::User, "mail", "userPrincipalName"),
                MappingLine::empty(1, ObjectType::User),
                line(2, ObjectType::Group, "mail", " mailNickname "),
                MappingLine {
                    kind: MappingKind::First,
                    ..line(7, ObjectType::User, "city", "state, country")
                },
            ],
        };
        let mapping = form.mapping();
        assert_eq!(mapping.user.len(), 2);
        assert_eq!(
            mapping.user[1].rule,
            MappingRule::First(vec!["state".to_owned(), "country".to_owned()])
        );
        assert_eq!(MappingForm::of(&mapping).mapping(), mapping);
        assert!(MappingForm::of(&mapping).differences(&form).is_empty());
        assert_eq!(
            form.differences(&MappingForm::default()),
            ["user mail", "user city", "group mail"]
        );
        assert_eq!(
            MappingForm::default().differences(&form),
            ["user mail", "user city", "group mail"]
        );
    }

    #[test]
    fn an_expression_keeps_its_lines_however_they_end() {
        let of = |value: &str| MappingForm {
            lines: vec![MappingLine {
                kind: MappingKind::Expression,
                ..line(0, ObjectType::User, "mail", value)
            }],
        };
        let (sent, typed) = (
            of("lower( // small\r\n  mail)\r\n"),
            of("lower( // small\n  mail)"),
        );
        assert_eq!(sent.mapping(), typed.mapping());
        assert!(sent.differences(&typed).is_empty());
        assert_eq!(
            sent.mapping().user[0].rule.value(),
            "lower( // small\n  mail)"
        );
    }

    #[test]
    fn an_error_finds_its_line_past_empty_ones() {
        let form = MappingForm {
            lines: vec![
                MappingLine::empty(0, ObjectType::User),
                line(3, ObjectType::Group, "mail", "mail"),
                line(4, ObjectType::User, "mail", "mail"),
                line(9, ObjectType::User, "city", "nowhere"),
            ],
        };
        let blamed = |field: &str| form.blamed(field).map(|line| line.number);
        assert_eq!(blamed("policy.mapping.user[1].source"), Some(9));
        assert_eq!(blamed("policy.mapping.group[0].attribute"), Some(3));
        assert_eq!(blamed("policy.mapping.user[2].source"), None);
        assert_eq!(blamed("policy.mapping.user"), None);
        assert_eq!(blamed("name"), None);
    }
}
