use std::collections::HashSet;

use domain::made_here::Editable;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn user(number: u128, name: &str, display_name: &str) -> KnownUser {
    KnownUser {
        id: UserId(Uuid::from_u128(number)),
        status: DirectoryStatus::Active,
        editable: Editable::Here,
        integration_name: None,
        content: Content {
            user_principal_name: Some(name.to_owned()),
            display_name: display_name.to_owned(),
            ..Content::default()
        },
        administrator: false,
        aliases: Vec::new(),
        groups: HashSet::new(),
    }
}

fn group(number: u128, name: &str, made_here: bool) -> KnownGroup {
    KnownGroup {
        id: GroupId(Uuid::from_u128(number)),
        display_name: name.to_owned(),
        made_here,
        integration_name: (!made_here).then(|| "Contoso".to_owned()),
    }
}

fn planned(text: &str, known: &Known) -> Plan {
    let table = Table::read(text).unwrap();
    let reading = Reading::matched(table.headers());
    assert_eq!(reading.problem(), None);
    plan(&table, &reading, known)
}

/// Outcome, and the column and a part of the first error.
fn told(plan: &Plan) -> Vec<(RowOutcome, String)> {
    plan.rows
        .iter()
        .map(|row| {
            let error = row.errors.first().map(|error| {
                format!(
                    "{}: {}",
                    error.column.as_deref().unwrap_or("-"),
                    error.message
                )
            });
            (row.outcome, error.unwrap_or_default())
        })
        .collect()
}

#[test]
fn each_row_comes_to_what_its_person_needs() {
    use RowOutcome::{Create, Error, Unchanged, Update};

    let mut eve = user(2, "eve@x.example", "Eve");
    eve.aliases = vec!["boss@x.example".to_owned()];
    let mut synced = user(3, "sync@x.example", "Sam Synced");
    synced.editable = Editable::InSource;
    synced.integration_name = Some("Contoso".to_owned());
    let mut gone = user(4, "gone@x.example", "Gone");
    gone.status = DirectoryStatus::Inactive;
    let twice = [
        gone.clone(),
        KnownUser {
            id: UserId(Uuid::from_u128(5)),
            ..gone
        },
    ];
    let mut users = vec![user(1, "ada@x.example", "Ada"), eve, synced];
    users.extend(twice);
    let known = Known::new(
        users,
        [
            group(1, "Sales", true),
            group(2, "All", false),
            group(3, "Two", true),
            group(4, "two", true),
        ],
    );
    let plan = planned(
        "User name,Name,Job title,Aliases,Groups,Admin\n\
         new@x.example,New,Lead,n@x.example,sales,yes\n\
         ADA@x.example,Ada,,,,\n\
         eve@x.example,Eva,,,Sales,\n\
         sync@x.example,Sam,,,,\n\
         gone@x.example,Gone,,,,\n\
         boss@x.example,Boss,,,,\n\
         b@x.example,B,,eve@x.example,,\n\
         c@x.example,C,,,All,\n\
         d@x.example,D,,,two,\n\
         e@x.example,E,,,None,\n\
         NEW@x.example,Again,,,,\n\
         f@x.example,F,,n@X.example,,\n\
         g@x.example,,,,,\n\
         ,Nameless,,,,\n\
         no address,N,,,,\n\
         h@x.example,H,,,,perhaps\n",
        &known,
    );
    let told = told(&plan);
    let outcomes: Vec<_> = told.iter().map(|(outcome, _)| *outcome).collect();
    assert_eq!(outcomes[..3], [Create, Unchanged, Update]);
    assert!(
        outcomes[3..].iter().all(|outcome| *outcome == Error),
        "{told:?}"
    );
    for (at, words) in [
        (3, "User name: Sam Synced is a synced user: Contoso"),
        (4, "Several inactive"),
        (
            5,
            "User name: Eve signs in with this name already, as an alias",
        ),
        (6, "Aliases: Row 4 has this name"),
        (7, "Groups: All is a synced group"),
        (8, "Several groups"),
        (9, "no group “None”"),
        (10, "User name: Row 2 has this name"),
        (11, "Aliases: Row 2 has this name"),
        (12, "A name is missing"),
        (13, "User name: The user name is missing"),
        (14, "User name: Enter a name in the form"),
        (15, "Admin: “perhaps”"),
    ] {
        assert!(told[at].1.contains(words), "{at}: {:?}", told[at]);
    }
    let (new, eva) = (&plan.rows[0], &plan.rows[2]);
    assert_eq!(new.administrator, Some(true));
    assert_eq!(new.new_aliases, ["n@x.example"]);
    assert_eq!(new.new_groups.len(), 1);
    let (before, after) = eva.changed.clone().unwrap();
    assert_eq!(before["display_name"], "Eve");
    assert_eq!(after["display_name"], "Eva");
    assert!(after.contains_key("groups_added"));
    assert_eq!(plan.counts.total(), 16);
}

