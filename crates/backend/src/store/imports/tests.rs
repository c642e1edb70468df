//! Imports: dry run, corrections, applying, and what is sealed meanwhile.

use super::*;
use crate::{
    auth::{self, users::UserSignIn},
    db_test,
    jobs::run_until_idle,
    notify::sinks::{self, MailSink},
    sealer::places,
    store::{
        enrolment, groups,
        runs::{self, ChangeQuery, HistoryQuery, RunFilter},
        sample,
        users::{self, UserQuery},
    },
    testing::TestBackend,
};
use domain::{
    enrolment::EnrolmentState,
    id::GroupId,
    import::{ApplyImport, ApplyRows, ImportField, RowOutcome},
    made_here::{NewGroup, NewUser},
    paging::{ListRequest, PageRequest},
    permission::Role,
    run::{ChangeStatus, LineStatus, RunMode, RunStatus, RunTrigger},
    user::{DirectoryStatus, SourceType},
};
use futures::TryStreamExt as _;

const PEOPLE: &str = "User name;Given name;Surname;Job title;Groups\n\
    ada@x.example;Ada;Lovelace;Countess;Sales\n\
    bea@x.example;Bea;Byron;;\n";

pub(super) async fn staged(
    t: &TestBackend,
    scope: &Scope,
    customer: CustomerId,
    text: &str,
) -> Import {
    from_file(t, scope, customer, "users.csv", text.into(), None)
        .await
        .unwrap()
}

pub(super) async fn applied(
    t: &TestBackend,
    scope: &Scope,
    import: &Import,
    rows: ApplyRows,
) -> Result<Import> {
    let how = ApplyImport {
        rows,
        plan: import.plan.clone().unwrap(),
    };
    apply(t, scope, import.id, &how, RunTrigger::Operator).await
}

pub(super) fn counts(import: &Import) -> (i64, i64, i64, i64) {
    let counts = import.counts.unwrap();
    (counts.create, counts.update, counts.unchanged, counts.error)
}

pub(super) async fn all_rows(
    t: &TestBackend,
    scope: &Scope,
    id: ImportId,
) -> Vec<domain::import::ImportRow> {
    let query = RowQuery {
        page: PageRequest::new(1, 1_000),
        ..RowQuery::default()
    };
    rows(t, scope, id, query).await.unwrap().items
}

pub(super) async fn user_named(t: &TestBackend, scope: &Scope, q: &str) -> domain::user::WholeUser {
    let query = UserQuery {
        q: Some(q.to_owned()),
        ..UserQuery::default()
    };
    let found = users::list(t, scope, query).await.unwrap();
    assert_eq!(found.total, 1, "{q}");
    users::whole(t, scope, found.items[0].user.id)
        .await
        .unwrap()
}

pub(super) async fn group(
    t: &TestBackend,
    scope: &Scope,
    customer: CustomerId,
    name: &str,
) -> GroupId {
    let new = NewGroup {
        display_name: name.to_owned(),
        ..NewGroup::default()
    };
    groups::create(t, scope, customer, new).await.unwrap().id
}

async fn sealed_parts(t: &TestBackend) -> usize {
    let mut tx = t.db.read().await.unwrap();
    places::IMPORT_CONTENT.all(&mut tx).await.unwrap().len()
}

fn refused<T: std::fmt::Debug>(given: Result<T>, says: &str) {
    match given {
        Err(Error::Conflict { message, .. }) => assert!(message.contains(says), "{message}"),
        other => panic!("{other:?}"),
    }
}

