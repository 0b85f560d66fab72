//! `cargo xtask bench tokenomics`: a year of a realm on the real book, day by day, under the assumptions that
//! `docs/tokenomics.md` states; and what attackers gain. Deterministic: the same seed, the same year.

use std::{error::Error, io::Write as _};

use mtor_shared::{
    identity::{DidKey, PersonId},
    ledger::{Account, Amount, Body, Book, ProviderId, Released, ReservationId, Text, Usage},
};

const DAY_MS: u64 = 86_400_000;
const DAYS: u64 = 360;
/// Of the realm's defaults: `ledger.supply_cap`, `ledger.owner`, `ledger.welcome`, `ledger.welcomes_a_day`,
/// `ledger.fee_basis_points`.
const CAP: u64 = 9_000_000;
const OWNER: u64 = 9_000;
const WELCOME: u64 = 100;
const WELCOMES_A_DAY: u32 = 100;
const FEE: u16 = 500;

/// What is assumed about people.
#[derive(Clone, Copy)]
struct Assumptions {
    name: &'static str,
    /// Honest newcomers a day, for the first hundred days.
    newcomers: u32,
    /// Identities that one attacker makes a day.
    sybils: u32,
    /// Of a hundred people, how many offer something.
    providers: u32,
    /// Questions of a person a day, at most.
    questions: u64,
    /// Of a hundred questions, how many fail and cost nothing.
    failures: u64,
    /// Credits that the operator issues to every honest person each 30 days.
    stipend: u64,
}

const USUAL: Assumptions = Assumptions {
    name: "as usual",
    newcomers: 10,
    sybils: 0,
    providers: 5,
    questions: 6,
    failures: 10,
    stipend: 60,
};

/// Knuth's multiplier: enough for drawing numbers, and the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

struct Realm {
    book: Book,
    now_ms: u64,
    reservations: u64,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn credits(credits: u64) -> Outcome<Amount> {
    Ok(Amount::from_credits(credits)?)
}

fn text(text: &str) -> Outcome<Text> {
    Ok(Text::try_from(text.to_owned())?)
}

fn person(number: u64) -> PersonId {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    PersonId::from(&DidKey::from_public_key(key))
}

fn provider(number: u64) -> Outcome<ProviderId> {
    Ok(ProviderId::try_from(format!("provider-{number}"))?)
}

impl Realm {
    fn issue(&mut self, to: Account, amount: Amount) -> Outcome<bool> {
        let after = self.book.balance(&Account::Issue).checked_add(amount);
        if after.is_none_or(|after| after.micro() > CAP * Amount::MICRO_PER_CREDIT) {
            return Ok(false);
        }
        self.book.write(self.now_ms, Body::Issue { to, amount, reason: text("simulated")? })?;
        Ok(true)
    }

    /// Whether a question was answered and paid; none where it could not be paid.
    fn ask(&mut self, who: &PersonId, whom: u64, price: Amount, fails: bool) -> Outcome<Option<bool>> {
        self.reservations += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.reservations.to_be_bytes());
        let reservation = ReservationId::from_bytes(id);
        let hold = Body::Hold {
            reservation,
            person: who.clone(),
            key: None,
            provider: provider(whom)?,
            capability: text("simulated/question")?,
            amount: price,
            idempotency: None,
        };
        if self.book.write(self.now_ms, hold).is_err() {
            return Ok(None);
        }
        let end = if fails {
            Body::Release { reservation, reason: Released::Failed }
        } else {
            let fee = price.share(FEE);
            Body::Settle {
                reservation,
                provider: provider(whom)?,
                charged: price,
                fee,
                usage: Usage::default(),
            }
        };
        self.book.write(self.now_ms, end)?;
        Ok(Some(!fails))
    }

