//! The law of a chain, over small logs of any shape: what was written is accepted, and any change,
//! removal, swap or insertion of one entry is found.

use domain::{DateTime, id::CustomerId};
use proptest::prelude::*;
use uuid::Uuid;

use super::super::chain::{BEGINNING, ChainEnd, Row, Walk, day_head, hash};

const DAY: &str = "2026-03-01";

fn row(number: u128, text: &str) -> Row {
    Row {
        id: Uuid::from_u128(1_000 + number),
        customer_id: CustomerId(Uuid::from_u128(7)),
        day: DAY.to_owned(),
        position: 0,
        at: DateTime::from_timestamp(1_772_366_400, 0).unwrap(),
        actor_kind: "operator".to_owned(),
        actor_id: Some(Uuid::from_u128(3)),
        actor: "Mina".to_owned(),
        channel: "page".to_owned(),
        address: Some("192.0.2.1".to_owned()),
        customer_name: Some("Contoso".to_owned()),
        action: "customer.update".to_owned(),
        object_type: "customer".to_owned(),
        object_id: Some(Uuid::from_u128(7)),
        object_name: text.to_owned(),
        note: String::new(),
        changes: "{}".to_owned(),
        request_id: "r".to_owned(),
        search_text: text.to_owned(),
        hash: Vec::new(),
    }
}

/// A chain of entries as they are written.
fn written(texts: &[String]) -> (Vec<Row>, ChainEnd) {
    let customer = CustomerId(Uuid::from_u128(7));
    let mut walk = Walk::new(customer, DAY, &BEGINNING);
    let mut rows = Vec::new();
    for (number, text) in (0_u128..).zip(texts) {
        let mut row = row(number, text);
        walk.append(&mut row);
        rows.push(row);
    }
    let end = ChainEnd {
        customer_id: customer,
        entries: i64::try_from(rows.len()).unwrap(),
        head: rows.last().map_or_else(Vec::new, |row| row.hash.clone()),
    };
    (rows, end)
}

/// Goes along rows as the database gives them, in the order of their places.
fn holds(rows: &[Row], end: &ChainEnd) -> bool {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| row.position);
    let mut walk = Walk::new(end.customer_id, DAY, &BEGINNING);
    rows.iter().all(|row| walk.look(row).is_ok()) && walk.end(end).is_ok()
}

type Change = fn(&mut Row);

/// A change of each column. A new column has to be named here before this compiles.
fn changes() -> Vec<Change> {
    let Row {
        id: _,
        customer_id: _,
        day: _,
        position: _,
        at: _,
        actor_kind: _,
        actor_id: _,
        actor: _,
        channel: _,
        address: _,
        customer_name: _,
        action: _,
        object_type: _,
        object_id: _,
        object_name: _,
        note: _,
        changes: _,
        request_id: _,
        search_text: _,
        hash: _,
    } = row(0, "");
    vec![
        |row| row.id = Uuid::nil(),
        |row| row.customer_id = CustomerId(Uuid::nil()),
        |row| row.day.push('x'),
        |row| row.position += 1_000,
        |row| row.at += chrono::Duration::microseconds(1),
        |row| row.actor_kind.push('x'),
        |row| row.actor_id = None,
        |row| row.actor.push('x'),
        |row| row.channel.push('x'),
        |row| row.address = None,
        |row| row.customer_name = None,
        |row| row.action.push('x'),
        |row| row.object_type.push('x'),
        |row| row.object_id = Some(Uuid::from_u128(8)),
        |row| row.object_name.push('x'),
        |row| row.note.push('x'),
        |row| row.changes.push(' '),
        |row| row.request_id.push('x'),
        |row| row.search_text.push('x'),
        |row| row.hash[0] ^= 1,
    ]
}

/// What somebody does to a log.
#[derive(Debug, Clone)]
enum Tampering {
    Change(usize, usize),
    Remove(usize),
    Swap(usize, usize),
    Insert(usize),
    /// At the end, with the place and the hash that would follow.
    Append,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let any = any::<usize>;
    prop_oneof![
        (any(), any()).prop_map(|(at, column)| Tampering::Change(at, column)),
        any().prop_map(Tampering::Remove),
        (any(), any()).prop_map(|(a, b)| Tampering::Swap(a, b)),
        any().prop_map(Tampering::Insert),
        Just(Tampering::Append),
    ]
}

