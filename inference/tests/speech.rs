//! Whisper and the voice detector against faster-whisper, numpy and Silero's own network, on the real weights.
//!
//! References: `scripts/make_speech_references.py`. Recordings are in `MTOR_SHARED/media`; tests that need one are
//! skipped where they are not.

#![allow(clippy::disallowed_methods, reason = "a test is told by its environment where recordings are")]

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mtor_inference::{
    audio::{AudioFile, Change, FRAME, HOP, MelFrontEnd, Segment, SegmentRules},
    models::{
        silero::{Detector, Silero, config::WINDOW},
        whisper::{Options, Piece, Step, Whisper},
    },
    models_folder, speech_detector, whisper,
};
use mtor_shared::{
    model::LISTENER,
    problem::{Problem, ProblemCode},
};
use pollster::block_on;
use serde::Deserialize;

const MULTILINGUAL: &str = "whisper-base";

/// One model in memory at a time, and not two tests on the same core.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
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

fn listener(id: &str) -> Option<Whisper> {
    present(id, block_on(whisper(&models_folder(), id)))
}

fn detector() -> Option<Silero> {
    present("silero-vad-6.2", block_on(speech_detector(&models_folder())))
}

/// Samples of a recording; none, with a message, where there is none.
fn recording(file: &str) -> Option<Vec<f32>> {
    let Some(shared) = std::env::var_os("MTOR_SHARED").map(PathBuf::from) else {
        eprintln!("skipped: MTOR_SHARED names no folder with media in it");
        return None;
    };
    let path = shared.join("media").join(file);
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    }
    Some(AudioFile::open(&path).unwrap().read_all().unwrap())
}

/// The sound that the script makes for itself, too.
fn synthetic(seconds: f64) -> Vec<f32> {
    let mut state = 1u64;
    (0..(16_000.0 * seconds) as usize)
        .map(|i| {
            let t = i as f64 / 16_000.0;
            let phase = 2.0 * std::f64::consts::PI * (120.0 * t + 20.0 * t * t);
            let hum: f64 = (1..9).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum();
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            let noise = state as f64 / f64::from(1 << 30) - 1.0;
            (0.15 * hum * (3.0 * t).sin().abs() + 0.02 * noise) as f32
        })
        .collect()
}

fn hear(model: &mut Whisper, options: Options, samples: &[f32], piece: usize) -> Vec<Piece> {
    let mut sound = model.begin(options).unwrap();
    let mut pieces = Vec::new();
    for part in samples.chunks(piece) {
        sound.push(part);
        while let Step::Window(found) = block_on(model.step(&mut sound)).unwrap() {
            pieces.extend(found);
        }
    }
    sound.finish();
    while let Step::Window(found) = block_on(model.step(&mut sound)).unwrap() {
        pieces.extend(found);
    }
    pieces
}