#[test]
fn nobody_comes_in_twice_under_two_user_names() {
    use RowOutcome::{Create, Error, Update};

    let mut ada = user(1, "ada@x.example", "Ada");
    ada.content.mail = Some("lovelace@x.example".to_owned());
    let id = serde_json::Value::from("E7");
    ada.content.attributes.insert("employeeId".to_owned(), id);
    ada.aliases = vec!["countess@x.example".to_owned()];
    let mut gone = user(2, "gone@x.example", "Gone");
    gone.status = DirectoryStatus::Inactive;
    let known = Known::new([ada, gone].to_vec(), []);
    let plan = planned(
        "upn,name,mail,employee id\n\
         a1@x.example,One,,e7\n\
         a2@x.example,Two,Lovelace@x.example,\n\
         a3@x.example,Three,ada@x.example,\n\
         a4@x.example,Four,countess@x.example,\n\
         lovelace@x.example,Five,five@x.example,\n\
         a6@x.example,Six,gone@x.example,\n\
         ADA@x.example,Ada,other@x.example,e7\n\
         a8@x.example,Eight,eight@x.example,8\n\
         a9@x.example,Nine,eight@x.example,8\n\
         a10@x.example,Ten,a10@x.example,10\n",
        &known,
    );
    let told = told(&plan);
    let ada = "Ada (ada@x.example) has this";
    for (at, outcome, words) in [
        (0, Error, format!("employee id: {ada} employee id already")),
        (1, Error, format!("mail: {ada} address already")),
        (2, Error, format!("mail: {ada} address already")),
        (3, Error, format!("mail: {ada} address already")),
        (4, Error, format!("upn: {ada} address already")),
        (5, Error, "mail: Gone (gone@x.example) has this".to_owned()),
        (6, Update, String::new()),
        (7, Create, String::new()),
        (
            8,
            Error,
            "employee id: Row 9 has this employee id".to_owned(),
        ),
        (9, Create, String::new()),
    ] {
        assert_eq!(told[at].0, outcome, "{at}: {:?}", told[at]);
        assert!(told[at].1.starts_with(&words), "{at}: {:?}", told[at]);
    }
}