    fn send(&mut self, from: Account, to: Account, amount: Amount) -> Outcome<()> {
        if !amount.is_zero() {
            let body = Body::Transfer { from, to, amount, reason: text("simulated")?, compensates: None };
            self.book.write(self.now_ms, body)?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Year {
    issued: u64,
    /// Of honest questions in the last 30 days, in thousandths.
    refused: u64,
    /// Of honest newcomers, in thousandths.
    unwelcomed: u64,
    /// What the richest tenth of honest people have, in thousandths of what all of them have.
    richest_tenth: u64,
    /// What one attacker with many names has at the end, in credits.
    sybil: u64,
    /// What a self-dealer has left of each thousand credits that they send round each day.
    self_dealer: u64,
    /// Answered and paid.
    paid: u64,
}

fn year(assumed: Assumptions) -> Outcome<Year> {
    let mut realm = Realm { book: Book::default(), now_ms: 0, reservations: 0 };
    let mut draw = Draw(9_000);
    let mut year = Year::default();
    let owner = PersonId::local();
    realm.issue(Account::Person(owner), credits(OWNER)?)?;
    // Who deals with themselves has a thousand credits and a provider of their own.
    let (dealer, own) = (person(u64::MAX), u64::MAX);
    realm.issue(Account::Person(dealer.clone()), credits(1_000)?)?;
    let sybil = Account::Person(person(u64::MAX - 1));
    let mut people: Vec<u64> = Vec::new();
    let (mut asked, mut refused, mut came, mut unwelcomed) = (0_u64, 0_u64, 0_u64, 0_u64);
    for day in 0..DAYS {
        realm.now_ms = day * DAY_MS;
        let mut welcomes = 0;
        let honest = if day < 100 { assumed.newcomers } else { 0 };
        // In turn, as they would come over a day.
        for at in 0..honest.max(assumed.sybils) {
            if at < assumed.sybils && welcomes < WELCOMES_A_DAY {
                welcomes += 1;
                realm.issue(sybil.clone(), credits(WELCOME)?)?;
            }
            if at < honest {
                came += 1;
                let number = came;
                people.push(number);
                if welcomes < WELCOMES_A_DAY {
                    welcomes += 1;
                    realm.issue(Account::Person(person(number)), credits(WELCOME)?)?;
                } else {
                    unwelcomed += 1;
                }
            }
        }
        if day % 30 == 29 && assumed.stipend > 0 {
            for number in &people {
                realm.issue(Account::Person(person(*number)), credits(assumed.stipend)?)?;
            }
        }
        let offers = (people.len() as u64 * u64::from(assumed.providers) / 100).max(1);
        for number in people.clone() {
            for _ in 0..draw.below(assumed.questions + 1) {
                // From a fifth of a credit to one and a fifth.
                let price = Amount::from_micro(200_000 + draw.below(1_000_000))?;
                let fails = draw.below(100) < assumed.failures;
                let outcome = realm.ask(&person(number), draw.below(offers), price, fails)?;
                let counts = u64::from(day >= DAYS - 30);
                (asked, refused) = (asked + counts, refused + counts * u64::from(outcome.is_none()));
                year.paid += u64::from(outcome == Some(true));
            }
        }
        // Providers take out what they earned; they are among the people who ask.
        for number in 0..offers {
            let account = Account::Provider(provider(number)?);
            let earned = realm.book.balance(&account);
            let whom = people.get(usize::try_from(number)?).copied().unwrap_or_default();
            realm.send(account, Account::Person(person(whom)), earned)?;
        }
        let all = realm.book.balance(&Account::Person(dealer.clone()));
        realm.ask(&dealer, own, all, false)?;
        let account = Account::Provider(provider(own)?);
        let earned = realm.book.balance(&account);
        realm.send(account, Account::Person(dealer.clone()), earned)?;
        // Nothing was made or lost, whoever did what.
        let sum: u64 = realm.book.balances().map(|(_, amount)| amount.micro()).sum();
        if sum != realm.book.balance(&Account::Issue).micro() {
            return Err("credits were made or lost".into());
        }
    }
    let mut balances: Vec<u64> =
        people.iter().map(|number| realm.book.balance(&Account::Person(person(*number))).micro()).collect();
    balances.sort_unstable_by(|a, b| b.cmp(a));
    let total: u64 = balances.iter().sum();
    let tenth: u64 = balances.iter().take(balances.len() / 10).sum();
    let whole = |amount: Amount| amount.micro() / Amount::MICRO_PER_CREDIT;
    year.issued = whole(realm.book.balance(&Account::Issue));
    year.refused = 1_000 * refused / asked.max(1);
    year.unwelcomed = 1_000 * unwelcomed / came.max(1);
    year.richest_tenth = 1_000 * tenth / total.max(1);
    year.sybil = whole(realm.book.balance(&sybil));
    year.self_dealer = whole(realm.book.balance(&Account::Person(dealer)));
    Ok(year)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    let years = [
        USUAL,
        Assumptions { name: "no stipend", stipend: 0, ..USUAL },
        Assumptions { name: "twice the questions", questions: 12, ..USUAL },
        Assumptions { name: "2,000 false identities a day", sybils: 2_000, ..USUAL },
    ];
    for assumed in years {
        let year = year(assumed)?;
        for (what, value, unit) in [
            ("issued in all", year.issued, "credits"),
            ("answers paid", year.paid, "answers"),
            ("questions that could not be paid, last 30 days", year.refused, "thousandths"),
            ("newcomers without a welcome", year.unwelcomed, "thousandths"),
            ("held by the richest tenth", year.richest_tenth, "thousandths"),
            ("taken by one attacker with many identities", year.sybil, "credits"),
            ("left to a self-dealer of 1,000 credits", year.self_dealer, "credits"),
        ] {
            let variant = format!("{}: {what}", assumed.name);
            let line = serde_json::json!({
                "bench": "tokenomics", "variant": variant, "median": value, "p95": value, "unit": unit, "n": 1});
            writeln!(out, "{line}")?;
        }
        // What the document promises.
        let most = u64::from(WELCOMES_A_DAY) * WELCOME * DAYS;
        if year.issued > CAP || year.sybil > most || year.self_dealer > 1_000 / 100 {
            return Err(format!("{}: a bound of docs/tokenomics.md does not hold", assumed.name).into());
        }
    }
    Ok(())
}