db_test!(
    a_file_is_looked_at_then_imported_and_imported_again_changes_nothing,
    |t| {
        let owner = t.owner().await;
        let customer = t.customer("Adatum").await;
        let sales = group(&t, &owner, customer, "Sales").await;
        let import = staged(&t, &owner, customer, PEOPLE).await;
        assert_eq!(counts(&import), (2, 0, 0, 0));
        assert_eq!(import.encoding.as_deref(), Some("UTF-8"));
        assert_eq!(import.columns[3].field, Some(ImportField::JobTitle));
        assert_eq!(import.columns[3].example.as_deref(), Some("Countess"));
        let before = all_rows(&t, &owner, import.id).await;
        assert!(
            before.iter().all(|row| row.user_id.is_none()),
            "nobody is there yet"
        );
        assert_eq!(before[0].number, 2);
        let listed = users::list(&t, &owner, UserQuery::default()).await.unwrap();
        assert_eq!(listed.total, 0, "nothing changes before it is applied");
        assert!(sealed_parts(&t).await > 0);

        let done = applied(&t, &owner, &import, ApplyRows::All).await.unwrap();
        assert_eq!(done.status, ImportStatus::Applied);
        assert_eq!(sealed_parts(&t).await, 0, "what was given is gone");
        let ada = user_named(&t, &owner, "lovelace").await;
        assert_eq!(ada.user.display_name, "Ada Lovelace");
        assert_eq!(ada.user.source_type, SourceType::Import);
        assert_eq!(ada.attributes["jobTitle"], "Countess");
        assert_eq!(
            all_rows(&t, &owner, import.id).await[0].user_id,
            Some(ada.user.id)
        );
        let member_of = users::member_of(&t, &owner, ada.user.id).await.unwrap();
        assert_eq!(member_of[0].id, sales);
        refused(
            applied(&t, &owner, &import, ApplyRows::All).await,
            "applied already",
        );

        // The same file once more.
        let again = staged(&t, &owner, customer, PEOPLE).await;
        assert_eq!(counts(&again), (0, 0, 2, 0));
        let again = applied(&t, &owner, &again, ApplyRows::All).await.unwrap();
        let run = runs::get(&t, &owner, again.run_id.unwrap()).await.unwrap();
        assert_eq!(run.status, RunStatus::NothingToDo);
        assert_eq!(user_named(&t, &owner, "lovelace").await, ada);
    }
);

db_test!(an_import_is_a_run_of_the_history, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    group(&t, &owner, customer, "Sales").await;
    let text = format!("{PEOPLE};Nobody;;;\n");
    let import = staged(&t, &owner, customer, &text).await;
    assert_eq!(counts(&import), (2, 0, 0, 1));
    refused(
        applied(&t, &owner, &import, ApplyRows::All).await,
        "1 row can’t be imported",
    );
    let done = applied(&t, &owner, &import, ApplyRows::Good).await.unwrap();
    let id = done.run_id.unwrap();
    let run = runs::detail(&t, &owner, id).await.unwrap();
    assert_eq!(
        (run.run.mode, run.run.status),
        (RunMode::Import, RunStatus::Partial)
    );
    assert_eq!(
        (run.run.integration_id, run.integration_deleted),
        (None, false)
    );
    assert_eq!(run.integration_name, "Import of users.csv");
    let line = run.run.counts[0];
    assert_eq!((line.total, line.created, line.failed), (3, 2, 1));
    assert_eq!(line.sum(), line.total);
    let query = HistoryQuery {
        q: Some("import of users".to_owned()),
        ..HistoryQuery::default()
    };
    let history = runs::history(&t, &owner, query).await.unwrap();
    assert_eq!(history.items[0].run_id, id);
    assert_eq!(history.items[0].counts.status, LineStatus::Partial);
    let csv: Vec<_> = runs::history_csv(&t, &owner, HistoryQuery::default())
        .try_collect()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&csv.concat()).contains("Import of users.csv"));
    let request = ListRequest {
        limit: 10,
        cursor: None,
        q: None,
    };
    let listed = runs::listing(&t, &owner, &RunFilter::default(), &request)
        .await
        .unwrap();
    assert_eq!(listed.items[0].id, id);
    let changes = runs::changes(&t, &owner, id, ChangeQuery::default())
        .await
        .unwrap();
    let told: Vec<_> = changes.items.iter().map(|change| change.status).collect();
    assert_eq!(
        told,
        [
            ChangeStatus::Applied,
            ChangeStatus::Applied,
            ChangeStatus::Failed
        ]
    );
    assert!(changes.items[2].error.as_ref().unwrap().contains("Row 4"));
    let paths = runs::in_directory(&t, &owner, id, &changes.items)
        .await
        .unwrap();
    assert_eq!(paths.len(), 2, "who was imported has a page");
    let csv: Vec<_> = runs::changes_csv(&t, &owner, id, ChangeQuery::default())
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&csv.concat()).contains("ada@x.example"));
    refused(crate::sync::cancel(&t, &owner, id).await, "ended");
    // What is old goes as other runs do.
    t.clock.advance(Duration::days(500));
    run_until_idle(&t).await.unwrap();
    assert!(matches!(
        runs::get(&t, &owner, id).await,
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        get(&t, &owner, import.id).await,
        Err(Error::NotFound(_))
    ));
});

