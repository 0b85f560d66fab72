//! Credits: whether there are any, how many there may be, what newcomers get.

use mtor_shared::ledger::Amount;

use super::Reader;

/// See the module.
#[derive(Clone, Debug)]
pub struct LedgerSettings {
    /// Whether work is charged. Rates hold without credits too.
    pub credits: bool,
    /// The most that is ever issued.
    pub supply_cap: Amount,
    /// What the realm keeps of each charge, in hundredths of a percent.
    pub fee_basis_points: u16,
    /// What the realm's owner has at the start.
    pub owner: Amount,
    /// What each newcomer has at the start.
    pub welcome: Amount,
    /// Newcomers a day who get it; whoever makes themselves many identities gets no more than that.
    pub welcomes_a_day: u32,
}

impl LedgerSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let credits = |credits| Amount::from_credits(credits).unwrap_or_default();
        let wanted = "credits in digits, for example \"9000\" or \"0.5\"";
        Self {
            credits: reader.text("ledger.credits", true, "on or off", |text| match text {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            }),
            supply_cap: reader
                .text("ledger.supply_cap", credits(9_000_000), wanted, |text| text.parse().ok()),
            fee_basis_points: u16::try_from(reader.number("ledger.fee_basis_points", 500, 0..=5_000))
                .unwrap_or(500),
            owner: reader.text("ledger.owner", credits(9_000), wanted, |text| text.parse().ok()),
            welcome: reader.text("ledger.welcome", credits(100), wanted, |text| text.parse().ok()),
            welcomes_a_day: u32::try_from(reader.number("ledger.welcomes_a_day", 100, 0..=1_000_000))
                .unwrap_or(100),
        }
    }
}
