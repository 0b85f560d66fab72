//! Entries for other programs.

use mtor_shared::ledger::{Body, EntryView};

/// The columns, one line a movement.
const HEADER: &str = "seq,at_ms,kind,from,to,amount_micro,reservation,note,hash\r\n";

/// One value by RFC 4180. A spreadsheet takes what begins like a formula for one, so that is made text.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Words of an entry that a person wrote, or what it was for.
fn note(body: &Body) -> &str {
    match body {
        Body::Issue { reason, .. } | Body::Transfer { reason, .. } => reason.as_str(),
        Body::Hold { capability, .. } => capability.as_str(),
        Body::Settle { provider, .. } => provider.as_str(),
        Body::Release { .. } => "",
    }
}

/// Comma-separated values.
pub fn csv(entries: &[EntryView]) -> String {
    let mut text = HEADER.to_owned();
    for EntryView { entry, hash } in entries {
        let reservation = entry.body.reservation().map(|id| id.to_string()).unwrap_or_default();
        for leg in &entry.legs {
            let values = [
                entry.seq.to_string(),
                entry.at_ms.to_string(),
                entry.body.kind().to_owned(),
                field(&leg.from.to_string()),
                field(&leg.to.to_string()),
                leg.amount.micro().to_string(),
                reservation.clone(),
                field(note(&entry.body)),
                hash.to_string(),
            ];
            text.push_str(&values.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

/// One JSON object a line.
pub fn json_lines(entries: &[EntryView]) -> String {
    let mut text = String::new();
    for entry in entries {
        // Numbers and texts always become JSON.
        text.push_str(&serde_json::to_string(entry).unwrap_or_default());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use mtor_shared::ledger::{Account, Amount, Book};

    use super::*;

    #[test]
    fn what_a_person_wrote_is_neither_a_column_nor_a_formula() {
        let mut book = Book::default();
        let reason = "=HYPERLINK(\"https://evil.example\", \"x\")".to_owned().try_into().expect("valid");
        let body =
            Body::Issue { to: Account::Realm, amount: Amount::from_credits(1).expect("small"), reason };
        let sealed = book.write(7, body).expect("written");
        let text = csv(&[EntryView { entry: sealed.entry, hash: sealed.hash }]);
        let line = text.lines().nth(1).expect("a line");
        assert!(line.starts_with("1,7,issue,issue,realm,1000000,,\"'=HYPERLINK(\"\"https:"), "{line}");
    }
}