#[test]
fn nobody_becomes_somebody_else_by_a_row() {
    use RowOutcome::{Create, Error, Unchanged, Update};

    let with = |number, name: &str, mail: &str, id: &str, alias: &str| {
        let mut user = user(number, &format!("{name}@x.example"), name);
        let attributes = &mut user.content.attributes;
        attributes.insert("employeeId".to_owned(), id.into());
        user.content.mail = Some(format!("{mail}@x.example"));
        user.aliases = vec![format!("{alias}@x.example")];
        user
    };
    let known = Known::new(
        vec![
            with(1, "ada", "lovelace", "e7", "countess"),
            with(2, "bob", "bob", "e8", "robert"),
            with(3, "cat", "cat", "e9", "kitty"),
            with(4, "dan", "daniel", "e1", "danny"),
        ],
        [],
    );
    let plan = planned(
        "upn,name,mail,employee id,aliases\n\
         bob@x.example,bob,,E7,\n\
         bob2@x.example,new,,n1,\n\
         cat@x.example,cat,,N1,\n\
         dan@x.example,dan,lovelace@x.example,,\n\
         ada@x.example,ada,lovelace@x.example,e7,countess@x.example\n",
        &known,
    );
    let outcomes = told(&plan);
    for (at, outcome, words) in [
        (
            0,
            Error,
            "employee id: ada (ada@x.example) has this employee id already. Give another",
        ),
        (1, Create, ""),
        (2, Error, "employee id: Row 3 has this employee id"),
        (
            3,
            Error,
            "mail: ada (ada@x.example) has this address already. Give another",
        ),
        (4, Unchanged, ""),
    ] {
        assert_eq!(outcomes[at].0, outcome, "{at}: {:?}", outcomes[at]);
        assert!(
            outcomes[at].1.starts_with(words),
            "{at}: {:?}",
            outcomes[at]
        );
    }
    let plan = planned(
        "upn,name,mail,aliases\n\
         bob@x.example,bob,shared@x.example,\n\
         cat@x.example,cat,shared@x.example,\n\
         dan@x.example,dan,,lovelace@x.example\n\
         new@x.example,new,,shared@x.example\n\
         other@x.example,other,new@x.example,\n\
         shared@x.example,last,,\n\
         ada@x.example,ada,countess@x.example,\n",
        &known,
    );
    let outcomes = told(&plan);
    for (at, outcome, words) in [
        (0, Update, ""),
        (1, Error, "mail: Row 2 has this address"),
        (
            2,
            Error,
            "aliases: ada (ada@x.example) has this address already. Give another",
        ),
        (3, Error, "aliases: Row 2 has this address"),
        (4, Error, "mail: Row 5 has this address"),
        (5, Error, "upn: Row 5 has this name"),
        (6, Update, ""),
    ] {
        assert_eq!(outcomes[at].0, outcome, "{at}: {:?}", outcomes[at]);
        assert!(
            outcomes[at].1.starts_with(words),
            "{at}: {:?}",
            outcomes[at]
        );
    }
}

#[test]
fn hostile_cells_are_errors_of_their_rows() {
    let long = "x".repeat(50_000);
    let name = "🏢".repeat(256);
    let text = format!(
        "upn,name,title,password\n\
         a@x.example,{name},,\n\
         b@x.example,{name}🏢,,\n\
         c@x.example,C,{long},\n\
         d@x.example,D\0,,\n\
         e@x.example,E,,short\n\
         f@x.example,F,,a long enough one\n\
         g@x.example,G\n\
         h@x.example,H,,,too,many\n\
         i@x.example,\"two\nlines\",,\n"
    );
    let plan = planned(&text, &Known::default());
    let errors: Vec<bool> = plan.rows.iter().map(|row| !row.errors.is_empty()).collect();
    assert_eq!(
        errors,
        [false, true, true, true, true, false, false, true, true],
        "{:?}",
        told(&plan)
    );
    let passwords: Vec<bool> = plan.rows.iter().map(|row| row.password).collect();
    assert!(passwords[5] && !passwords[0] && !passwords[4]);
    for row in &plan.rows {
        assert!(!row.content.display_name.contains('\0'));
        let told = format!("{row:?}");
        assert!(!told.contains("long enough"), "a password is kept: {told}");
    }
}

#[test]
fn a_choice_of_columns_that_cant_be_is_said() {
    let headers = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let same = Reading::matched(&headers(&["UPN", "User name", "Alias", "Aliases"]));
    assert_eq!(
        same.columns,
        [
            Some(ImportField::UserPrincipalName),
            None,
            Some(ImportField::Aliases),
            Some(ImportField::Aliases)
        ]
    );
    assert_eq!(same.problem(), None);
    let mut twice = same;
    twice.columns[1] = Some(ImportField::UserPrincipalName);
    assert!(twice.problem().unwrap().contains("Two columns"));
    assert!(
        Reading::matched(&headers(&["a", "b"]))
            .problem()
            .unwrap()
            .contains("user name")
    );
    let mut without = Reading::matched(&headers(&["upn"]));
    assert_eq!(without.password, ImportPassword::None);
    without.password = ImportPassword::Column;
    assert!(without.problem().unwrap().contains("passwords"));
}