impl Tampering {
    /// Does it; false where it changes nothing.
    fn apply(&self, rows: &mut Vec<Row>) -> bool {
        let n = rows.len();
        match *self {
            Self::Change(at, column) => {
                let changes = changes();
                changes[column % changes.len()](&mut rows[at % n]);
            }
            Self::Remove(at) => {
                rows.remove(at % n);
            }
            Self::Swap(a, b) => {
                let (a, b) = (a % n, b % n);
                if a == b {
                    return false;
                }
                let place = rows[a].position;
                rows[a].position = rows[b].position;
                rows[b].position = place;
            }
            Self::Insert(at) => {
                let mut new = row(999, "smuggled in");
                new.position = rows[at % n].position;
                for row in rows.iter_mut().filter(|row| row.position >= new.position) {
                    row.position += 1;
                }
                new.hash = hash(&[0; 32], &new);
                rows.push(new);
            }
            Self::Append => {
                let mut new = row(999, "smuggled in");
                let last = rows.last().unwrap();
                new.position = last.position + 1;
                new.hash = hash(&last.hash, &new);
                rows.push(new);
            }
        }
        true
    }
}

proptest! {
    #[test]
    fn what_was_written_holds_and_nothing_else(
        texts in prop::collection::vec("[a-c]{0,3}", 1..8),
        tampering in tampering(),
    ) {
        let (mut rows, end) = written(&texts);
        prop_assert!(holds(&rows, &end));
        if tampering.apply(&mut rows) {
            prop_assert!(!holds(&rows, &end), "{:?}", tampering);
        }
    }
}

#[test]
fn every_column_is_in_the_hash() {
    let (rows, _) = written(&["a".to_owned()]);
    let before = Walk::new(rows[0].customer_id, DAY, &BEGINNING);
    let kept = &rows[0].hash;
    let all = changes();
    // The last one changes the hash itself.
    for (number, change) in all[..all.len() - 1].iter().enumerate() {
        let mut row = rows[0].clone();
        change(&mut row);
        let mut walk = Walk::new(rows[0].customer_id, DAY, &BEGINNING);
        assert!(walk.look(&row).is_err(), "column {number}");
        drop(walk);
    }
    assert_eq!(kept.len(), 32);
    drop(before);
}

#[test]
fn nothing_is_another_thing_than_an_empty_text() {
    let mut row = row(1, "a");
    row.address = None;
    let none = hash(&BEGINNING, &row);
    row.address = Some(String::new());
    assert_ne!(hash(&BEGINNING, &row), none);
}

#[test]
fn the_bytes_of_a_field_never_pass_for_those_of_the_next() {
    let mut one = row(1, "");
    (one.actor, one.channel) = ("ab".to_owned(), "c".to_owned());
    let mut other = one.clone();
    (other.actor, other.channel) = ("a".to_owned(), "bc".to_owned());
    assert_ne!(hash(&BEGINNING, &one), hash(&BEGINNING, &other));
}

/// What an auditor computes with a program of their own has to stay the same for ever: entries that
/// were written are compared with it. A program in another language, written after the decision note,
/// gave these.
#[test]
fn the_form_that_is_hashed_stays_as_it_is() {
    let (rows, end) = written(&["a".to_owned(), "b".to_owned()]);
    let head = day_head(DAY, &BEGINNING, std::slice::from_ref(&end));
    let made = [&rows[0].hash, &end.head, &head].map(hex::encode);
    assert_eq!(
        made,
        [
            "9b9706ed156b255d1ae361e5d75449e89572d7308240b8df1878d80656f84fa9",
            "c7b88c26da9ca73fd25961888079162d1819d595713a1cfdfad25eda9fc67234",
            "d68f67442c2ba68ebb32c18b1d25f622f2a48820f30e6f5ca2a1c11373e94a6d",
        ]
    );
}
