use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{keys::MasterKey, places, *};
use crate::clock::Clock;

fn sealer(key: u8) -> Sealer {
    Sealer::new(&[key; 32], Ids::seeded(Clock::system(), 1))
}

#[tokio::test]
async fn a_secret_opens_only_in_its_own_place_with_its_own_key() {
    let here = Place::new(places::CREDENTIAL_SECRET, Uuid::from_u128(1));
    let secret = SecretString::from("hunter2");
    let one = sealer(1);
    let sealed = one.seal_with(&one.keys.first, here, &secret).unwrap();
    assert_eq!(
        one.open(here, &sealed).await.unwrap().expose_secret(),
        "hunter2"
    );
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(key_of(&sealed), Some(MasterKey::new(&[1; 32]).id()));

    let moved = Place::new(places::SECOND_CREDENTIAL_SECRET, Uuid::from_u128(1));
    assert!(
        one.open(moved, &sealed).await.is_ok(),
        "the two change places"
    );
    for elsewhere in [
        Place::new(places::CREDENTIAL_SECRET, Uuid::from_u128(2)),
        Place::new(places::WEBHOOK_SECRET, Uuid::from_u128(1)),
    ] {
        assert!(one.open(elsewhere, &sealed).await.is_err());
    }
    assert!(sealer(2).open(here, &sealed).await.is_err());
    for at in 0..sealed.len() {
        let mut bent = sealed.clone();
        bent[at] ^= 1;
        assert!(one.open(here, &bent).await.is_err(), "byte {at}");
        assert!(one.open(here, &sealed[..at]).await.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn another_keys_name_on_a_value_does_not_open_it() {
    let here = Place::new(places::CREDENTIAL_SECRET, Uuid::from_u128(1));
    let (one, two) = (sealer(1), MasterKey::new(&[2; 32]));
    one.learn(&Arc::new(two));
    let secret = SecretString::from("hunter2");
    let mut sealed = one.seal_with(&one.keys.first, here, &secret).unwrap();
    sealed[1..PREFIX_BYTES].copy_from_slice(MasterKey::new(&[2; 32]).id().bytes());
    assert!(one.open(here, &sealed).await.is_err());
}
