//! The speaking model against the `hibari-tts` package, and against a listener.
//!
//! References: `scripts/make_speak_references.py`.

use mtor_inference::{
    audio::{Resampler, SAMPLE_RATE},
    models::{
        hibari::{Hibari, RATE},
        whisper::{Options, Step},
    },
    models_folder, speaker, whisper,
};
use mtor_shared::{
    model::{LISTENER, SPEAKER},
    problem::{Problem, ProblemCode},
};
use pollster::block_on;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    text: String,
    phonemes: Vec<String>,
    /// Of sound; only where it is read aloud.
    seconds: Option<f64>,
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("fixtures/spoken.json")).unwrap()
}

fn present<T>(id: &str, found: Result<T, Problem>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(problem) if problem.code == ProblemCode::NotFound => {
            eprintln!("skipped: {id} is not here; `cargo xtask models {id}` fetches it");
            None
        }
        Err(problem) => panic!("{problem}"),
    }
}

fn voice() -> Option<Hibari> {
    present(SPEAKER, block_on(speaker(&models_folder())))
}

#[test]
fn phonemes_equal_those_of_the_package() {
    let Some(mut voice) = voice() else { return };
    let references = references();
    assert!(references.len() >= 40);
    let mut wrong = Vec::new();
    for reference in &references {
        let got = voice.phonemes(&reference.text).unwrap();
        if got != reference.phonemes {
            wrong.push(format!("{:?}\n  {got:?}\n  instead of\n  {:?}", reference.text, reference.phonemes));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), references.len(), wrong.join("\n"));
}

#[test]
fn any_text_is_read_without_a_panic() {
    let Some(mut voice) = voice() else { return };
    let odd = [
        "",
        " ",
        "\n\n",
        "...",
        "\"",
        "''",
        "-",
        "—",
        "$",
        "€.",
        "1:99",
        "12/",
        "#",
        "&&&",
        "[a](b)",
        "2",
        "a2b2c",
        "99999999999999999999999999999999999999999999",
        "0.0.0.0",
        "-0",
        "你好，世界",
        "👩‍🚀",
        "\u{0}\u{feff}",
        "'''s'",
        "İ ǆ ß",
        "1.2.3rd 4th's 5'd 6ing",
        "A.B.C.",
        "....5",
        ",5,",
        "$.50",
        "£1.999",
        "x²",
        "½",
        "IV",
        "Chapter MMMM",
    ];
    for text in odd {
        let phonemes = voice.phonemes(text).unwrap();
        assert!(phonemes.iter().all(|part| !part.is_empty()), "{text:?} {phonemes:?}");
    }
    assert_eq!(voice.phonemes(&"a ".repeat(60_000)).unwrap_err().code, ProblemCode::TooLarge);
    assert_eq!(voice.speak("ˈA", 9.0, 0).unwrap_err().code, ProblemCode::BadArgument);
    assert!(voice.speak("", 1.0, 0).unwrap().is_empty());
}

#[test]
fn a_listener_writes_down_what_was_spoken() {
    let Some(mut voice) = voice() else { return };
    let Some(mut listener) = present(LISTENER, block_on(whisper(&models_folder(), LISTENER))) else { return };
    let (mut words, mut wrong, mut report) = (0, 0, String::new());
    for reference in references() {
        let Some(seconds) = reference.seconds else { continue };
        let mut wave = Vec::new();
        for phonemes in voice.phonemes(&reference.text).unwrap() {
            wave.extend(voice.speak(&phonemes, 1.0, 0).unwrap());
        }
        let got = wave.len() as f64 / f64::from(RATE);
        assert!((got / seconds - 1.0).abs() < 0.03, "{:?}: {got} s instead of {seconds} s", reference.text);
        let loudest = wave.iter().fold(0.0f32, |top, v| top.max(v.abs()));
        assert!((0.05..4.0).contains(&loudest), "{loudest}");

        let mut resampler = Resampler::new(RATE, SAMPLE_RATE).unwrap();
        let mut samples = Vec::new();
        resampler.push(&wave, &mut samples);
        resampler.finish(&mut samples);
        let mut sound = listener.begin(Options { beams: 1, ..Options::default() }).unwrap();
        sound.push(&samples);
        sound.finish();
        let Step::Window(pieces) = block_on(listener.step(&mut sound)).unwrap() else {
            panic!("a window is there")
        };
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let (said, heard) = (plain(&reference.text), plain(&text));
        let errors = distance(&said, &heard);
        if errors > 0 {
            report += &format!("{:?}\n  heard as {text:?}\n", reference.text);
        }
        words += said.len();
        wrong += errors;
    }
    let rate = 100.0 * wrong as f64 / f64::from(words as u32);
    eprintln!("{rate:.1} % of {words} words are heard wrongly\n{report}");
    assert!(words > 100 && rate <= 10.0, "{rate:.1} %\n{report}");
}

fn plain(text: &str) -> Vec<String> {
    let letters = |c: char| if c.is_alphanumeric() || c == '\'' { c.to_ascii_lowercase() } else { ' ' };
    text.chars().map(letters).collect::<String>().split_whitespace().map(str::to_owned).collect()
}

/// Words to change, add or take away.
fn distance(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
