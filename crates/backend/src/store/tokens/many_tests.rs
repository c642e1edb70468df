//! Lists of thousands of tokens: the statements tell who sees what as the rules do, page for page.

use std::collections::HashSet;

use chrono::Duration;
use domain::{operator::CustomerScope, paging::Cursor, permission::Role};

use super::*;
use crate::{
    db_test, fetch_all, insert_many,
    testing::{Kind, TestBackend},
};

/// As many tokens, of which each property comes around in its own time.
const TOKENS: usize = 3_000;

/// A token, and what the rules look at.
struct Made {
    id: ApiTokenId,
    name: String,
    operator: Option<usize>,
    /// None: it lists no customers.
    customers: Option<Vec<CustomerId>>,
    maker: &'static str,
    state: ApiTokenState,
}

/// An operator, and the customers that they look after.
struct Looking {
    scope: Scope,
    reach: HashSet<CustomerId>,
    /// Whether also those that are added later.
    later: bool,
}

struct World {
    t: TestBackend,
    customers: Vec<CustomerId>,
    operators: Vec<Looking>,
    tokens: Vec<Made>,
}

async fn looking(t: &TestBackend, customers: &[CustomerId]) -> Vec<Looking> {
    t.tag(customers[4], "north").await;
    t.tag(customers[5], "north").await;
    let all: HashSet<_> = customers.iter().copied().collect();
    let some = |of: &[usize]| of.iter().map(|at| customers[*at]).collect::<HashSet<_>>();
    let admin = Role::Administrator;
    let tags = vec!["north".to_owned()];
    let mut operators = Vec::new();
    for (role, scope, reach, later) in [
        (Role::Owner, CustomerScope::All, all.clone(), true),
        (
            admin,
            CustomerScope::Some {
                customer_ids: vec![customers[0], customers[1]],
            },
            some(&[0, 1]),
            false,
        ),
        (
            admin,
            CustomerScope::AllExcept {
                customer_ids: vec![customers[0]],
            },
            all.iter()
                .copied()
                .filter(|id| *id != customers[0])
                .collect(),
            true,
        ),
        (admin, CustomerScope::Tags { tags }, some(&[4, 5]), false),
        (
            Role::HelpDesk,
            CustomerScope::Some {
                customer_ids: vec![customers[4]],
            },
            some(&[4]),
            false,
        ),
    ] {
        operators.push(Looking {
            scope: t.operator(role, scope).await,
            reach,
            later,
        });
    }
    operators
}

fn tokens(t: &TestBackend, customers: &[CustomerId]) -> Vec<Made> {
    (0..TOKENS)
        .map(|n| Made {
            id: ApiTokenId(t.ids.uuid()),
            name: format!("Tökén {:04}", (n * 7) % TOKENS),
            operator: (n % 7 > 0).then_some(n % 5),
            customers: (n % 3 > 0).then(|| {
                let listed = (n % 4..n % 4 + n % 3).map(|at| customers[at % customers.len()]);
                listed.filter(|_| n % 11 > 0).collect()
            }),
            maker: if n % 2 == 0 { "Mina" } else { "Noor" },
            state: match n % 13 {
                0 => ApiTokenState::Revoked,
                1 => ApiTokenState::Expired,
                _ => ApiTokenState::Active,
            },
        })
        .collect()
}

impl World {
    async fn new(t: TestBackend) -> Self {
        let mut customers = Vec::new();
        for n in 0..6 {
            customers.push(t.customer(&format!("Customer {n}")).await);
        }
        let operators = looking(&t, &customers).await;
        let tokens = tokens(&t, &customers);
        let world = Self {
            t,
            customers,
            operators,
            tokens,
        };
        world.keep().await;
        world
    }