db_test!(columns_can_be_corrected, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let import = staged(&t, &owner, customer, "Wie,Waar\nada@x.example,Ada\n").await;
    assert_eq!((import.counts, import.plan.is_some()), (None, false));
    assert!(import.problem.as_ref().unwrap().contains("user name"));
    assert!(all_rows(&t, &owner, import.id).await.is_empty());
    let choose = |columns: &[Option<ImportField>]| ImportChange {
        columns: Some(columns.to_vec()),
        password: None,
    };
    let wrong = change(&t, &owner, import.id, choose(&[None])).await;
    assert!(matches!(wrong, Err(Error::Invalid(error)) if error.field == "columns"));
    let upn = Some(ImportField::UserPrincipalName);
    let same = change(&t, &owner, import.id, choose(&[upn, upn]))
        .await
        .unwrap();
    assert!(same.problem.unwrap().contains("Two columns"));
    let name = Some(ImportField::DisplayName);
    let import = change(&t, &owner, import.id, choose(&[upn, name]))
        .await
        .unwrap();
    assert_eq!(
        (counts(&import), import.problem.as_deref()),
        ((1, 0, 0, 0), None)
    );
    let stale = ApplyImport {
        rows: ApplyRows::All,
        plan: "another".to_owned(),
    };
    let stale = apply(&t, &owner, import.id, &stale, RunTrigger::Operator).await;
    refused(stale, "Another dry run");
    applied(&t, &owner, &import, ApplyRows::All).await.unwrap();
    assert_eq!(user_named(&t, &owner, "ada").await.user.display_name, "Ada");
    refused(
        change(&t, &owner, import.id, ImportChange::default()).await,
        "applied already",
    );
});

db_test!(what_changed_since_the_dry_run_is_looked_at_again, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    group(&t, &owner, customer, "Sales").await;
    let import = staged(&t, &owner, customer, PEOPLE).await;
    // Somebody else is faster.
    let bea = NewUser {
        user_principal_name: "bea@x.example".to_owned(),
        display_name: "Bea".to_owned(),
        ..NewUser::default()
    };
    let bea = users::create(&t, &owner, customer, bea).await.unwrap();
    refused(
        applied(&t, &owner, &import, ApplyRows::All).await,
        "changed since",
    );
    let found = users::list(&t, &owner, UserQuery::default()).await.unwrap();
    assert_eq!(found.total, 1, "nothing half-done stays");
    let now = get(&t, &owner, import.id).await.unwrap();
    assert_eq!(counts(&now), (1, 1, 0, 0), "the dry run was made anew");
    assert_ne!(now.plan, import.plan);
    let row = &all_rows(&t, &owner, import.id).await[1];
    assert_eq!(
        (row.outcome, row.user_id),
        (RowOutcome::Update, Some(bea.user.id))
    );
    assert!(!row.differences().is_empty());
    applied(&t, &owner, &now, ApplyRows::All).await.unwrap();
    let bea = users::whole(&t, &owner, bea.user.id).await.unwrap();
    assert_eq!(bea.user.surname.as_deref(), Some("Byron"));
    assert_eq!(
        bea.user.source_type,
        SourceType::Manual,
        "whoever was made by hand stays so"
    );
});

db_test!(who_is_synced_is_not_touched, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let integration = sample::integration(&t, &owner, customer).await.id;
    let active = DirectoryStatus::Active;
    let synced = sample::user(&t, customer, Some(integration), "Sam", active).await;
    let name = users::get(&t, &owner, synced).await.unwrap();
    let upn = name.user_principal_name.clone().unwrap();
    let text = format!("upn,name\n{upn},Other\nnew@x.example,New\n");
    let import = staged(&t, &owner, customer, &text).await;
    assert_eq!(counts(&import), (1, 0, 0, 1));
    let row = &all_rows(&t, &owner, import.id).await[0];
    assert!(row.errors[0].message.contains("synced user"), "{row:?}");
    assert_eq!(row.errors[0].column.as_deref(), Some("upn"));
    applied(&t, &owner, &import, ApplyRows::Good).await.unwrap();
    assert_eq!(users::get(&t, &owner, synced).await.unwrap(), name);
});