fn text(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

#[derive(Deserialize)]
struct Network {
    mel_rows: Vec<usize>,
    mel: Vec<Vec<f32>>,
    prompt: Vec<u32>,
    best: Vec<(u32, f32)>,
    /// Logits of the same tokens, with the decoder's weights rounded as MTOR keeps them.
    rounded: Vec<f32>,
    spread: f32,
}

/// 3 s of the synthetic sound as mel frames, [300, 80], scaled.
fn frames() -> Vec<f32> {
    let sound = synthetic(3.0);
    let half = FRAME as isize / 2;
    let padded: Vec<f32> = (-half..(300 * HOP) as isize + half)
        .map(|at| sound.get(at.unsigned_abs()).copied().unwrap_or(0.0))
        .collect();
    let mut mel = MelFrontEnd::new(80).logarithms(&padded, 300);
    let loudest = mel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    mel.iter_mut().for_each(|v| *v = (v.max(loudest - 8.0) + 4.0) / 4.0);
    mel
}

#[test]
fn mel_frames_equal_those_of_faster_whisper() {
    let reference: Network = serde_json::from_str(include_str!("fixtures/whisper_network.json")).unwrap();
    let mel = frames();
    for (row, want) in reference.mel_rows.iter().zip(&reference.mel) {
        for (got, want) in mel[row * 80..(row + 1) * 80].iter().zip(want) {
            assert!((got - want).abs() < 2e-3, "row {row}: {got} instead of {want}");
        }
    }
}

#[test]
fn logits_of_whisper_equal_those_of_numpy() {
    let _turn = turn();
    let reference: Network = serde_json::from_str(include_str!("fixtures/whisper_network.json")).unwrap();
    let Some(mut model) = listener(LISTENER) else { return };
    let logits = model.logits(&frames(), &reference.prompt).unwrap();
    let got = |index: usize| logits[reference.best[index].0 as usize];
    let off = |want: &dyn Fn(usize) -> f32| {
        (0..reference.best.len()).map(|index| (got(index) - want(index)).abs()).fold(0.0, f32::max)
    };
    let (exact, rounded) = (off(&|index| reference.best[index].1), off(&|index| reference.rounded[index]));
    eprintln!("logits are off by {exact} at most, and by {rounded} from those of the same rounded weights");
    // What the network computes, and what rounding the decoder to 8 bits takes from it.
    assert!(rounded < 0.01, "{rounded}");
    assert!(exact < 0.15 * reference.spread, "{exact} of {}", reference.spread);
    assert!(model.logits(&[], &[1]).is_err() && model.logits(&frames(), &[u32::MAX]).is_err());
}

#[derive(Deserialize)]
struct Transcript {
    file: String,
    model: String,
    beams: usize,
    said: String,
    text: String,
    spans: Vec<(f64, f64)>,
    mean_logprob: Option<f32>,
    temperature: f32,
    language: String,
}

fn transcripts(model: &str, beams: usize) -> Vec<Transcript> {
    let all: Vec<Transcript> = serde_json::from_str(include_str!("fixtures/speech_texts.json")).unwrap();
    all.into_iter().filter(|known| known.model == model && known.beams == beams).collect()
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

/// Word error rates within half a point, and the same spans where the words are the same.
fn assert_hears_as_faster_whisper(model: &str, beams: usize) {
    let _turn = turn();
    let references = transcripts(model, beams);
    assert!(references.len() >= 10);
    let Some(mut whisper) = listener(model) else { return };
    let (mut words, mut wrong, mut theirs, mut same) = (0, 0, 0, 0);
    let mut report = String::new();
    for reference in &references {
        let Some(samples) = recording(&reference.file) else { return };
        let pieces = hear(&mut whisper, Options { beams, ..Options::default() }, &samples, 16_000);
        let got = text(&pieces);
        if got == reference.text {
            same += 1;
            if reference.temperature == 0.0 && pieces.len() == reference.spans.len() {
                for (piece, (start, end)) in pieces.iter().zip(&reference.spans) {
                    assert!(
                        (piece.start - start).abs() < 0.31 && (piece.end - end).abs() < 0.31,
                        "{piece:?}"
                    );
                }
            }
            if let (Some(piece), Some(mean)) = (pieces.first(), reference.mean_logprob) {
                assert!((piece.mean_logprob - mean).abs() < 0.05, "{} instead of {mean}", piece.mean_logprob);
            }
        } else {
            report += &format!("{}: {got:?}\n  instead of {:?}\n", reference.file, reference.text);
        }
        let language = pieces.first().and_then(|piece| piece.language.clone());
        assert!(language.is_none_or(|code| code == reference.language), "{}", reference.file);
        let said = plain(&reference.said);
        if !said.is_empty() {
            words += said.len();
            wrong += distance(&said, &plain(&got));
            theirs += distance(&said, &plain(&reference.text));
        }
    }
    let rate = |wrong: usize| 100.0 * wrong as f64 / words as f64;
    let summary = format!(
        "{model}, {beams} beams: {same} of {} texts the same, word error rate {:.2} % and theirs {:.2} %\n{report}",
        references.len(),
        rate(wrong),
        rate(theirs)
    );
    eprintln!("{summary}");
    assert!(rate(wrong) <= rate(theirs) + 0.5, "{summary}");
    assert!(10 * same >= 7 * references.len(), "{summary}");
}

#[test]
fn the_likeliest_words_are_those_of_faster_whisper() {
    assert_hears_as_faster_whisper(LISTENER, 1);
}

#[test]
fn five_beams_find_the_words_of_faster_whisper() {
    assert_hears_as_faster_whisper(LISTENER, 5);
}

#[test]
fn the_multilingual_model_hears_as_faster_whisper() {
    assert_hears_as_faster_whisper(MULTILINGUAL, 1);
}

#[test]
fn a_long_sound_is_read_window_by_window_in_bounded_memory() {
    let _turn = turn();
    let Some(mut model) = listener(LISTENER) else { return };
    let Some(once) = recording("speech/jfk.flac") else { return };
    // A minute of the same sentence with pauses between.
    let mut samples = Vec::new();
    for _ in 0..5 {
        samples.extend_from_slice(&once);
        samples.extend([0.0; 16_000]);
    }
    let options = Options { beams: 1, remembers: false, ..Options::default() };
    let pieces = hear(&mut model, options, &samples, 8_000);
    let heard = plain(&text(&pieces)).join(" ");
    assert!(heard.matches("ask what you can do for your country").count() >= 4, "{heard}");
    assert!(pieces.windows(2).all(|pair| pair[0].end <= pair[1].start + 0.02), "{pieces:?}");
    assert!(pieces.last().unwrap().end > 50.0);
}

#[test]
fn a_sound_that_still_grows_is_guessed_and_the_guess_changes_nothing() {
    let _turn = turn();
    let Some(mut model) = listener(LISTENER) else { return };
    let Some(samples) = recording("speech/jfk.flac") else { return };
    let mut sound = model.begin(Options::default()).unwrap();
    let mut guesses = Vec::new();
    for part in samples.chunks(2 * 16_000) {
        sound.push(part);
        assert_eq!(block_on(model.step(&mut sound)).unwrap(), Step::Waiting);
        guesses.push(block_on(model.guess(&mut sound)).unwrap());
    }
    sound.finish();
    let Step::Window(pieces) = block_on(model.step(&mut sound)).unwrap() else { panic!("a window is there") };
    assert!(plain(&guesses[1]).join(" ").contains("fellow americans"), "{guesses:?}");
    assert!(plain(guesses.last().unwrap()).join(" ").contains("ask what you can do"), "{guesses:?}");
    let straight = hear(&mut model, Options::default(), &samples, samples.len());
    assert_eq!(text(&pieces), text(&straight));
}

#[test]
fn silence_and_a_hum_have_no_words_and_a_language_must_be_known() {
    let _turn = turn();
    let Some(mut model) = listener(LISTENER) else { return };
    let options = Options { beams: 1, ..Options::default() };
    assert_eq!(hear(&mut model, options.clone(), &[0.0; 32_000], 32_000), []);
    assert_eq!(hear(&mut model, options, &[], 1), []);
    let french = Options { language: Some("fr".into()), ..Options::default() };
    assert_eq!(model.begin(french).err().unwrap().code, ProblemCode::BadArgument);
}

#[derive(Deserialize)]
struct Activity {
    synthetic: Vec<f32>,
    files: HashMap<String, Vec<f32>>,
}

fn probabilities(model: &mut Silero, samples: &[f32]) -> Vec<f32> {
    model.reset();
    samples.as_chunks::<WINDOW>().0.iter().map(|window| model.probability(window)).collect()
}

fn assert_near(name: &str, got: &[f32], want: &[f32]) {
    assert!(got.len() >= want.len() && want.len() > 50, "{name}");
    let worst = got.iter().zip(want).map(|(got, want)| (got - want).abs()).fold(0.0, f32::max);
    eprintln!("{name}: probabilities are off by {worst} at most");
    assert!(worst < 1e-3, "{name}: {worst}");
}

#[test]
fn probabilities_of_speech_equal_those_of_its_authors() {
    let reference: Activity = serde_json::from_str(include_str!("fixtures/speech_activity.json")).unwrap();
    let Some(mut model) = detector() else { return };
    assert_near("synthetic", &probabilities(&mut model, &synthetic(3.0)), &reference.synthetic);
    for (file, want) in &reference.files {
        let Some(samples) = recording(file) else { return };
        assert_near(file, &probabilities(&mut model, &samples), want);
    }
}

fn segments(detector: &mut Detector, samples: &[f32], piece: usize) -> Vec<Segment> {
    detector.reset();
    let mut found = Vec::new();
    let mut each = |_: f32, change: Option<Change>| {
        if let Some(Change::Ended(segment)) = change {
            found.push(segment);
        }
    };
    samples.chunks(piece).for_each(|part| detector.push(part, &mut each));
    detector.finish(&mut each);
    found
}

#[test]
fn speech_is_found_where_it_is_and_noise_is_not_speech() {
    let Some(model) = detector() else { return };
    let mut detector = Detector::new(model, SegmentRules::default());
    assert_eq!(segments(&mut detector, &synthetic(3.0), 1_000), []);
    for file in ["noise/sb_noise1.wav", "noise/sb_noise2.wav"] {
        let Some(samples) = recording(file) else { return };
        let longest = segments(&mut detector, &samples, 1_000)
            .iter()
            .map(|segment| segment.end_secs() - segment.start_secs())
            .fold(0.0, f64::max);
        assert!(longest <= 1.0, "{file}: {longest} s of noise are taken for speech");
    }
    let Some(samples) = recording("speech/jfk.flac") else { return };
    let found = segments(&mut detector, &samples, 333);
    assert_eq!(found, segments(&mut detector, &samples, samples.len()), "pieces make no difference");
    let spoken: f64 = found.iter().map(|segment| segment.end_secs() - segment.start_secs()).sum();
    assert!((6.0..=11.0).contains(&spoken) && (2..=6).contains(&found.len()), "{found:?}");
}