    async fn keep(&self) {
        let now = self.t.clock.now();
        let (rows, mut listed) = (&self.tokens, Vec::new());
        for token in rows {
            let customers = token.customers.iter().flatten();
            listed.extend(customers.map(|customer| (token.id, *customer)));
        }
        let mut tx = self.t.db.write().await.unwrap();
        insert_many!(
            &mut tx,
            "INSERT INTO api_token (id, name, name_folded, search_text, kind, role, all_customers,
                addresses, operator_id, secret_hash, secret_set_at, created_by, created_at,
                expires_at, revoked_at)",
            columns: 15, rows_max: 1000, rows,
            |bind, row| {
                let operator = row.operator.and_then(|at| self.operators[at].scope.operator_id());
                let days = i64::from(row.state != ApiTokenState::Expired);
                bind.push_bind(row.id)
                    .push_bind(row.name.clone())
                    .push_bind(planner::key(&row.name))
                    .push_bind(planner::fold::search_text([row.name.as_str(), row.maker]))
                    .push_bind(ApiTokenKind::Program)
                    .push_bind(Role::ReadOnly)
                    .push_bind(row.customers.is_none())
                    .push_bind("[]")
                    .push_bind(operator)
                    .push_bind(row.id.0.as_bytes().to_vec())
                    .push_bind(now)
                    .push_bind(row.maker)
                    .push_bind(now)
                    .push_bind(now + Duration::days(days))
                    .push_bind((row.state == ApiTokenState::Revoked).then_some(now));
            },
            ""
        )
        .unwrap();
        insert_many!(
            &mut tx,
            "INSERT INTO api_token_customer (api_token_id, customer_id)",
            columns: 2, rows_max: 1000, listed,
            |bind, row| { bind.push_bind(row.0).push_bind(row.1); },
            ""
        )
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// The rule: their own; and for who administers tokens, those that reach no customer beyond
    /// their own.
    fn may_see(&self, by: usize, token: &Made) -> bool {
        let me = &self.operators[by];
        let administers = me.scope.can(Permission::TokensWrite);
        let within = match (&token.customers, token.operator) {
            (Some(listed), _) if listed.is_empty() => me.scope.sees_all(),
            (Some(listed), _) => listed.iter().all(|id| me.reach.contains(id)),
            (None, None) => me.scope.sees_all(),
            (None, Some(at)) => {
                let of = &self.operators[at];
                of.reach.is_subset(&me.reach) && (me.later || !of.later)
            }
        };
        token.operator == Some(by) || (administers && within)
    }

    fn reaches(&self, token: &Made, customer: CustomerId) -> bool {
        match (&token.customers, token.operator) {
            (Some(listed), _) => listed.contains(&customer),
            (None, None) => true,
            (None, Some(at)) => self.operators[at].reach.contains(&customer),
        }
    }