db_test!(passwords_are_sealed_until_they_are_set, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let (good, weak) = ("ox knot lamp river", "password1234");
    let text = format!(
        "upn,name,password\nada@x.example,Ada,{good}\nbea@x.example,Bea,{weak}\nc@x.example,C,\nd@x.example,D,short\n"
    );
    let import = staged(&t, &owner, customer, &text).await;
    assert_eq!(import.password, ImportPassword::Column);
    assert_eq!(counts(&import), (3, 0, 0, 1));
    assert_eq!(import.columns[2].example, None, "no password is shown");
    let shown = format!("{import:?} {:?}", all_rows(&t, &owner, import.id).await);
    assert!(!shown.contains(good) && !shown.contains(weak), "{shown}");
    for sealed in places::IMPORT_CONTENT
        .all(&mut t.db.read().await.unwrap())
        .await
        .unwrap()
    {
        let text = String::from_utf8_lossy(&sealed);
        assert!(!text.contains(good) && !text.contains("ada@x"));
    }
    let done = applied(&t, &owner, &import, ApplyRows::Good).await.unwrap();
    assert_eq!(done.status, ImportStatus::SettingPasswords);
    assert_eq!(done.passwords.unwrap().total, 2);
    assert!(sealed_parts(&t).await > 0);
    run_until_idle(&t).await.unwrap();
    let done = get(&t, &owner, import.id).await.unwrap();
    let passwords = done.passwords.unwrap();
    assert_eq!(
        (done.status, passwords.set, passwords.refused),
        (ImportStatus::Applied, 1, 1)
    );
    assert_eq!(sealed_parts(&t).await, 0, "the passwords are gone");
    let row = &all_rows(&t, &owner, import.id).await[1];
    assert!(row.password_refused.is_some(), "{row:?}");
    let sign_in = |password: &str| {
        auth::users::sign_in(
            &t,
            UserSignIn {
                user_name: "ada@x.example".to_owned(),
                password: password.into(),
                address: [192, 0, 2, 1].into(),
                user_agent: String::new(),
                request_id: "test".to_owned(),
            },
        )
    };
    assert!(sign_in(good).await.is_ok());
    assert!(sign_in("ox knot lamp rivers").await.is_err());

    // Whoever has one keeps it.
    let text = format!("upn,name,password\nada@x.example,Ada,{good} {good}\n");
    let again = staged(&t, &owner, customer, &text).await;
    assert_eq!(counts(&again), (0, 0, 1, 0));
    applied(&t, &owner, &again, ApplyRows::All).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let row = &all_rows(&t, &owner, again.id).await[0];
    assert!(row.password_refused.as_ref().unwrap().contains("stays"));
    assert!(sign_in(good).await.is_ok());
});

db_test!(a_deleted_import_sets_no_more_passwords, |t| {
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let text = "upn,name,password\nada@x.example,Ada,ox knot lamp river\n";
    let import = staged(&t, &owner, customer, text).await;
    applied(&t, &owner, &import, ApplyRows::All).await.unwrap();
    delete(&t, &owner, import.id).await.unwrap();
    assert_eq!(sealed_parts(&t).await, 0);
    run_until_idle(&t).await.unwrap();
    let ada = user_named(&t, &owner, "ada").await.user.id;
    let state = enrolment::get(&t, &owner, ada).await.unwrap().state;
    assert_eq!(state, EnrolmentState::NotInvited);
});

db_test!(people_choose_passwords_by_mail, |t| {
    let mut t = t;
    let owner = t.owner().await;
    let customer = t.customer("Adatum").await;
    let text = "upn,name\nada@x.example,Ada\n";
    let mail_is_chosen = ImportPassword::Mail;
    let import = from_file(
        &t,
        &owner,
        customer,
        "a.csv",
        text.into(),
        Some(mail_is_chosen),
    );
    let import = import.await.unwrap();
    refused(
        applied(&t, &owner, &import, ApplyRows::All).await,
        "Mail isn’t set up",
    );
    let mail = MailSink::mail().await;
    sinks::connect(&mut t.backend, Some(&mail));
    applied(&t, &owner, &import, ApplyRows::All).await.unwrap();
    run_until_idle(&t).await.unwrap();
    let to: Vec<_> = mail.take().into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["ada@x.example"]);
    let ada = user_named(&t, &owner, "ada").await.user.id;
    let state = enrolment::get(&t, &owner, ada).await.unwrap().state;
    assert_eq!(state, EnrolmentState::Invited);
});