#[test]
fn addresses_of_exchange_are_taken_apart() {
    let found: Vec<_> =
        person::listed("SMTP:a@x.example;smtp:b@x.example; SIP:c@x.example X500:/o=x, d@x.example")
            .collect();
    assert_eq!(found, ["a@x.example", "b@x.example", "d@x.example"]);
}

/// A directory after a plan: what applying has to come to.
fn applied(known: &[KnownUser], plan: &Plan) -> Vec<KnownUser> {
    let mut users = known.to_vec();
    for (at, row) in plan.rows.iter().enumerate() {
        let user = match (row.outcome, row.user) {
            (RowOutcome::Create, _) => {
                let number = 1_000 + at as u128;
                users.push(user(number, "", ""));
                users.last_mut().unwrap()
            }
            (RowOutcome::Update, Some(id)) => users.iter_mut().find(|user| user.id == id).unwrap(),
            _ => continue,
        };
        user.content = row.content.clone();
        user.aliases
            .extend(row.new_aliases.iter().map(|alias| crate::key(alias)));
        user.groups
            .extend(row.new_groups.iter().map(|(group, _)| *group));
        user.administrator = row.administrator.unwrap_or(user.administrator);
    }
    users
}

fn row() -> impl Strategy<Value = String> {
    (
        "[a-d]",
        "[A-C]?",
        "(Lead|Clerk)?",
        "([e-f]@x.example)?",
        "(Sales|Two)?",
        "(yes|no)?",
        "(yes|no)?",
        "(a, b|c)?",
        "([a-h]@x.example)?",
        "[12]?",
    )
        .prop_map(
            |(name, display, title, alias, group, admin, guest, phones, mail, id)| {
                format!(
                    "{name}@x.example;{display};{title};{alias};{group};{admin};{guest};{phones};{mail};{id}"
                )
            },
        )
}

proptest! {
    #[test]
    fn what_was_applied_is_unchanged_when_it_is_planned_again(
        rows in prop::collection::vec(row(), 1..8),
        there in prop::collection::vec(("[a-f]", any::<bool>()), 0..4),
    ) {
        let text = format!(
            "upn;name;title;alias;group;admin;guest;phone;mail;employee id\n{}\n",
            rows.join("\n")
        );
        let mut names = HashSet::new();
        let users: Vec<KnownUser> = there
            .iter()
            .filter(|(name, _)| names.insert(name.clone()))
            .enumerate()
            .map(|(at, (name, active))| {
                let mut user = user(at as u128 + 1, &format!("{name}@x.example"), name);
                if !active {
                    user.status = DirectoryStatus::Inactive;
                }
                user
            })
            .collect();
        let groups = [group(1, "Sales", true)];
        let known = Known::new(users.clone(), groups.clone());
        let first = planned(&text, &known);
        prop_assert_eq!(&first, &planned(&text, &known));
        prop_assert_eq!(first.name(), planned(&text, &known).name());
        let after = applied(&users, &first);
        // Nobody in use signs in with another's name.
        let mut taken = HashSet::new();
        for user in after.iter().filter(|user| user.status == DirectoryStatus::Active) {
            for name in user.aliases.iter().cloned().chain(user.content.user_name_folded()) {
                prop_assert!(taken.insert(name.clone()), "{} twice in {}", name, text);
            }
        }
        let again = planned(&text, &Known::new(after, groups));
        for (before, now) in first.rows.iter().zip(&again.rows) {
            if before.outcome != RowOutcome::Error {
                prop_assert_eq!(now.outcome, RowOutcome::Unchanged, "{:?}", now);
            }
        }
        if first.counts.create + first.counts.update > 0 {
            prop_assert_ne!(first.name(), again.name());
        }
    }
}
