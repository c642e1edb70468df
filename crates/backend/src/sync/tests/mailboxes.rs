//! Who has an address here that a mailbox in the source has besides its own may be its owner.

use domain::{
    made_here::NewUser,
    matching::{MatchKey, MatchState, MatchStrength, MatchingRules},
    policy::ObjectType,
    run::RunMode,
    user::DirectoryStatus,
    why::StepKind,
};
use serde_json::json;
use simulator::Attributes;

use super::{
    matching::{is_here, make, people, queue},
    protecting::person,
    sync_test,
    world::{World, line, tenant},
};
use crate::{auth::command_line_scope, store::users, why};

fn here(user_name: &str) -> NewUser {
    NewUser {
        display_name: "Made Here".to_owned(),
        user_principal_name: user_name.to_owned(),
        ..NewUser::default()
    }
}

sync_test!(
    another_address_of_a_mailbox_asks_whether_it_is_somebody_here,
    tenant(348, 60),
    |w| {
        let mut w = w;
        // A rule that matches without asking never does by an address.
        w.policy.matching = MatchingRules {
            automatic: vec![MatchKey::UserPrincipalName, MatchKey::EmployeeId],
            confirm_new: false,
        };
        w.save_policy().await;
        let found: Vec<_> = people(&w)
            .into_iter()
            .filter(|(_, user)| user.names[3].is_some())
            .map(|(id, _)| id)
            .take(3)
            .collect();
        let by_name = make(&w, here("old.name@here.example")).await;
        let by_mail = NewUser {
            mail: Some("old.mail@here.example".to_owned()),
            ..here("second@here.example")
        };
        let by_mail = make(&w, by_mail).await;
        let by_alias = NewUser {
            aliases: vec!["old.alias@here.example".to_owned()],
            ..here("third@here.example")
        };
        let by_alias = make(&w, by_alias).await;
        let listed = ["Old.Name", "old.mail", "old.alias"];
        for (id, address) in found.iter().zip(listed) {
            let addresses = json!([format!("smtp:{address}@here.example"), "smtp:own@x.example"]);
            let addresses = Attributes::from([("proxyAddresses".to_owned(), addresses)]);
            w.control.update(*id, &addresses).unwrap();
        }
        let run = w.run(RunMode::Full).await;
        assert!(line(&run, ObjectType::User).filtered >= 3, "{run:#?}");
        let waiting = queue(&w, MatchState::Waiting).await;
        assert_eq!(waiting.len(), 3, "{waiting:#?}");
        for (id, user) in found.iter().zip([by_name, by_mail, by_alias]) {
            assert!(!is_here(&w, *id).await, "neither created nor made one");
            let one = waiting.iter().find(|one| one.external_id.0 == *id).unwrap();
            assert_eq!(one.strength, MatchStrength::Likely);
            let fitting = &one.candidates;
            assert_eq!((fitting.len(), fitting[0].user_id), (1, user));
            assert_eq!(fitting[0].keys, [MatchKey::Alias]);
            let asked = id.to_string();
            let answer = why::of_object(&w.t, &command_line_scope(), w.integration, &asked).await;
            let steps = answer.unwrap().why.unwrap().steps;
            let step = steps.iter().find(|step| step.step == StepKind::Matching);
            let told = &step.unwrap().facts[0];
            assert_eq!((&*told.name, &*told.value), ("Made Here", "same alias"));
        }

        // Without the address nothing is in common.
        users::set_aliases(&w.t, &command_line_scope(), by_alias, &[])
            .await
            .unwrap();
        w.run(RunMode::Full).await;
        assert_eq!(queue(&w, MatchState::Waiting).await.len(), 2);
        assert_eq!(person(&w, found[2]).await.status, DirectoryStatus::Active);
    }
);