db_test!(
    what_is_no_file_of_people_is_refused_and_leaves_nothing,
    |t| {
        let owner = t.owner().await;
        let customer = t.customer("Adatum").await;
        for (bytes, says) in [
            (b"".to_vec(), "empty"),
            (b"PK\x03\x04".to_vec(), "Excel workbook"),
            (b"upn,name\n".to_vec(), "no rows"),
            (b"ada@x.example,Ada\n".to_vec(), "names of the columns"),
            (
                b"upn,name\na@x.example,\"A\nb@x.example,B\n".to_vec(),
                "quotation mark",
            ),
            (vec![b'a'; FILE_BYTES_MAX + 1], "at most 32 MB"),
        ] {
            match from_file(&t, &owner, customer, "x.csv", bytes, None).await {
                Err(Error::Invalid(error)) => {
                    assert_eq!(error.field, "file");
                    assert!(error.message.contains(says), "{error}");
                }
                other => panic!("{says}: {other:?}"),
            }
        }
        assert!(list(&t, &owner, customer).await.unwrap().is_empty());
        // A byte that PostgreSQL can't hold, and a name as long as there are.
        let text = format!(
            "upn,name,ti\0tle\na@x.example,{},x\nb@x.example,B\0,\n",
            "🏢".repeat(256)
        );
        let import = from_file(&t, &owner, customer, "a\0b.csv", text.into(), None)
            .await
            .unwrap();
        assert_eq!(counts(&import), (1, 0, 0, 1));
        applied(&t, &owner, &import, ApplyRows::Good).await.unwrap();
        let csv: Vec<_> = rows_csv(&t, &owner, import.id, RowQuery::default())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert!(String::from_utf8_lossy(&csv.concat()).contains("3,Error"));
    }
);

db_test!(only_so_many_imports_of_a_customer_wait, |t| {
    // By the command line, which takes no allowance.
    let owner = crate::auth::command_line_scope();
    let (customer, other) = (t.customer("Adatum").await, t.customer("Fabrikam").await);
    let file = "upn,name\nada@x.example,Ada\n";
    let first = staged(&t, &owner, customer, file).await;
    for _ in 1..WAITING_MAX {
        staged(&t, &owner, customer, file).await;
    }
    let one_more = from_file(&t, &owner, customer, "x.csv", file.into(), None).await;
    refused(one_more, "Apply or delete one first");
    staged(&t, &owner, other, file).await;
    delete(&t, &owner, first.id).await.unwrap();
    staged(&t, &owner, customer, file).await;
});

db_test!(
    an_import_that_nobody_applies_goes_with_all_that_was_given,
    |t| {
        let owner = t.owner().await;
        let customer = t.customer("Adatum").await;
        let import = staged(&t, &owner, customer, "upn,name\nada@x.example,Ada\n").await;
        t.clock.advance(Duration::hours(25));
        assert!(matches!(
            get(&t, &owner, import.id).await,
            Err(Error::NotFound(_))
        ));
        run_until_idle(&t).await.unwrap();
        assert_eq!(sealed_parts(&t).await, 0);
        let mut tx = t.db.read().await.unwrap();
        let left = fetch_scalar!(&mut tx, i64, "SELECT COUNT(*) FROM import_row").unwrap();
        assert_eq!(left, 0);
    }
);

db_test!(only_who_may_write_the_customers_directory_imports, |t| {
    let owner = t.owner().await;
    let (mine, other) = (t.customer("Mine").await, t.customer("Other").await);
    let import = staged(&t, &owner, other, "upn,name\nada@x.example,Ada\n").await;
    let noor = t.administrator_of(&[mine]).await;
    let file = || "upn,name\nada@x.example,Ada\n".into();
    let not_found = |error| assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    not_found(
        from_file(&t, &noor, other, "", file(), None)
            .await
            .unwrap_err(),
    );
    not_found(get(&t, &noor, import.id).await.unwrap_err());
    not_found(list(&t, &noor, other).await.unwrap_err());
    not_found(
        rows(&t, &noor, import.id, RowQuery::default())
            .await
            .unwrap_err(),
    );
    not_found(
        change(&t, &noor, import.id, ImportChange::default())
            .await
            .unwrap_err(),
    );
    not_found(
        applied(&t, &noor, &import, ApplyRows::All)
            .await
            .unwrap_err(),
    );
    not_found(delete(&t, &noor, import.id).await.unwrap_err());
    let reader = t.role_over(Role::ReadOnly, &[other]).await;
    assert!(get(&t, &reader, import.id).await.is_ok());
    let forbidden = |error| assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
    forbidden(
        from_file(&t, &reader, other, "", file(), None)
            .await
            .unwrap_err(),
    );
    forbidden(
        change(&t, &reader, import.id, ImportChange::default())
            .await
            .unwrap_err(),
    );
    forbidden(
        applied(&t, &reader, &import, ApplyRows::All)
            .await
            .unwrap_err(),
    );
    forbidden(delete(&t, &reader, import.id).await.unwrap_err());
});