    /// What the rules give, by name.
    fn wanted(&self, by: usize, query: &ApiTokenQuery) -> Vec<ApiTokenId> {
        let q = planner::fold(query.q.as_deref().unwrap_or_default());
        let mut found: Vec<_> = self
            .tokens
            .iter()
            .filter(|token| self.may_see(by, token))
            .filter(|token| query.state.is_none_or(|state| state == token.state))
            .filter(|token| query.customer.is_none_or(|id| self.reaches(token, id)))
            .filter(|token| {
                let text = format!("{}\n{}", token.name, token.maker);
                text.lines().any(|line| planner::fold(line).contains(&q))
            })
            .map(|token| (planner::key(&token.name), token.id))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// What the pages of the list hold, one after the other.
    async fn paged(&self, by: usize, query: &ApiTokenQuery) -> Vec<ApiTokenId> {
        let mut found = Vec::new();
        for number in 1.. {
            let query = ApiTokenQuery {
                page: PageRequest::new(number, 1000),
                ..query.clone()
            };
            let page = list(&self.t, &self.operators[by].scope, query).await;
            let page = page.unwrap();
            if page.items.is_empty() {
                assert_eq!(page.total, i64::try_from(found.len()).unwrap());
                break;
            }
            found.extend(page.items.iter().map(|token| token.id));
        }
        found
    }

    /// What a program gets that follows `next`.
    async fn followed(&self, by: usize) -> Vec<ApiTokenId> {
        let (mut found, mut cursor) = (Vec::new(), None::<Cursor>);
        loop {
            let request = ListRequest {
                limit: 700,
                cursor,
                q: None,
            };
            let listing = listing(&self.t, &self.operators[by].scope, &request).await;
            let listing = listing.unwrap();
            found.extend(listing.items.iter().map(|token| token.id));
            match listing.next {
                Some(next) => cursor = Some(next.parse().unwrap()),
                None => return found,
            }
        }
    }
}

db_test!(pages_and_cursors_hold_what_the_rules_give, |t| {
    let world = World::new(t).await;
    let everything = ApiTokenQuery::default();
    let mut seen = Vec::new();
    for by in 0..world.operators.len() {
        let wanted = world.wanted(by, &everything);
        assert_eq!(world.paged(by, &everything).await, wanted, "{by}");
        assert_eq!(world.followed(by).await, wanted, "{by}");
        seen.push(wanted.len());
    }
    assert!(
        seen.iter().all(|seen| *seen > 100) && seen[0] == TOKENS && seen[1] < TOKENS / 2,
        "{seen:?}"
    );
    for by in [0, 1, 3] {
        for query in [
            ApiTokenQuery {
                q: Some(" tOKEN 001".to_owned()),
                ..everything.clone()
            },
            ApiTokenQuery {
                q: Some("noor".to_owned()),
                state: Some(ApiTokenState::Expired),
                ..everything.clone()
            },
            ApiTokenQuery {
                state: Some(ApiTokenState::Active),
                customer: Some(world.customers[1]),
                ..everything.clone()
            },
            ApiTokenQuery {
                customer: Some(world.customers[4]),
                ..everything.clone()
            },
        ] {
            let wanted = world.wanted(by, &query);
            assert_eq!(world.paged(by, &query).await, wanted, "{by} {query:?}");
        }
    }

    let mut one_by_one = Vec::new();
    for token in world.tokens.iter().step_by(97) {
        let found = get(&world.t, &world.operators[1].scope, token.id).await;
        one_by_one.push((found.is_ok(), world.may_see(1, token)));
    }
    assert!(one_by_one.iter().all(|(found, may)| found == may));
    assert!(one_by_one.iter().any(|(found, _)| *found));
});

db_test!(each_column_sorts, |t| {
    let world = World::new(t).await;
    let scope = &world.operators[0].scope;
    for (sort, _) in SORTS {
        for direction in [Direction::Ascending, Direction::Descending] {
            let query = ApiTokenQuery {
                sort: Some((*sort).to_owned()),
                direction,
                page: PageRequest::new(2, 50),
                ..ApiTokenQuery::default()
            };
            let page = list(&world.t, scope, query).await.unwrap();
            assert_eq!((page.items.len(), page.total), (50, 3_000), "{sort}");
        }
    }
});

/// The steps by which SQLite finds what a statement asks for. PostgreSQL knows how many rows there
/// are, and plans by that.
async fn steps(sql: String) -> Vec<String> {
    let t = TestBackend::new(Kind::Sqlite).await.unwrap();
    let mut tx = t.db.read().await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let plan = fetch_all!(&mut tx, (i64, i64, i64, String), sql).unwrap();
    plan.into_iter().map(|(.., step)| step).collect()
}

fn has(steps: &[String], step: &str) -> bool {
    steps.iter().any(|of| of.starts_with(step))
}

#[tokio::test]
async fn sqlite_finds_one_token_and_ones_own_by_index() {
    for seen in [visible!(), own!()] {
        let one = steps(format!("{LINE} WHERE t.id = $7 AND {seen}")).await;
        let by_id = "SEARCH t USING INDEX sqlite_autoindex_api_token_1 (id=?)";
        assert_eq!(one[0], by_id, "{one:#?}");
        assert!(!has(&one, "SCAN t"), "{one:#?}");
    }
    let own = steps(format!("{LINE} WHERE {}{MATCHING}", own!())).await;
    assert!(!has(&own, "SCAN t"), "{own:#?}");
    assert!(
        has(
            &own,
            "SEARCH t USING INDEX api_token_by_operator (operator_id=?)"
        ),
        "{own:#?}"
    );
    let ending = steps(concat!(lines!("$2"), " WHERE t.operator_id = $1").to_owned()).await;
    assert!(!has(&ending, "SCAN t"), "{ending:#?}");
}

#[tokio::test]
async fn sqlite_goes_through_tokens_by_name_and_asks_little_for_each() {
    let order = paging::order(SORTS, None, Direction::Ascending, "t.id");
    let page = steps(format!(
        "{LINE} WHERE {}{MATCHING} {order} LIMIT 50",
        visible!()
    ))
    .await;
    assert!(
        has(&page, "SCAN t USING INDEX api_token_by_name"),
        "{page:#?}"
    );
    assert!(!has(&page, "USE TEMP B-TREE FOR ORDER BY"), "{page:#?}");
    // Beside operators and the roles that need a second factor, of which there are few, and which are
    // gone through once.
    let scans: Vec<_> = page.iter().filter(|of| of.starts_with("SCAN ")).collect();
    let allowed = ["SCAN t ", "SCAN r", "SCAN reached", "SCAN s", "SCAN o"];
    assert!(
        scans
            .iter()
            .all(|of| allowed.iter().any(|a| of.starts_with(a))),
        "{page:#?}"
    );
    let next = steps(format!("{LINE} WHERE {}{NEXT}", visible!())).await;
    let after = "SEARCH t USING INDEX api_token_by_name ((name_folded,id)>(?,?))";
    assert!(has(&next, after), "{next:#?}");
}
