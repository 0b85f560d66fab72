//! Whatever happens in whatever order: no credit is made or lost, nothing is paid twice, and a change is found.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::identity::PersonId;

/// Something that somebody tries, allowed or not.
#[derive(Clone, Debug)]
enum Try {
    Issue {
        to: u8,
        amount: u64,
    },
    Transfer {
        from: u8,
        to: u8,
        amount: u64,
    },
    Hold {
        who: u8,
        id: u8,
        amount: u64,
    },
    Settle {
        id: u8,
        charged: u64,
        fee: u64,
    },
    Release {
        id: u8,
    },
    /// The process ends and the next one reads what is stored.
    Crash,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let amount = prop_oneof![8 => 0_u64..50, 1 => Just(Amount::MAX.micro())];
    let one = prop_oneof![
        2 => (0_u8..4, amount.clone()).prop_map(|(to, amount)| Try::Issue { to, amount }),
        2 => (0_u8..4, 0_u8..4, 0_u64..50).prop_map(|(from, to, amount)| Try::Transfer { from, to, amount }),
        4 => (0_u8..3, 0_u8..8, amount).prop_map(|(who, id, amount)| Try::Hold { who, id, amount }),
        4 => (0_u8..8, 0_u64..50, 0_u64..5).prop_map(|(id, charged, fee)| Try::Settle { id, charged, fee }),
        2 => (0_u8..8).prop_map(|id| Try::Release { id }),
        1 => Just(Try::Crash),
    ];
    proptest::collection::vec(one, 1..120)
}

fn person(number: u8) -> PersonId {
    PersonId::from(&crate::identity::DidKey::from_public_key([number; 32]))
}

fn account(number: u8) -> Account {
    if number == 3 { Account::Realm } else { Account::Person(person(number)) }
}

fn text(text: &str) -> Text {
    text.to_owned().try_into().expect("valid")
}

fn body(wanted: &Try) -> Option<Body> {
    let micro = |micro| Amount::from_micro(micro).expect("small");
    let provider = || "p".to_owned().try_into().expect("valid");
    Some(match *wanted {
        Try::Issue { to, amount } => {
            Body::Issue { to: account(to), amount: micro(amount), reason: text("x") }
        }
        Try::Transfer { from, to, amount } => Body::Transfer {
            from: account(from),
            to: account(to),
            amount: micro(amount),
            reason: text("x"),
            compensates: None,
        },
        Try::Hold { who, id, amount } => Body::Hold {
            reservation: ReservationId::from_bytes([id; 16]),
            person: person(who),
            key: None,
            provider: provider(),
            capability: text("a/b"),
            amount: micro(amount),
            idempotency: None,
        },
        Try::Settle { id, charged, fee } => Body::Settle {
            reservation: ReservationId::from_bytes([id; 16]),
            provider: provider(),
            charged: micro(charged),
            fee: micro(fee),
            usage: Usage::default(),
        },
        Try::Release { id } => {
            Body::Release { reservation: ReservationId::from_bytes([id; 16]), reason: Released::Failed }
        }
        Try::Crash => return None,
    })
}

/// Balances by nothing but addition: what any reader of an export can do.
fn added_up(entries: &[Sealed]) -> (BTreeMap<Account, i128>, i128) {
    let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
    for leg in entries.iter().flat_map(|sealed| &sealed.entry.legs) {
        *sums.entry(leg.from.clone()).or_default() -= i128::from(leg.amount.micro());
        *sums.entry(leg.to.clone()).or_default() += i128::from(leg.amount.micro());
    }
    let issued = -sums.remove(&Account::Issue).unwrap_or_default();
    (sums, issued)
}

fn replayed(entries: &[Sealed]) -> Book {
    let mut book = Book::default();
    for sealed in entries {
        book.replay(sealed.entry.seq, &sealed.text, sealed.hash).expect("as it was written");
    }
    book
}

fn played(tries: &[Try]) -> (Book, Vec<Sealed>) {
    let mut book = Book::default();
    let mut entries = Vec::new();
    for (at, wanted) in tries.iter().enumerate() {
        match body(wanted) {
            Some(body) => entries.extend(book.write(at as u64, body)),
            None => book = replayed(&entries),
        }
    }
    (book, entries)
}

proptest! {
    #[test]
    fn no_credit_is_made_or_lost_whatever_happens(tries in tries()) {
        let (book, entries) = played(&tries);
        let (sums, issued) = added_up(&entries);
        prop_assert_eq!(issued, i128::from(book.balance(&Account::Issue).micro()));
        prop_assert_eq!(sums.values().sum::<i128>(), issued);
        for (account, sum) in &sums {
            prop_assert!(*sum >= 0, "{} has {}", account, sum);
            prop_assert_eq!(*sum, i128::from(book.balance(account).micro()), "{}", account);
        }
        for (account, amount) in book.balances() {
            prop_assert_eq!(sums.get(account).copied().unwrap_or_default(), i128::from(amount.micro()));
        }
        // What is set aside is what is being worked for.
        for number in 0..3 {
            let held = book.all_held().filter(|(_, held)| held.person == person(number));
            let held: u64 = held.map(|(_, held)| held.amount.micro()).sum();
            prop_assert_eq!(held, book.balance(&Account::Held(person(number))).micro());
        }
    }

    #[test]
    fn a_hold_ends_once(tries in tries()) {
        let (_, entries) = played(&tries);
        let mut open = std::collections::HashSet::new();
        for sealed in &entries {
            match &sealed.entry.body {
                Body::Hold { reservation, .. } => prop_assert!(open.insert(*reservation)),
                Body::Settle { reservation, .. } | Body::Release { reservation, .. } => {
                    prop_assert!(open.remove(reservation));
                }
                Body::Issue { .. } | Body::Transfer { .. } => {}
            }
        }
    }

    #[test]
    fn a_refused_entry_changes_nothing(tries in tries()) {
        let (mut book, _) = played(&tries);
        for wanted in &tries {
            let before = format!("{book:?}");
            if let Some(body) = body(wanted) && book.clone().write(0, body.clone()).is_err() {
                let _ = book.write(0, body);
                prop_assert_eq!(&before, &format!("{book:?}"));
            }
        }
    }

    #[test]
    fn replaying_what_is_stored_gives_the_same_book(tries in tries()) {
        let (book, entries) = played(&tries);
        let again = replayed(&entries);
        prop_assert_eq!(again.head(), book.head());
        prop_assert!(again.balances().eq(book.balances()));
    }

    #[test]
    fn a_changed_missing_or_moved_entry_is_found(
        tries in tries(),
        at in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        flip in 1_u8..8,
    ) {
        let (_, entries) = played(&tries);
        prop_assume!(entries.len() > 1);
        let at = at.index(entries.len());
        let check = |rows: &[(u64, String, Hash)]| {
            let mut book = Book::default();
            rows.iter().find_map(|(seq, text, hash)| book.replay(*seq, text, *hash).err())
        };
        let rows: Vec<(u64, String, Hash)> =
            entries.iter().map(|sealed| (sealed.entry.seq, sealed.text.clone(), sealed.hash)).collect();
        let seq = rows[at].0;

        let mut changed = rows.clone();
        let byte = byte.index(changed[at].1.len());
        let mut bytes = changed[at].1.clone().into_bytes();
        bytes[byte] ^= flip;
        changed[at].1 = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(check(&changed).map(|broken| (broken.seq, broken.broken)), Some((seq, Broken::Hash)));

        // With every hash after it made anew, the rules find what the chain cannot, or the head differs.
        let mut forged = changed.clone();
        let mut last = if at == 0 { Hash::default() } else { forged[at - 1].2 };
        for row in &mut forged[at..] {
            row.2 = last.after(&row.1);
            last = row.2;
        }
        prop_assert_ne!(last, rows.last().expect("some").2);

        if at + 1 < rows.len() {
            let mut missing = rows.clone();
            missing.remove(at);
            prop_assert_eq!(check(&missing).map(|broken| broken.seq), Some(seq + 1));
            let mut swapped = rows.clone();
            swapped.swap(at, at + 1);
            prop_assert!(check(&swapped).is_some());
        }
    }
}

#[test]
fn time_does_not_run_backwards_in_the_chain() {
    let issue = || Body::Issue {
        to: Account::Realm,
        amount: Amount::from_credits(1).expect("small"),
        reason: text("x"),
    };
    let mut book = Book::default();
    book.write(10, issue()).expect("written");
    assert_eq!(book.write(5, issue()).expect("written").entry.at_ms, 10);
}

#[test]
fn who_pays_themselves_has_no_more_than_before() {
    // A person who also is the provider turns credits round through holds and settlements; the fee is all that moves.
    let mut book = Book::default();
    let credits = |credits| Amount::from_credits(credits).expect("small");
    let me = Account::Person(person(1));
    let own: ProviderId = "own".to_owned().try_into().expect("valid");
    book.write(0, Body::Issue { to: me.clone(), amount: credits(100), reason: text("x") }).expect("written");
    for round in 0..50 {
        let reservation = ReservationId::from_bytes([round; 16]);
        let amount = book.balance(&me);
        let hold = Body::Hold {
            reservation,
            person: person(1),
            key: None,
            provider: own.clone(),
            capability: text("own/work"),
            amount,
            idempotency: None,
        };
        book.write(0, hold).expect("written");
        let fee = amount.share(500);
        let settle = Body::Settle {
            reservation,
            provider: own.clone(),
            charged: amount,
            fee,
            usage: Usage::default(),
        };
        book.write(0, settle).expect("written");
        let earned = book.balance(&Account::Provider(own.clone()));
        let back = Body::Transfer {
            from: Account::Provider(own.clone()),
            to: me.clone(),
            amount: earned,
            reason: text("x"),
            compensates: None,
        };
        book.write(0, back).expect("written");
    }
    assert!(book.balance(&me) < credits(100));
    assert_eq!(book.balance(&me).checked_add(book.balance(&Account::Realm)), Some(credits(100)));
    assert_eq!(book.balance(&Account::Issue), credits(100));
}
